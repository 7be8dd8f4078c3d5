"""Every verb and training step on a GPU that is not there: no devices mixed, nothing copied, no waiting."""

from collections import Counter

import pytest
import torch
from fake_cuda import CUDA, META, moved, watched
from torch import nn

from course_utils import models, runtime
from course_utils.models import younger
from course_utils.models.ensemble import OrderEnsemble
from course_utils.taxonomy import Flow, leaves, verbs
from course_utils.training import fit

pytestmark = pytest.mark.slow
SHAPE, N = (2, 4, 8), 3  # not square, several channels
FEW = (2, 2, 3)  # where a sample takes a pass, or many operations, for each of its pixels

SPECIMENS = {
    "PixelRNN": lambda: models.PixelRNN(FEW, layers=2),
    "PixelRNN, rows": lambda: models.PixelRNN(FEW, kind="row"),
    "PixelRNN, grey": lambda: models.PixelRNN(FEW, levels=5),
    "PixelCNN": lambda: models.PixelCNN(FEW),
    "PixelCNN, gated, classes": lambda: models.PixelCNN(FEW, gated=True, classes=10),
    "PixelCNN, grey": lambda: models.PixelCNN(FEW, levels=5),
    "NADE": lambda: models.NADE(SHAPE),
    "NADE, another order": lambda: models.NADE(SHAPE, order=range(63, -1, -1)),
    "MADE": lambda: models.MADE(SHAPE, hidden=(20, 20)),
    "MADE, many masks": lambda: models.MADE(SHAPE, hidden=(20,), order="random", masks=3, direct=False),
    "ensemble": lambda: OrderEnsemble([models.NADE(SHAPE), models.NADE(SHAPE, order=range(63, -1, -1))]),
    "NICE": lambda: models.NICE(SHAPE),
    "RealNVP": lambda: models.RealNVP(SHAPE),
    "Glow": lambda: models.Glow(SHAPE, steps=2),
    "Glow, convolutions, classes": lambda: models.Glow(SHAPE, net="conv", classes=10),
    "FFJORD": lambda: models.FFJORD(SHAPE, steps=2),
    "VAE": lambda: models.VAE(SHAPE),
    "VAE, grey, classes": lambda: models.VAE(SHAPE, decoder="discretised logistic", classes=10),
    "VAE, convolutions": lambda: models.VAE(SHAPE, network="convolutional"),
    "VAE, several samples": lambda: models.VAE(SHAPE, samples=4),
    "Boltzmann machine": lambda: models.BoltzmannMachine(SHAPE, mixing=3),
    "Boltzmann machine, persistent": lambda: models.BoltzmannMachine(SHAPE, gradient="PCD", mixing=3),
    "Boltzmann machine, full": lambda: models.BoltzmannMachine(
        (2, 1, 3), hidden=5, connections="full", mixing=3
    ),
    "GSN": lambda: models.GSN(SHAPE, mixing=3),
    "any order": lambda: younger.AnyOrder(SHAPE, orders=2),
    "flow matching": lambda: younger.FlowMatching(SHAPE, hidden=16, steps=2),
    "flow matching, hollow": lambda: younger.FlowMatching(
        (1, 4, 8), network="hollow", hidden=8, classes=10, steps=1
    ),
    "flow matching, classes": lambda: younger.FlowMatching(SHAPE, hidden=16, classes=10, guidance=1, steps=1),
    "spline flow": lambda: younger.SplineFlow(SHAPE),
    "VQ-VAE": lambda: younger.VQVAE(SHAPE, levels=5, tokens=2),
    "deep energy": lambda: younger.DeepEnergy((2, 1, 3), mixing=3),
    "diffusion": lambda: younger.Diffusion(SHAPE, hidden=16, steps=5),
    "GAN": lambda: models.GAN(SHAPE),
    "GAN, critic, classes": lambda: models.GAN(
        SHAPE, loss="wasserstein", network="convolutional", classes=10
    ),
}

# Who may wait for the device: the door, which looks at the values of x once. Nothing in a training step.
WAITS = {
    "checks:check_events",
    "checks:check_classes",
    "taxonomy.tractable:Autoregressive.complete",  # where the known pixels end decides how many are drawn
    "models.ensemble:OrderEnsemble._sample",  # how many samples each member draws
}


def batch(model: nn.Module, device: torch.device) -> dict[str, torch.Tensor]:
    """A batch on the fake device, with classes where the model has some."""
    x = torch.empty(N, *model.event_shape, device=device)
    y = torch.empty(N, dtype=torch.long, device=device)
    return {"x": x} | ({"y": y} if getattr(model, "classes", None) else {})


def ask(model: nn.Module, verb: str) -> object:
    """Ask a model on the fake GPU for one of its verbs."""
    given = batch(model, CUDA)
    if verb == "sample":
        return model.sample(N, **{key: value for key, value in given.items() if key == "y"})
    if verb == "complete":
        known = torch.empty(model.event_shape, dtype=torch.bool, device=CUDA)
        return model.complete(**given, known=known)
    if verb == "importance_weighted_bound":
        return model.importance_weighted_bound(**given, k=4)
    if verb == "decode":
        x = given.pop("x")
        if isinstance(model, Flow):
            asked = given if isinstance(model, younger.FlowMatching) else {}
            return model.decode(model.encode(x, **asked)[0], **asked)
        return model.decode(model.encode(x, **given).mean, **given)
    if verb == "encode" and isinstance(model, Flow) and not isinstance(model, younger.FlowMatching):
        given.pop("y", None)
    return getattr(model, verb)(**given)


def test_every_leaf_is_among_the_specimens():
    assert {type(make()) for make in SPECIMENS.values()} >= set(leaves())


@pytest.mark.parametrize("name", SPECIMENS)
def test_no_verb_mixes_devices_or_waits_but_at_the_door(name):
    model = SPECIMENS[name]()
    with torch.no_grad(), watched() as watch:
        moved(model, CUDA)
        for verb in verbs(type(model)):
            ask(model, verb)
    assert not watch.copies
    assert set(watch.waits) <= WAITS
    assert all(count <= 3 * len(verbs(type(model))) for count in watch.waits.values())


@pytest.mark.parametrize("name", SPECIMENS)
def test_no_training_step_mixes_devices_copies_or_waits(name):
    model = SPECIMENS[name]()
    losses = ("discriminator_loss", "generator_loss") if isinstance(model, models.GAN) else ("loss",)
    with watched() as watch:
        moved(model, META).train()
        for loss in losses:
            getattr(model, loss)(**batch(model, META)).backward()
    assert (watch.waits, watch.copies) == (Counter(), Counter())


# Once an epoch or in many steps: the losses, whether weights are finite, the held-out loss, D's answers.
LOOKS = {
    "training.fitting:Training.look",
    "training.optimiser:Optimiser.finite",
    "training.fitting:Training.evaluate",
    "training.fitting:Training.observe.<locals>.<dictcomp>",
}


@pytest.mark.parametrize("name", ["NADE", "Glow", "VAE, grey, classes", "Boltzmann machine", "GAN"])
def test_fit_waits_once_in_many_steps_and_copies_once_an_epoch(name, monkeypatch):
    """Two batches an epoch, or four: the device is asked as often, and gets the order of the examples."""
    counts = []
    for n in (20, 40):
        model = SPECIMENS[name]()
        with watched() as watch:
            moved(model, META).to = lambda place, model=model: model  # fake tensors cannot be moved in place
            monkeypatch.setattr(runtime, "device", lambda wanted: META)
            given = [part.new_empty(n, *part.shape[1:]) for part in batch(model, META).values()]
            fit(model, tuple(given), epochs=2, batch_size=9, average=0.9, progress=False)
        assert set(watch.waits) <= LOOKS | WAITS | {"models.glow:Glow.initialise.<locals>.<listcomp>"}
        assert set(watch.copies) <= {"training.data:epoch", "training.data:_set_apart"}
        counts.append({place: watch.waits[place] for place in LOOKS} | watch.copies)
    assert counts[0] == counts[1] and max(counts[0].values()) <= 2 * 3 + 1


def test_what_is_watched_for_is_seen():
    class Careless(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left_behind = torch.ones(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.left_behind

    with torch.no_grad(), watched() as watch:
        x = torch.empty(3, device=CUDA)
        with pytest.raises(RuntimeError, match="device"):
            moved(Careless(), CUDA)(x)
        assert not watch.waits and not watch.copies
        x.max().item(), bool((x > 0).all()), x[x > 0], x.tolist()
        assert sum(watch.waits.values()) == 4
        x + torch.ones(3).to(CUDA), x.cpu(), torch.tensor([1.0, 2.0, 3.0], device=CUDA)
        assert sum(watch.copies.values()) == 3

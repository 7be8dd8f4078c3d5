"""Glow's own steps against dense linear algebra, its classes against Bayes, its start against the data."""

from math import log

import pytest
import torch
from torch import nn

from course_utils.datasets import digits
from course_utils.models import Glow
from course_utils.models.couplings import AffineCoupling
from course_utils.models.flow_steps import ClassNormal
from course_utils.models.glow_steps import ActNorm, InvertibleConv
from course_utils.training import fit


def pushed(module: nn.Module, strength=0.2) -> nn.Module:
    torch.manual_seed(0)
    module = module.double()
    for parameter in module.parameters():
        parameter.data.add_(strength * torch.randn_like(parameter))
    return module.eval()


def numbers(*shape, seed=3) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("channels", [1, 2, 5, 12])
def test_the_convolution_is_its_matrix_at_every_pixel(channels):
    """B9: h·w·Σ log |s| is h·w·log |det W|, and two triangular systems undo W."""
    conv = pushed(InvertibleConv(channels))
    x = numbers(3, channels, 2, 4)
    z, log_det = conv(x)
    W = conv.weight
    for i in range(2):
        for j in range(4):
            torch.testing.assert_close(z[:, :, i, j], x[:, :, i, j] @ W.T, rtol=0, atol=1e-12)
    assert (log_det - 8 * torch.linalg.slogdet(W).logabsdet).abs().max() < 1e-10
    assert (conv.inverse(z) - x).abs().max() < 1e-10
    assert log_det.abs().min() > 1e-3 and log_det.shape == (3,)


def test_the_convolution_starts_as_a_rotation_and_keeps_its_permutation():
    torch.manual_seed(1)
    conv = InvertibleConv(6)
    assert (conv.weight @ conv.weight.T - torch.eye(6)).abs().max() < 1e-5
    assert conv(torch.ones(1, 6, 2, 2))[1].abs().item() < 1e-5
    assert torch.equal(conv.P.sum(0), torch.ones(6)) and torch.equal(conv.P @ conv.P.T, torch.eye(6))
    assert not torch.equal(conv.P, torch.eye(6)) and "P" in conv.state_dict() and not conv.P.requires_grad


def test_actnorm_starts_from_the_first_batch_of_training_and_from_no_other():
    norm, x = ActNorm(3).double(), 5 + 3 * numbers(40, 3, 4, 4)
    norm.eval()
    assert torch.equal(norm(x)[0], x) and not norm.started
    norm.train()
    z, log_det = norm(x)
    assert z.mean((0, 2, 3)).abs().max() < 1e-12 and (z.var((0, 2, 3), correction=0) - 1).abs().max() < 1e-10
    torch.testing.assert_close(log_det, (-16 * x.std((0, 2, 3), correction=0).log().sum()).expand(40))
    before = norm.mean.clone()
    other = norm(10 * x)[0]
    assert torch.equal(norm.mean, before) and other.std() > 5
    assert (norm.inverse(z) - x).abs().max() < 1e-12


def test_the_start_of_actnorm_travels_with_the_weights():
    torch.manual_seed(0)
    model, twin = Glow((1, 4, 4), hidden=8), Glow((1, 4, 4), hidden=8)
    x = torch.rand(50, 1, 4, 4)
    model.train().loss(x)
    twin.load_state_dict(model.state_dict())
    norms = [module for module in twin.modules() if isinstance(module, ActNorm)]
    assert norms and all(norm.started for norm in norms)
    assert torch.equal(twin.train().log_prob(10 * x.clamp(0, 0.1)), model.log_prob(10 * x.clamp(0, 0.1)))


def test_actnorm_survives_a_checkpoint_bit_for_bit(tmp_path):
    x = digits("unit").train.x[:120]
    settings = dict(epochs=2, batch_size=50, progress=False, device="cpu")

    def model():
        torch.manual_seed(4)
        return Glow((1, 8, 8), hidden=8, steps=1)

    def stop(epoch, model):
        if epoch == 1:
            raise KeyboardInterrupt

    whole, first, second = model(), model(), model()
    fit(whole, x, **settings)
    file = tmp_path / "run.pt"
    fit(first, x, checkpoint=file, checkpoint_every=0, on_epoch=stop, **settings)
    fit(second, x, checkpoint=file, **settings)
    for a, b in zip(whole.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_couplings_start_as_the_identity():
    model = Glow((1, 4, 4), hidden=8)
    couplings = [module for module in model.modules() if isinstance(module, AffineCoupling)]
    assert len(couplings) == 4 + 1 + 4  # one more is the learned prior of what is factored out
    for coupling in couplings:
        x = torch.randn(2, *coupling.mask.shape)
        assert torch.equal(coupling(x)[0], x)


def test_temperature_scales_the_noise_of_the_prior():
    model = pushed(Glow((2,), hidden=8))
    draws = [model.sample(50, temperature=t, generator=torch.Generator().manual_seed(0)) for t in (1.0, 0.5)]
    z = [model.encode(x)[0] for x in draws]
    torch.testing.assert_close(z[1], 0.5 * z[0], rtol=0, atol=1e-9)
    middle = model.sample(3, temperature=0)
    torch.testing.assert_close(model.encode(middle)[0], torch.zeros(3, 2).double(), rtol=0, atol=1e-9)


def test_classes_are_a_mixture_in_equal_parts():
    model = pushed(Glow((2,), hidden=8, classes=3), 0.4)
    x, labels = numbers(7, 2), torch.tensor([0, 1, 2, 0, 1, 2, 2])
    by_class = model.class_log_probs(x)
    torch.testing.assert_close(model.log_prob(x), by_class.logsumexp(1) - log(3), rtol=0, atol=1e-12)
    want = -by_class[torch.arange(7), labels].mean()
    assert model.loss(x, labels) == want and model.loss(x) == -model.log_prob(x).mean()
    z, log_det = model.encode(x)
    for y in range(3):
        normal = torch.distributions.Normal(model.prior.mean[y], model.prior.log_std[y].exp())
        torch.testing.assert_close(by_class[:, y], normal.log_prob(z).sum(1) + log_det, rtol=0, atol=1e-10)


def test_samples_of_a_class_follow_that_class():
    model = pushed(Glow((2,), hidden=8, classes=2), 0.4)
    for y in (0, 1):
        x = model.sample(20_000, labels=torch.full((20_000,), y), generator=torch.Generator().manual_seed(0))
        z = (model.encode(x)[0] - model.prior.mean[y]) / model.prior.log_std[y].exp()
        assert z.mean(0).abs().max() < 0.05 and (z.std(0) - 1).abs().max() < 0.03
    cold = model.sample(4, temperature=0, labels=torch.tensor([0, 1, 1, 0]))
    torch.testing.assert_close(model.encode(cold)[0], model.prior.mean[[0, 1, 1, 0]], rtol=0, atol=1e-9)
    mixed = model.sample(20_000, generator=torch.Generator().manual_seed(0))
    share = model.class_log_probs(mixed).softmax(1).mean(0)
    assert (share - 0.5).abs().max() < 0.02


def test_a_class_prior_is_a_density():
    prior = pushed(ClassNormal((1,), 4), 0.5)
    z = torch.linspace(-30, 30, 60_001, dtype=torch.double)[:, None]
    assert (prior.log_prob(z).exp().sum() * 1e-3).item() == pytest.approx(1, abs=1e-9)


def test_learning_with_labels_tells_the_classes_apart():
    data = digits("unit")
    torch.manual_seed(0)
    model = Glow((1, 8, 8), hidden=32, steps=2, classes=10)
    fit(model, tuple(data.train), valid=tuple(data.valid), epochs=6, lr=5e-3, progress=False, device="cpu")
    x, y = data.test
    right = (model.class_log_probs(x).argmax(1) == y).float().mean()
    assert right > 0.5


def test_bad_settings_sizes_and_labels_are_named():
    for shape, settings in (
        ((1, 6, 8), {}),
        ((1, 8, 6), {}),
        ((1, 3, 3), {"scales": 1}),
        ((1, 8, 8), {"scales": 0}),
        ((1, 8, 8), {"steps": 0}),
        ((1, 8, 8), {"net": "deep"}),
        ((1, 8, 8), {"classes": 0}),
        ((1,), {}),
        ((4, 4), {}),
    ):
        with pytest.raises(ValueError, match="^Glow: .*got"):
            Glow(shape, **settings)
    plain, classes = Glow((2,), hidden=4), Glow((2,), hidden=4, classes=3)
    x = torch.zeros(2, 2)
    for labels in (torch.tensor([0, 3]), torch.tensor([-1, 0]), torch.tensor([0]), torch.zeros(2), [0, 1], 1):
        with pytest.raises(ValueError, match="Glow: expected labels"):
            classes.loss(x, labels)
        with pytest.raises(ValueError, match="Glow: expected labels"):
            classes.sample(2, labels=labels)
    for call in (lambda: plain.class_log_probs(x), lambda: plain.loss(x, torch.tensor([0, 0]))):
        with pytest.raises(ValueError, match="Glow"):
            call()
    for temperature in (-1, float("nan"), "hot"):
        with pytest.raises(ValueError, match="Glow.sample: temperature"):
            plain.sample(2, temperature=temperature)

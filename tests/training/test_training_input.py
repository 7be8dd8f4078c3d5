"""Bad input: one ValueError that says what was expected and what came. And the parts that choose and cut."""

from math import inf, nan

import pytest
import torch
from torch import nn
from training_models import Noisy, Watched, noisy_data, noisy_model, same, weights

from course_utils.models import NADE
from course_utils.training import fit
from course_utils.training.data import as_batch
from course_utils.training.fitting import Training
from course_utils.training.settings import Settings, choose

X = torch.zeros(20, 4)


def losing(result):
    model = noisy_model()
    model.loss = lambda x: result
    return model


class Greedy(NADE):
    fit_defaults = {"epoch": 3}


class Wild(NADE):
    fit_defaults = {"lr": -1.0}


def frozen():
    model = noisy_model()
    return model.requires_grad_(False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *(({"epochs": value}, "fit: epochs.*got") for value in (0, -1, 1.5, "3", True)),
        *(({"batch_size": value}, "fit: batch_size.*got") for value in (0, -1, 1.5, "3", True)),
        *(({"lr": value}, "lr.*got") for value in (0, -0.1, nan, inf, "fast", True)),
        *(({"weight_decay": value}, "weight_decay.*got") for value in (-0.1, nan, inf)),
        *(({"clip": value}, "clip.*got") for value in (0, -1, nan)),
        *(({"average": value}, "average.*got") for value in (-0.1, 1, 2, nan, "long")),
        *(({"patience": value}, "patience.*got") for value in (0, -1, 2.5, nan)),
        *(({"seconds": value}, "seconds.*got") for value in (-1, nan, "long")),
        *(({"seed": value}, "seed.*got") for value in (-1, 2**32, 0.5, "a")),
        *(({"schedule": value}, r"schedule.*constant, cosine.*got") for value in ("linear", 3)),
        ({"amp": "yes"}, "amp.*got 'yes'"),
        ({"device": "tpu"}, "cuda, mps, cpu.*got 'tpu'"),
        ({"on_epoch": 3}, "on_epoch.*got 3"),
        ({"checkpoint": 3}, "checkpoint to be a path, got 3"),
        ({"checkpoint_every": -1}, "checkpoint_every.*got -1"),
        ({"x": [[0.0]]}, "x: expected a tensor.*list"),
        ({"x": None}, "x: expected a tensor.*NoneType"),
        ({"x": ()}, "x: expected a tensor"),
        ({"x": torch.tensor(1.0)}, "x: expected a tensor"),
        ({"x": torch.zeros(0, 4)}, r"N ≥ 1, got shapes \(0, 4\)"),
        ({"x": (X, torch.zeros(19))}, r"same first axis.*\(20, 4\), \(19,\)"),
        ({"x": X[:4]}, "enough examples.*got 4 examples"),
        ({"x": X, "valid": 1.0}, "enough examples"),
        ({"x": X, "valid": 0}, "enough examples"),
        ({"x": X, "valid": -0.1}, r"valid: expected a number in \[0, 1\], got -0.1"),
        ({"x": X, "valid": True}, "valid.*got True"),
        ({"x": X, "valid": torch.zeros(5, 3)}, r"valid in the form of x, \(N, 4\).*got \(N, 3\)"),
        ({"x": X, "valid": X.double()}, "valid in the form.*float32.*got.*float64"),
        ({"x": X, "valid": (X, X)}, "valid in the form of x"),
        ({"x": X, "valid": X[:0]}, "fit: valid.*N ≥ 1"),
        ({"x": X, "valid": "tenth"}, "fit: valid.*str"),
        ({"model": Greedy((4,))}, r"Greedy.fit_defaults.*epochs.*got epoch"),
        ({"model": Wild((4,))}, r"lr.*got -1"),
        ({"model": NADE((4,)), "x": X + 0.5}, "NADE.*{0, 1}.*0.5"),
        ({"model": NADE((4,)), "x": X, "valid": X + 2}, "NADE.*{0, 1}.*2"),
        ({"model": NADE((5,))}, r"NADE.*shape \(B, 5\).*\(18, 4\)"),
        ({"model": NADE((4,)), "x": X.double()}, "NADE.*float32.*float64"),
        ({"model": nn.Linear(4, 4)}, "model with a loss.*got Linear"),
        ({"model": Noisy}, "model with a loss.*got type"),
        ({"model": frozen()}, "Noisy to have parameters to train, got none"),
        ({"model": losing(torch.zeros(3))}, r"Noisy.loss: expected a scalar tensor, got .*float32 \(3,\)"),
        ({"model": losing(0.5)}, "Noisy.loss: expected a scalar tensor, got float"),
        ({"model": losing(torch.tensor(0.5))}, "Noisy.loss: .* depend on the parameters, got a constant"),
    ],
    ids=str,
)
def test_one_clear_value_error(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"model": noisy_model(), "x": X, "progress": False} | arguments
    model = given.pop("model")
    before = weights(model) if isinstance(model, nn.Module) else []
    with pytest.raises(ValueError, match=message) as caught:
        fit(model, given.pop("x"), **given)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())
    assert same(before, weights(model) if before else [])


@pytest.mark.parametrize("bad", ["x", "valid"])
def test_one_bad_example_is_found_before_training_begins(bad):
    data = {"x": torch.zeros(500, 4), "valid": torch.zeros(500, 4)}
    data[bad][-1, -1], looks = 0.5, []
    with pytest.raises(ValueError, match=r"NADE.*0\.5"):
        fit(NADE((4,)), **data, progress=False, device="cpu", on_epoch=lambda e, m: looks.append(e))
    assert not looks


def test_defaults_of_the_table():
    assert choose(noisy_model(), {}) == Settings(200, 100, 1e-3, 0.0, "constant", inf, 0.0, 20, 0, False)


def test_lists_and_tuples_of_tensors_are_batches():
    assert [len(as_batch(data, "x")) for data in (X, (X,), [X, X])] == [1, 1, 2]


def test_mixed_precision_is_ignored_on_the_cpu():
    plain, mixed = noisy_model(), noisy_model()
    fit(plain, noisy_data(), epochs=2, progress=False, device="cpu")
    fit(mixed, noisy_data(), epochs=2, progress=False, device="cpu", amp=True)
    assert same(weights(plain), weights(mixed))


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_mixed_precision_learns_about_the_same(half):
    """The path that CUDA takes, with the CPU's own autocast: steps in 16 bits, evaluation in 32."""
    used = []

    class Looking(Noisy):
        def loss(self, x):
            used.append((self.training, self.net[0](x).dtype))
            return super().loss(x)

    def run(half):
        model = Looking()
        model.load_state_dict(noisy_model().state_dict())
        training = Training(model, Settings(lr=0.01, clip=1.0), (noisy_data(),), (noisy_data(20),), None)
        training.optimisers[0].use_precision(half)
        for _ in range(5):
            training.epoch()
        return training

    full, mixed = run(None), run(half)
    assert set(used[-1:]) == {(False, torch.float32)} and (True, half) in used and (False, half) not in used
    near = pytest.approx(full.history.valid, rel=0.1)  # a scaler may leave the first step out
    assert mixed.history.valid == near
    assert all(p.dtype == torch.float32 for p in mixed.model.parameters())
    assert bool(mixed.state()["optimisers"][0]["scaler"]) == (half is torch.float16)
    again = Training(noisy_model(), Settings(), (noisy_data(),), (noisy_data(20),), None)
    again.optimisers[0].use_precision(half)
    again.load_state(mixed.state())
    assert again.optimisers[0].scaler.state_dict() == mixed.optimisers[0].scaler.state_dict()


def test_a_scaler_survives_an_overflow():
    """With float16 the first scale may be too large: that step is left out, and the scale falls."""
    model = Watched()
    optimiser = Training(model, Settings(lr=1.0), (torch.ones(10),), (torch.ones(2),), None).optimisers[0]
    optimiser.use_precision(torch.float16)
    optimiser.step(model.weight * 1e35)
    assert model.weight.item() == 0 and optimiser.scaler.get_scale() == 2.0**15


def test_clipping_sees_the_gradient_without_the_scale():
    model = Watched()
    optimiser = Training(model, Settings(clip=1.0), (torch.ones(10),), (torch.ones(2),), None).optimisers[0]
    optimiser.use_precision(torch.float16)
    optimiser.step(model.weight * 3.0)
    assert model.weight.grad.item() == pytest.approx(1.0, rel=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("amp", [False, True])
def test_on_cuda(amp):
    model = noisy_model()
    history = fit(model, noisy_data(), epochs=3, progress=False, device="cuda", amp=amp)
    assert next(model.parameters()).is_cuda and history.epochs == 3
    assert history.valid == pytest.approx(
        fit(noisy_model(), noisy_data(), epochs=3, progress=False, device="cpu").valid, rel=0.2
    )

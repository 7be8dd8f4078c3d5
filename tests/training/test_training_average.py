"""Weights that are averaged over the steps, and losses that are not what early stopping watches."""

import pytest
import torch
from torch import nn
from training_models import noisy_data, noisy_model, same, weights

from course_utils.training import fit

QUIET = {"progress": False, "device": "cpu"}


class Walker(nn.Module):
    """Its one weight is minus the number of steps: lr 1 and a gradient of 1 make Adam's steps −1 each."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def loss(self, x):
        return self.weight + x.mean() * 0


class Watched(Walker):
    """Its loss falls for ever; what is held out falls for two epochs only."""

    def held_out(self, x):
        return (self.weight + 2.0).abs()


@pytest.mark.parametrize("average", [0.3, 0.9])
def test_the_model_keeps_the_running_average_of_its_weights(average):
    """m_t = s_t m_{t−1} + (1 − s_t) θ_t with θ_t = −t, and s_t rising to the average asked for."""
    model, seen, m = Walker(), [], 0.0
    x = torch.zeros(20, dtype=torch.float64)
    history = fit(
        model,
        x,
        valid=x,
        lr=1.0,
        epochs=40,
        batch_size=20,
        average=average,
        on_epoch=lambda e, net: seen.append(net.weight.item()),
        **QUIET,
    )
    expected = [m]
    for t in range(1, 41):
        share = min(average, (1 + t) / (10 + t))
        m = share * m - (1 - share) * t
        expected.append(m)
    assert seen == pytest.approx(expected, rel=1e-6)
    assert history.valid == pytest.approx(expected[1:], rel=1e-6)  # the average is what is measured
    assert model.weight.item() == pytest.approx(m, rel=1e-6)
    assert history.train[-1] == pytest.approx(-39, rel=1e-6)  # and not what the steps are taken from


def test_averaging_does_not_change_the_steps():
    """The losses in training are those of a run without average."""
    plain, averaged = noisy_model(), noisy_model()
    settings = dict(epochs=5, batch_size=20, lr=0.02, patience=9) | QUIET
    without = fit(plain, noisy_data(), **settings)
    with_ = fit(averaged, noisy_data(), average=0.9, **settings)
    assert with_.train == without.train
    assert with_.valid != without.valid
    assert not same(weights(plain), weights(averaged))


def test_early_stopping_watches_what_is_held_out():
    model, x = Watched(), torch.zeros(20, dtype=torch.float64)
    history = fit(model, x, valid=x, lr=1.0, epochs=40, batch_size=20, patience=3, **QUIET)
    assert (history.best_epoch, history.stopped) == (2, "patience")
    assert history.valid == pytest.approx([1, 0, 1, 2, 3], abs=1e-6)
    assert history.train == pytest.approx([0, -1, -2, -3, -4], abs=1e-6)
    assert model.weight.item() == pytest.approx(-2, abs=1e-6)


def test_what_is_held_out_must_be_a_scalar():
    model, x = Watched(), torch.zeros(20, dtype=torch.float64)
    model.held_out = lambda x: x
    with pytest.raises(ValueError, match=r"Watched.held_out: expected a scalar tensor, got shape \(20,\)"):
        fit(model, x, valid=x, **QUIET)

"""What ``fit`` promises about learning: the optimum, early stopping, averages, random numbers, words."""

import random
from functools import partial
from math import log, prod

import numpy as np
import pytest
import torch
from torch import nn
from tqdm import tqdm
from training_models import Scripted, Watched, noisy_data, noisy_model, quietly, same, weights

from course_utils.models import NADE
from course_utils.training import History, fit, fitting


def steady_model():
    """Without running statistics, which change by looking in training mode."""
    model = noisy_model()
    model.net[1].momentum = 0.0
    return model


@pytest.mark.slow
def test_the_minimum_is_the_entropy_of_the_data():
    """For a family that holds p_D, the smallest mean negative log-likelihood is H(p_D)."""
    counts = {(1, 1): 6, (1, 0): 2, (0, 1): 3, (0, 0): 9}
    rows = [row for row, count in counts.items() for _ in range(count)]
    x = torch.tensor(rows, dtype=torch.float64)
    entropy = -sum(c / 20 * log(c / 20) for c in counts.values())
    torch.manual_seed(0)
    model = NADE((2,)).double()
    history = quietly(model, x, valid=x, epochs=250, lr=0.1, batch_size=20, patience=250, schedule="cosine")
    assert 0 <= history.best_valid - entropy < 1e-6
    p = model.conditionals(torch.tensor([[1.0, 1.0], [0.0, 1.0]], dtype=torch.float64))
    expected = torch.tensor([[8 / 20, 6 / 8], [8 / 20, 3 / 12]], dtype=torch.float64)
    assert torch.allclose(p, expected, atol=1e-3)


def test_the_model_keeps_the_weights_of_its_best_epoch():
    x = noisy_data(30)
    model, snapshots = noisy_model(hidden=40), {}
    look = lambda e, m: snapshots.update({e: weights(m)})  # noqa: E731
    history = quietly(model, x, lr=0.1, epochs=25, patience=25, on_epoch=look)
    assert history.best_valid == min(history.valid) == history.valid[history.best_epoch - 1]
    assert history.best_epoch < 25, "this run must overfit, or it shows nothing"
    assert same(weights(model), snapshots[history.best_epoch])
    assert not model.training


@pytest.mark.parametrize(
    ("held_out", "patience", "best", "stop"),
    [
        ([3, 2, 1, 2, 2, 2, 0], 3, 3, 6),
        ([3, 2, 1, 1, 1, 0], 2, 3, 5),  # as good as the best is not better
        ([5, 6, 4, 5, 3, 9, 9, 9], 2, 5, 7),  # the count starts anew with each best
        ([1, 2, 0], 1, 1, 2),
    ],
)
def test_patience_counts_epochs_since_the_best(held_out, patience, best, stop):
    model, data = Scripted([float(value) for value in held_out]), torch.zeros(20, 1)
    history = quietly(model, data, valid=data[:1], batch_size=10, lr=1.0, patience=patience)
    assert (history.best_epoch, history.epochs, history.stopped) == (best, stop, "patience")
    assert model.weight.item() == pytest.approx(-2 * best)  # two steps of −1 an epoch
    assert f"no better for {patience} epochs" in repr(history)


def test_endless_patience():
    history = quietly(Scripted([1.0] * 9), torch.zeros(9, 1), epochs=9, patience=float("inf"))
    assert (history.epochs, history.best_epoch, history.stopped) == (9, 1, "epochs")


def test_every_example_once_an_epoch_in_an_order_of_its_own():
    model, x = Watched(), torch.arange(112.0)
    quietly(model, x, epochs=3, batch_size=25, patience=9)
    batches, held_out = model.seen[True], sorted(sum(model.seen[False][:1], []))
    assert [len(batch) for batch in batches] == [21, 20, 20, 20, 20] * 3
    orders = [sum(batches[5 * e : 5 * e + 5], []) for e in range(3)]
    assert len(held_out) == 11
    assert all(sorted(order + held_out) == x.tolist() for order in orders)
    assert len({tuple(order) for order in orders}) == 3 and orders[0] != sorted(orders[0])
    assert held_out != x[:11].tolist() and held_out != x[-11:].tolist()


def test_seed_decides_the_order_of_the_same_training_examples():
    x, orders = torch.arange(40.0), []
    for seed in (0, 0, 1):
        model = Watched()
        quietly(model, x, valid=x[:3], epochs=1, batch_size=8, seed=seed)
        orders.append(sum(model.seen[True], []))
    assert orders[0] == orders[1] != orders[2] and sorted(orders[2]) == x.tolist()


def test_losses_are_means_over_examples():
    model, valid = Watched(), torch.cat([torch.zeros(600), torch.ones(401)])
    history = quietly(model, torch.tensor([0.0, 0.0, 3.0]), valid=valid, epochs=1, batch_size=2, lr=1e-9)
    assert len(model.seen[False]) > 1
    assert history.train[0] == pytest.approx(3.0, abs=1e-5)
    assert history.valid[0] == pytest.approx(401 / 1001, abs=1e-5)


def test_seed_decides_everything_and_the_caller_decides_nothing():
    def run(seed, callers_seed):
        model = noisy_model()
        torch.manual_seed(callers_seed)
        return quietly(model, noisy_data(), epochs=3, seed=seed), weights(model)

    (first, a), (second, b), (_, c) = run(0, 10), run(0, 11), run(1, 10)
    assert same(a, b) and (first.train, first.valid) == (second.train, second.valid)
    assert not same(a, c)


def test_the_callers_random_numbers_go_on():
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    quietly(noisy_model(), noisy_data(), epochs=2)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all() and before[2] == random.getstate()


def test_looking_changes_nothing():
    calls, draws = [], []

    def look(epoch, model):
        calls.append((epoch, model.training))
        draws.append(torch.rand(3))
        model.train()
        model.loss(noisy_data()).backward()

    looked_at, alone = steady_model(), steady_model()
    quietly(looked_at, noisy_data(), epochs=3, on_epoch=look)
    quietly(alone, noisy_data(), epochs=3)
    assert same(list(looked_at.parameters()), list(alone.parameters()))
    assert calls == [(epoch, False) for epoch in range(4)]
    assert len({tuple(draw.tolist()) for draw in draws}) == 4


def test_noise_differs_between_steps_and_epochs_and_evaluations_share_theirs():
    model, drawn = steady_model(), {True: [], False: []}
    model.net.register_forward_pre_hook(lambda net, args: drawn[net.training].append(torch.rand(()).item()))
    quietly(model, noisy_data(), epochs=3, batch_size=41)
    assert len(set(drawn[True])) == len(drawn[True]) == 6
    assert len(set(drawn[False])) == 1 and len(drawn[False]) == 3


def test_settings_come_from_the_caller_then_the_model_then_the_table():
    x = torch.zeros(20, 2)
    settings = quietly(NADE((2,)), x, epochs=1).settings
    assert (settings["epochs"], settings["lr"], settings["batch_size"]) == (1, 0.02, 100)
    assert settings["patience"] == 20 and settings["seed"] == 0


class Walker(nn.Module):
    """A loss of slope 1: Adam's steps are the learning rate itself, and with lr 1 the weight counts them."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def loss(self, x):
        return self.weight + x.mean() * 0


def test_cosine_falls_to_nothing_and_constant_stays():
    x, model = torch.zeros(100), Walker()
    curve = quietly(model, x, epochs=50, lr=0.5, schedule="cosine").lr
    assert curve[0] == 0.5 and curve == sorted(curve, reverse=True) and curve[-1] < 0.001
    assert curve[25] == pytest.approx(0.25)
    assert model.weight.item() == pytest.approx(-sum(curve), rel=1e-5)
    assert set(quietly(Walker(), x, epochs=3, lr=0.5).lr) == {0.5}


def test_weight_decay_is_decoupled():
    class Flat(Watched):
        def loss(self, x):
            return self.weight * 0.0

    model = Flat()
    nn.init.ones_(model.weight)
    quietly(model, torch.zeros(40), epochs=1, batch_size=9, lr=0.1, weight_decay=0.5)
    assert model.weight.item() == pytest.approx(prod([1 - 0.1 * 0.5] * 4), rel=1e-6)


class Measured(Walker):
    """Its loss falls for ever; what is held out falls for two epochs only."""

    def held_out(self, x):
        return (self.weight + 2.0).abs()


@pytest.mark.parametrize("average", [0.3, 0.9])
def test_the_model_keeps_the_running_average_of_its_weights(average):
    """m_t = s_t m_{t−1} + (1 − s_t) θ_t with θ_t = −t, and s_t rising to the average asked for."""
    model, seen, m = Walker(), [], 0.0
    x, look = torch.zeros(20, dtype=torch.float64), lambda e, net: seen.append(net.weight.item())
    history = quietly(model, x, valid=x, lr=1.0, epochs=40, batch_size=20, average=average, on_epoch=look)
    expected = [m]
    for t in range(1, 41):
        share = min(average, (1 + t) / (10 + t))
        m = share * m - (1 - share) * t
        expected.append(m)
    assert seen == pytest.approx(expected, rel=1e-6)
    assert history.valid == pytest.approx(expected[1:], rel=1e-6)  # the average is what is measured
    assert model.weight.item() == pytest.approx(m, rel=1e-6)
    assert history.train[-1] == pytest.approx(-39, rel=1e-6)  # and not what the steps are taken from


def test_early_stopping_watches_what_is_held_out():
    model, x = Measured(), torch.zeros(20, dtype=torch.float64)
    history = quietly(model, x, valid=x, lr=1.0, epochs=40, batch_size=20, patience=3)
    assert (history.best_epoch, history.stopped) == (2, "patience")
    assert history.valid == pytest.approx([1, 0, 1, 2, 3], abs=1e-6)
    assert history.train == pytest.approx([0, -1, -2, -3, -4], abs=1e-6)
    assert model.weight.item() == pytest.approx(-2, abs=1e-6)


def test_what_is_held_out_must_be_a_scalar():
    model, x = Measured(), torch.zeros(20, dtype=torch.float64)
    model.held_out = lambda x: x
    with pytest.raises(ValueError, match=r"Measured.held_out: expected a scalar .*, got .*float64 \(20,\)"):
        quietly(model, x, valid=x)


def test_repr_is_one_line_without_seconds():
    curves = {name: [1.2345] * 85 for name in ("train", "valid", "seconds", "lr")}
    best = {"best_epoch": 61, "best_valid": 17.314}
    history = History("NADE", {"patience": 20}, stopped="patience", **curves, **best)
    line = "NADE: 85 epochs, best 61, held-out loss 17.31 nats (stopped: no better for 20 epochs)"
    assert repr(history) == line
    assert "interrupted" in repr(History("NADE", stopped="interrupted"))


def test_history_draws_itself():
    history = fit(noisy_model(), noisy_data(), epochs=3, progress=False, device="cpu")
    curves = [line.get_ydata().tolist() for line in history.plot().get_lines()]
    assert history.train in curves and history.valid in curves and [history.best_valid] in curves


@pytest.mark.slow
def test_the_bar_goes_to_the_end_and_nothing_is_printed(capsys, monkeypatch, recwarn):
    monkeypatch.setitem(fitting.BAR, "delay", 0.0)
    monkeypatch.setattr(fitting, "tqdm", partial(tqdm, mininterval=0.0))
    history = fit(noisy_model(), noisy_data(), epochs=60, batch_size=11, patience=60, device="cpu")
    out, bar = capsys.readouterr()
    assert out == "" and not recwarn.list
    assert "Noisy" in bar and "60.0/60 epochs" in bar and f"held-out {history.valid[-2]:.2f} nats" in bar
    assert bar.endswith("\r"), "the bar is wiped out in the end"
    assert fit(noisy_model(), noisy_data(), epochs=1, progress=False, device="cpu").epochs == 1
    assert capsys.readouterr() == ("", "")

"""Ends of training that nobody planned: interrupts, divergence, a budget of time, an error in a callback."""

import sys
from math import inf, nan
from pathlib import Path

import pytest
import torch
from torch import nn
from training_models import Clock, Scripted, Watched, noisy_data, noisy_model, quietly, same, weights

from course_utils import training
from course_utils.training import TrainingDiverged, fitting

PACKAGE = str(Path(training.__file__).parent)
OUTSIDE = ("fit", "interrupted", "borrowed", "interrupts_wait")  # before training begins, or after its end


class Trap(nn.Module):
    """Learns until its n-th training step, then springs: raises, or gives a loss that is not finite."""

    def __init__(self, n: int, spring) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3))
        self.n, self.spring, self.steps = n, spring, 0

    def loss(self, x):
        loss = (self.weight - x).square().sum(1).mean()
        self.steps += self.training
        return self.spring(self, loss) if self.training and self.steps == self.n else loss


def interrupt(model, loss):
    raise KeyboardInterrupt


def snapshots_of(model, x, **settings):
    seen = {}
    try:
        history = quietly(model, x, on_epoch=lambda e, m: seen.update({e: weights(m)}), **settings)
    except TrainingDiverged as error:
        return error, seen
    return history, seen


X = torch.ones(100, 3) + 0.1 * torch.randn(100, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("step", [4, 5])
def test_interrupt_puts_the_best_weights_back(step, capsys):
    model = Trap(step, interrupt)
    history, seen = snapshots_of(model, X, batch_size=45, lr=0.1)
    best = (step - 1) // 2
    assert (history.stopped, history.best_epoch, history.epochs) == ("interrupted", best, best)
    assert same(weights(model), seen[best]) and not model.training
    assert capsys.readouterr().out.count("\n") == 1 and "interrupted" in repr(history)
    quietly(model, X, epochs=1)


def test_interrupt_in_the_first_epoch_keeps_the_weights_reached(capsys):
    model = Trap(2, interrupt)
    history = quietly(model, X, batch_size=45, lr=0.1)
    assert (history.stopped, history.best_epoch, history.epochs) == ("interrupted", 0, 0)
    assert torch.allclose(model.weight, torch.full((3,), 0.1))
    assert "the weights it has reached" in capsys.readouterr().out
    assert "no epoch finished" in repr(history)


def test_interrupt_in_the_first_epoch_undoes_weights_that_are_not_finite(capsys):
    def ruin(model, loss):
        model.weight.data.fill_(nan)
        raise KeyboardInterrupt

    model = Trap(2, ruin)
    quietly(model, X, batch_size=45)
    assert torch.equal(model.weight, torch.zeros(3))
    assert "from before training" in capsys.readouterr().out


def test_an_interrupt_while_the_weights_are_put_back():
    class Impatient(Trap):
        stops = 2

        def load_state_dict(self, *args):
            super().load_state_dict(*args) if self.stops == 0 else self.weight.data[:1].zero_()
            self.stops -= 1
            if self.stops >= 0:
                raise KeyboardInterrupt

    model = Impatient(0, None)
    history, seen = snapshots_of(model, X, epochs=3, lr=0.1)
    assert same(weights(model), seen[history.best_epoch]) and history.stopped == "epochs"


def interrupted_at_line(k, model, seen):
    """Train, and raise KeyboardInterrupt before the k-th line of code that runs inside of training."""
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line" and frame.f_code.co_name not in OUTSIDE:
            count += 1
            if count == k:
                raise KeyboardInterrupt
        return trace

    old = sys.gettrace()
    sys.settrace(trace)
    try:
        return quietly(
            model, X, valid=X, epochs=3, batch_size=50, on_epoch=lambda e, m: seen.update({e: weights(m)})
        )
    finally:
        sys.settrace(old)


@pytest.mark.slow
def test_interrupt_anywhere(capsys):
    """Wherever the interrupt strikes once training has begun, weights and history agree."""
    reference, outcomes = {}, set()
    model = Trap(0, None)
    history, reference = snapshots_of(model, X, valid=X, epochs=3, batch_size=50)
    for k in range(1, 2000, 11):
        model, seen = Trap(0, None), {}
        try:
            history = interrupted_at_line(k, model, seen)
        except KeyboardInterrupt:
            assert not seen, f"line {k}: escaped although training had begun"
            continue
        outcomes.add((history.stopped, history.best_epoch))
        assert {len(history.train), len(history.lr), len(history.seconds)} == {history.epochs}
        if history.best_epoch:
            assert same(weights(model), reference[history.best_epoch]), f"line {k}"
        if history.stopped == "epochs":
            break
    assert outcomes == {("interrupted", e) for e in range(4)} | {("epochs", 3)}


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_a_loss_that_is_not_finite_stops_training(bad):
    model = Trap(6, lambda model, loss: loss * bad)
    error, seen = snapshots_of(model, X, batch_size=45, lr=0.2)
    assert isinstance(error, TrainingDiverged)
    assert (error.epoch, error.batch, error.lr) == (3, 2, 0.2)
    assert all(word in str(error) for word in ("Trap", "epoch 3, batch 2", "lr 0.2", "Try lr=0.02", "clip"))
    assert same(weights(model), seen[2]) and not model.training


def test_divergence_in_the_first_epoch_gives_the_first_weights_back():
    model = Trap(2, lambda model, loss: loss * nan)
    with pytest.raises(TrainingDiverged, match="before training"):
        quietly(model, X, batch_size=45)
    assert torch.equal(model.weight, torch.zeros(3))


@pytest.mark.parametrize("step", [1, 3, 4])
@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_gradient_that_is_not_finite_stops_training_at_its_batch(step, clip):
    """The loss is finite, its slope is that of a square root at 0; batches 1 and 2 of an epoch of 2."""
    model = Trap(step, lambda model, loss: loss + (model.weight - model.weight.detach()).sum().sqrt())
    place = f"epoch {(step + 1) // 2}, batch {2 - step % 2}"
    with pytest.raises(TrainingDiverged, match=f"gradient became infinite or nan in {place}"):
        quietly(model, X, batch_size=45, clip=clip)
    assert model.weight.isfinite().all()


def test_a_held_out_loss_that_is_not_finite_stops_training():
    model = Scripted([3.0, 2.0, inf, 1.0])
    with pytest.raises(TrainingDiverged, match="held-out loss became inf in epoch 3") as caught:
        quietly(model, torch.zeros(20, 1), valid=torch.zeros(1, 1), lr=1.0)
    assert caught.value.batch is None and model.weight.item() == pytest.approx(-2)


def test_losses_on_an_accelerator_are_looked_at_in_groups(monkeypatch):
    """Looking less often changes neither the losses nor the batch that is blamed."""
    plain = quietly(noisy_model(), noisy_data(), epochs=2, batch_size=8)
    monkeypatch.setitem(fitting.STEPS_TO_LOOK, "cpu", 3)  # 11 batches of 8 and 7
    grouped = quietly(noisy_model(), noisy_data(), epochs=2, batch_size=8)
    assert grouped.train == pytest.approx(plain.train, rel=1e-6) and grouped.valid == plain.valid
    for step, place in ((2, "epoch 1, batch 2"), (14, "epoch 2, batch 2"), (15, "epoch 2, batch 3")):
        with pytest.raises(TrainingDiverged, match=place):
            quietly(Trap(step, lambda model, loss: loss * nan), X, batch_size=8)


def test_an_error_in_a_callback_leaves_the_best_weights():
    model = Trap(0, None)
    seen = {}

    def fail(epoch, model):
        seen[epoch] = weights(model)
        if epoch == 3:
            model.weight.data.zero_()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        quietly(model, X, on_epoch=fail)
    assert same(weights(model), seen[3]) and not model.training


@pytest.mark.parametrize("seconds", [0, 3, 12, 30])
def test_time_is_up_between_two_steps(seconds, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(fitting, "time", clock)
    model = Watched()
    history = quietly(model, torch.zeros(100), batch_size=9, seconds=seconds, patience=99)
    assert history.stopped == "seconds" and len(model.seen[False]) == history.epochs
    steps = len(model.seen[True])
    assert steps >= 1 and 10 * (history.epochs - 1) < steps <= 10 * history.epochs
    assert abs(steps - seconds) <= 3 + 4 * history.epochs, "one second a step and a few an epoch"
    assert not model.training and "time is up" in repr(history)

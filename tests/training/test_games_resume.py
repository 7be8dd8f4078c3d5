"""A game that was killed, interrupted, or that diverged."""

from math import nan

import pytest
import torch
from training_games import outcome, play, small_game, springs
from training_models import same, weights

from course_utils.training import TrainingDiverged


class Killed(BaseException):
    """Nothing in the course catches this: it ends a run as the end of a process would."""


def raises(error):
    def spring(loss):
        raise error

    return spring


@pytest.mark.parametrize("loss", ["non-saturating", "wasserstein"])
@pytest.mark.parametrize("epoch", [1, 4])
def test_killed_and_resumed_is_uninterrupted(loss, epoch, tmp_path):
    """Bit for bit: both players, both optimisers, the average and the count of turns."""
    make = lambda: small_game(loss=loss, discriminator_steps=2)  # noqa: E731
    whole = make()
    history = play(whole)
    dying, path, done = make(), tmp_path / "game.pt", []

    def die(net, args):
        if dying.training and done[-1] == epoch:
            raise Killed

    dying.discriminator.net.register_forward_pre_hook(die)
    with pytest.raises(Killed):
        play(dying, checkpoint=path, checkpoint_every=0.0, on_epoch=lambda e, m: done.append(e))
    torch.manual_seed(99)
    game, looked = make(), []
    resumed = play(game, checkpoint=path, on_epoch=lambda e, m: looked.append(e))
    assert same(weights(game), weights(whole)) and outcome(resumed) == outcome(history)
    assert looked == list(range(epoch + 1, 7))


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_an_interrupt_leaves_the_weights_of_the_last_finished_epoch(player, capsys):
    game, seen = springs(small_game(), player, 13, raises(KeyboardInterrupt)), {}
    history = play(game, on_epoch=lambda e, m: seen.update({e: weights(m)}))
    assert history.stopped == "interrupted" and history.epochs == 2
    assert same(weights(game), seen[2]) and not game.training
    assert "interrupted; the model has the weights of epoch 2." in capsys.readouterr().out
    assert game.sample(3).isfinite().all()


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_a_loss_that_is_not_finite_stops_the_game(player):
    game, seen = springs(small_game(), player, 13, lambda loss: loss * nan), {}
    with pytest.raises(
        TrainingDiverged, match=f"the {player}'s loss became nan in epoch 3, batch 3"
    ) as caught:
        play(game, on_epoch=lambda e, m: seen.update({e: weights(m)}))
    assert "the weights of epoch 2 back" in str(caught.value) and caught.value.epoch == 3
    assert same(weights(game), seen[2]) and not game.training


def test_a_gradient_that_is_not_finite_stops_the_game():
    """The loss is finite, its slope is not; it strikes in the last turn of the second epoch."""
    game = small_game()

    def steep(loss):
        return loss + sum((p - p.detach()).sum().sqrt() for p in game.generator.parameters())

    springs(game, "generator", 10, steep)
    with pytest.raises(TrainingDiverged, match="gradient became infinite or nan in epoch 2"):
        play(game)
    assert all(p.isfinite().all() for p in game.parameters())

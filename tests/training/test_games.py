"""``fit`` for games: turns, averages, looks, what it tells; games that were killed or that diverged."""

from math import nan

import pytest
import torch
from training_games import X, outcome, play, small_game, springs
from training_models import Killed, same, weights

from course_utils import plots
from course_utils.models.gan import GAN
from course_utils.training import GameHistory, TrainingDiverged, fit


@pytest.mark.slow
def test_fit_plays_games_and_a_game_has_no_loss():
    game = small_game()
    assert not hasattr(game, "loss") and not hasattr(game, "log_prob")
    history = play(game)
    assert isinstance(history, GameHistory) and history.stopped == "epochs" and not game.training
    curves = [*history.losses.values(), *history.answers.values(), history.lr]
    assert {len(curve) for curve in curves} == {6} and set(history.losses) == {"discriminator", "generator"}
    assert all(0 < answer < 1 for answer in history.answers["real"] + history.answers["fake"])


@pytest.mark.slow
def test_a_class_is_learned():
    """Class 0 lies at −2 and class 1 at 2; each is drawn where it belongs."""
    y = torch.arange(400) % 2
    x = (4.0 * y - 2)[:, None] + 0.2 * torch.randn(400, 1, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    game = GAN((1,), latent=2, hidden=16, classes=2)
    fit(game, (x, y), lr=5e-3, epochs=25, batch_size=40, schedule="constant", progress=False, device="cpu")
    left, right = (game.sample(200, y=torch.full((200,), k)) for k in (0, 1))
    assert left.mean() < -1 and right.mean() > 1


@pytest.mark.parametrize("steps", [1, 3, 100])
def test_the_discriminator_steps_several_times_for_each_step_of_the_generator(steps):
    """Five batches an epoch, and the count goes on from epoch to epoch."""
    turns, game = [], small_game(discriminator_steps=steps)
    for player in ("discriminator", "generator"):
        springs(game, player, None, lambda loss, player=player: turns.append((player, game.training)) or loss)
    history = play(game, epochs=3)
    moves = [player for player, training in turns if training]
    made = [moves[:place].count("discriminator") for place, mover in enumerate(moves) if mover == "generator"]
    due = [step for step in range(1, 16) if step % steps == 0]
    assert moves.count("discriminator") == 15 and len(history.losses["generator"]) == 3
    assert [step for step in made if step % steps == 0] == due
    assert len(made) == max(len(due), 3), "an epoch without a turn of the generator still has its loss"


def test_the_generator_keeps_its_running_average_and_the_discriminator_its_last_weights():
    """Averaging changes no step: the discriminators of both games are one."""
    game, plain = small_game(), small_game()
    play(game)
    play(plain, average=0.0)
    assert same(weights(game.discriminator), weights(plain.discriminator))
    assert not same(weights(game.generator), weights(plain.generator))


def test_looks_see_the_kept_weights_and_change_nothing():
    game, alone, seen = small_game(), small_game(), {}

    def look(epoch, model):
        seen[epoch] = weights(model)
        assert not model.training
        torch.rand(3)

    play(game, on_epoch=look)
    play(alone)
    assert same(weights(game), weights(alone)) and sorted(seen) == list(range(7))
    assert same(seen[6], weights(game)) and same(seen[0], weights(small_game()))


def test_the_answers_to_samples_always_come_from_the_same_noise():
    fake = play(small_game(), epochs=3, lr=1e-12).answers["fake"]
    assert fake[0] == pytest.approx(fake[1], abs=1e-6) == fake[2]


def test_a_transform_is_applied_to_real_examples():
    game, seen = GAN((1, 1, 2), latent=2, hidden=4), []
    game.discriminator.register_forward_pre_hook(lambda net, args: seen.append(args[0]))
    play(game, torch.ones(40, 1, 1, 2), transform=lambda x: x / 2, epochs=1)
    real, fake = seen[0].chunk(2)
    assert (real == 0.5).all() and not (fake == 0.5).any()


def test_patience_is_refused_with_a_reason():
    with pytest.raises(ValueError, match="fit: expected no patience for GAN, got 5"):
        play(small_game(), patience=5)
    with pytest.raises(ValueError, match=r"GAN.*finite values"):
        play(small_game(), X * nan)


def test_the_history_tells_and_draws_itself():
    history = play(small_game())
    answers = ", ".join(f"{name} {history.answers[name][-1]:.2f}" for name in ("real", "fake"))
    assert repr(history) == f"GAN: 6 epochs, answers: {answers} (stopped: all epochs done)"
    left, right = history.plot()
    drawn = [line.get_ydata() for line in [*left.get_lines(), *right.get_lines()]]
    drawn = [list(curve) for curve in drawn]
    assert all(curve in drawn for curve in [*history.losses.values(), *history.answers.values()])
    assert "nats" in left.get_ylabel() and right.get_ylim() == (0, 1)
    critic = play(small_game(loss="wasserstein"))
    left, right = critic.plot()
    assert "nats" not in left.get_ylabel() and "critic" in right.get_ylabel()
    history.answers["fake"].append(0.5)
    with pytest.raises(ValueError, match="game: expected one value an epoch of each curve"):
        plots.game(history)
    with pytest.raises(ValueError, match="game: expected"):
        plots.game(GameHistory("GAN"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("amp", [False, True])
def test_on_cuda(amp):
    game = small_game(loss="wasserstein")
    history = play(game, device="cuda", amp=amp)
    assert next(game.parameters()).is_cuda and history.epochs == 6


def raises(error):
    def spring(loss):
        raise error

    return spring


@pytest.mark.parametrize("loss", ["non-saturating", "wasserstein"])
def test_killed_and_resumed_is_uninterrupted(loss, tmp_path):
    """Bit for bit: both players, both optimisers, the average and the count of turns."""
    epoch, make = 4, lambda: small_game(loss=loss, discriminator_steps=2)
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
    said = f"the {player}'s loss became nan in epoch 3, batch 3"
    with pytest.raises(TrainingDiverged, match=said) as caught:
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

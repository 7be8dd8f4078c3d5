"""B18: what the shipped losses do, on laws that are known: the best D, its value, and the slopes of G."""

from math import log

import pytest
import torch
from adversaries import Slope, Table, play

from course_utils.divergences import js
from course_utils.models.gan import GAN
from course_utils.universe import bars_and_stripes, state_index


def minimise(game, x):
    """Train D alone, to the bottom of the shipped loss."""
    search = torch.optim.LBFGS(
        game.discriminator.parameters(),
        max_iter=200,
        history_size=40,
        tolerance_grad=1e-12,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure():
        search.zero_grad()
        loss = game.discriminator_loss(x)
        loss.backward()
        return loss

    search.step(closure)
    return game.discriminator_loss(x).item()


@pytest.fixture(scope="module")
def optimum():
    """p_D and p_g on 512 images, D trained against both, and the loss that it reached."""
    universe, dice = bars_and_stripes(3), torch.Generator().manual_seed(0)
    states = universe.states.double()  # each of them once more, so that no probability is 0
    x = torch.cat([states, universe.sample(2000, generator=dice).double()])
    noise = (torch.rand(2000, 1, 3, 3, generator=dice) < 0.3).double()
    fake = torch.cat([states, noise])
    game = play(x, fake, Table(512), loss="saturating")
    loss = minimise(game, x)
    laws = (torch.bincount(state_index(part), minlength=512).double() / len(part) for part in (x, fake))
    return *laws, game.discriminate(states).detach(), loss


def test_the_best_discriminator_is_the_share_of_the_data(optimum):
    """D*(x) = p_D(x) / (p_D(x) + p_g(x))."""
    p_data, p_g, answer, _ = optimum
    assert (answer - p_data / (p_data + p_g)).abs().max() < 1e-6
    assert answer.min() < 0.4 and answer.max() > 0.9


def test_the_value_of_the_best_discriminator_is_the_jensen_shannon_divergence(optimum):
    """max_D V = 2·JSD(p_D, p_g) − 2·log 2."""
    p_data, p_g, _, loss = optimum
    assert -loss == pytest.approx((2 * js(p_data.log(), p_g.log()) - 2 * log(2)).item(), abs=1e-9)


def test_a_perfect_generator_leaves_one_half():
    x = bars_and_stripes(2).states.double()
    game = play(x, x.clone(), Table(16))
    game.discriminator.logits.data.normal_()
    assert minimise(game, x) == pytest.approx(2 * log(2), abs=1e-12)
    torch.testing.assert_close(game.discriminate(x), torch.full((16,), 0.5).double())


@pytest.mark.parametrize("steepness", [2.0, 8.0, 32.0])
def test_on_disjoint_supports_one_slope_vanishes_and_the_other_does_not(steepness):
    """Data at 0, samples at 3, D = σ(k (3/2 − x)) ever surer: JSD = log 2 already, the slope of log(1 − D)
    is k·D → 0, that of −log D is k·(1 − D) → k. Their ratio is the odds D / (1 − D)."""
    x, apart = torch.zeros(4, 1).double(), torch.full((4, 1), 3.0).double()
    there = torch.tensor([1.0, 0.0]).double().log()
    assert js(there, there.flip(0)).item() == pytest.approx(log(2))
    slopes = {}
    for loss in ("saturating", "non-saturating"):
        critic = Slope(torch.tensor([-steepness]).double(), 1.5 * steepness)
        game = play(x, apart.clone(), critic, loss=loss)
        game.generator_loss(x).backward()
        slopes[loss] = game.generator.x.grad.sum().item()
    odds = torch.tensor(-1.5 * steepness).double().exp().item()
    assert slopes["saturating"] > 0 and slopes["non-saturating"] > 0, "both lead towards the data"
    assert slopes["saturating"] == pytest.approx(steepness * odds / (1 + odds), rel=1e-9)
    assert slopes["non-saturating"] == pytest.approx(steepness / (1 + odds), rel=1e-9)
    assert -game.discriminator_loss(x).item() == pytest.approx(-2 * log(1 + odds), abs=1e-12)


@pytest.mark.parametrize("answer", [-500.0, 500.0])
def test_losses_stay_finite_where_the_discriminator_is_certain(answer):
    x = torch.zeros(4, 1).double()
    for loss in ("saturating", "non-saturating"):
        game = play(x, x.clone(), Slope(torch.zeros(1).double(), answer), loss=loss)
        assert game.discriminator_loss(x).item() == pytest.approx(500)
        assert game.generator_loss(x).isfinite()


def test_each_loss_moves_its_own_player():
    game, x = GAN((1, 3, 3)), torch.rand(5, 1, 3, 3)
    game.discriminator_loss(x).backward()
    assert all(p.grad is None for p in game.generator.parameters())
    assert all(p.grad.abs().sum() > 0 for p in game.discriminator.parameters())
    game.generator_loss(x).backward()
    assert all(p.grad.abs().sum() > 0 for p in game.generator.parameters())


@pytest.mark.parametrize("shape", [(1, 3, 3), (2,), (1, 28, 28)])
def test_both_players_listen_to_the_class(shape):
    torch.manual_seed(0)
    game = GAN(shape, classes=3, hidden=8)
    z, x, y = torch.randn(6, 16), torch.rand(6, *shape), torch.tensor([0, 1, 2, 0, 1, 2])
    assert not torch.allclose(game.generator(z, y), game.generator(z, y.roll(1)))
    assert not torch.allclose(game.discriminate(x, y), game.discriminate(x, y.roll(1)))
    torch.manual_seed(0)
    first = game.sample(3, y=torch.tensor([2, 2, 2]))
    torch.manual_seed(0)
    torch.testing.assert_close(first, game.generator(game.noise(3), torch.tensor([2, 2, 2])))


def test_samples_are_shown_to_the_discriminator_with_the_class_they_were_made_for():
    game, told = GAN((2,), classes=3, penalty=0.0), []
    game.generator.register_forward_pre_hook(lambda net, args: told.append(args[1]))
    game.discriminator.register_forward_pre_hook(lambda net, args: told.append(args[1]))
    y = torch.tensor([0, 1, 2, 2])
    game.discriminator_loss(torch.randn(4, 2), y)
    assert torch.equal(told[0], y) and torch.equal(told[1], torch.cat([y, y]))


def test_what_follows_from_the_arguments():
    assert [GAN((2,), loss=loss).discriminator_steps for loss in ("non-saturating", "wasserstein")] == [1, 2]
    assert GAN((2,), loss="wasserstein", discriminator_steps=5).discriminator_steps == 5
    assert [GAN(shape).support for shape in ((2,), (1, 8, 8))] == ["real", "unit"]
    wide = [any(p.dim() == 4 for p in GAN(shape).parameters()) for shape in ((1, 8, 8), (1, 28, 28))]
    assert wide == [False, True]
    assert any(p.dim() == 4 for p in GAN((1, 8, 8), network="convolutional").parameters())


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "hinge"},
        {"latent": 0},
        {"hidden": 0},
        {"hidden": (5, 1.5)},
        {"network": "deep"},
        {"event_shape": (2,), "network": "convolutional"},
        {"classes": 0},
        {"discriminator_steps": 0},
        {"penalty": -1},
    ],
    ids=str,
)
def test_bad_arguments_are_named(settings):
    with pytest.raises(ValueError, match="GAN: expected|GAN: .*: expected"):
        GAN(**({"event_shape": (1, 4, 4)} | settings))

"""B18: what the shipped losses do where it is known: the best D, slopes of G, a critic's reach of W₁."""

from math import log

import pytest
import torch
from torch import nn

from course_utils.divergences import js, wasserstein1_line
from course_utils.models.gan import GAN, gradient_penalty, penalty_at_data
from course_utils.universe import bars_and_stripes, state_index


class Table(nn.Module):
    """A discriminator that is free to say anything of each state."""

    def __init__(self, states: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(states).double())

    def forward(self, x, y=None):
        return self.logits[state_index(x)]


class Fixed(nn.Module):
    """A generator whose samples have exact frequencies, whatever the noise."""

    def __init__(self, x: torch.Tensor) -> None:
        super().__init__()
        self.x = nn.Parameter(x)

    def forward(self, z, y=None):
        assert len(z) == len(self.x)
        return self.x


class Slope(nn.Module):
    """A linear critic, f(x) = w · x + b."""

    def __init__(self, w: torch.Tensor, b: float = 0.0) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(w), b

    def forward(self, x, y=None):
        return x.flatten(1) @ self.w + self.b


class Bent(nn.Module):
    """A critic of the line that is linear between neighbouring knots, with free slopes."""

    def __init__(self, knots: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("knots", knots)
        self.slopes = nn.Parameter(torch.zeros(len(knots) - 1).double())

    def forward(self, x, y=None):
        width = self.knots.diff()
        return ((x - self.knots[:-1]).clamp_min(0).minimum(width) * self.slopes).sum(1)


def play(x, fake, discriminator, loss="non-saturating", penalty=0.0, **settings):
    """A game between given players on samples of exact frequencies; without a penalty: that of 2014."""
    game = GAN(tuple(x.shape[1:]), loss=loss, latent=1, hidden=2, penalty=penalty, **settings).double()
    game.generator, game.discriminator = Fixed(fake), discriminator
    return game


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


def test_the_best_discriminator_is_the_share_of_the_data_and_its_value_the_jensen_shannon_divergence():
    """D*(x) = p_D(x) / (p_D(x) + p_g(x)) on 512 images, and max_D V = 2·JSD(p_D, p_g) − 2·log 2."""
    universe, stream = bars_and_stripes(3), torch.Generator().manual_seed(0)
    states = universe.states.double()  # each of them once more, so that no probability is 0
    x = torch.cat([states, universe.sample(2000, generator=stream).double()])
    noise = (torch.rand(2000, 1, 3, 3, generator=stream) < 0.3).double()
    fake = torch.cat([states, noise])
    game = play(x, fake, Table(512), loss="saturating")
    loss = minimise(game, x)

    counts = (torch.bincount(state_index(part), minlength=512).double() for part in (x, fake))
    p_data, p_g = (count / count.sum() for count in counts)
    answer = game.discriminate(states).detach()
    assert (answer - p_data / (p_data + p_g)).abs().max() < 1e-6
    assert answer.min() < 0.4 and answer.max() > 0.9
    assert -loss == pytest.approx((2 * js(p_data.log(), p_g.log()) - 2 * log(2)).item(), abs=1e-9)


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


@pytest.mark.parametrize("shape", [(2,), (1, 28, 28)])
def test_both_players_read_the_class(shape):
    torch.manual_seed(0)
    game = GAN(shape, classes=3, hidden=8)
    z, x, y = torch.randn(6, 16), torch.rand(6, *shape), torch.tensor([0, 1, 2, 0, 1, 2])
    assert not torch.allclose(game.generator(z, y), game.generator(z, y.roll(1)))
    assert not torch.allclose(game.discriminate(x, y), game.discriminate(x, y.roll(1)))


def test_samples_are_shown_to_the_discriminator_with_the_class_they_were_made_for():
    game, seen = GAN((2,), classes=3, penalty=0.0), []
    game.generator.register_forward_pre_hook(lambda net, args: seen.append(args[1]))
    game.discriminator.register_forward_pre_hook(lambda net, args: seen.append(args[1]))
    y = torch.tensor([0, 1, 2, 2])
    game.discriminator_loss(torch.randn(4, 2), y)
    assert torch.equal(seen[0], y) and torch.equal(seen[1], torch.cat([y, y]))


def test_what_follows_from_the_arguments():
    assert [GAN((2,), loss=loss).discriminator_steps for loss in ("non-saturating", "wasserstein")] == [1, 2]
    assert GAN((2,), loss="wasserstein", discriminator_steps=5).discriminator_steps == 5
    assert [GAN(shape).support for shape in ((2,), (1, 8, 8))] == ["real", "unit"]
    wide = [any(p.dim() == 4 for p in GAN(shape).parameters()) for shape in ((1, 8, 8), (1, 28, 28))]
    assert wide == [False, True]
    assert any(p.dim() == 4 for p in GAN((1, 8, 8), network="convolutional").parameters())


def test_the_penalty_of_a_linear_critic_is_exact():
    """(‖w‖ − 1)² wherever it is taken, and its gradient 2 (‖w‖ − 1) w / ‖w‖ reaches the critic."""
    torch.manual_seed(0)
    critic = Slope(torch.randn(12).double())
    w = critic.w.detach()
    penalty = gradient_penalty(critic, torch.randn(7, 3, 2, 2).double(), torch.randn(7, 3, 2, 2).double())
    assert penalty.item() == pytest.approx(((w.norm() - 1) ** 2).item(), rel=1e-12)
    penalty.backward()
    torch.testing.assert_close(critic.w.grad, 2 * (w.norm() - 1) * w / w.norm())


def test_the_penalty_looks_uniformly_between_real_and_fake():
    """f = x²/2 has slope u at a place u between 0 and 1: E[(u − 1)²] = 1/3. Each example has its own u."""
    stream = torch.Generator().manual_seed(0)
    zeros = torch.zeros(40_000, 1).double()
    half_square = lambda x: (x**2).sum(1) / 2  # noqa: E731
    penalty = gradient_penalty(half_square, zeros, zeros + 1, stream)
    assert penalty.item() == pytest.approx(1 / 3, abs=5 / 40_000**0.5 * 0.3)


def test_the_wasserstein_loss_is_the_penalty_minus_the_value():
    x, fake = torch.randn(6, 3).double(), torch.randn(6, 3).double()
    critic = Slope(torch.tensor([3.0, 0.0, 4.0]).double())
    game = play(x, fake, critic, loss="wasserstein", penalty=0.5)
    value = (critic(x).mean() - critic(fake).mean()).item()
    assert game.discriminator_loss(x).item() == pytest.approx(0.5 * 16 - value)
    assert game.generator_loss(x).item() == pytest.approx(-critic(fake).mean().item())
    torch.testing.assert_close(game.discriminate(x), critic(x))


@pytest.mark.slow
def test_a_trained_critic_reaches_the_distance_from_below():
    """Equal means, so that no linear critic helps: W₁({−2, 2}, {0}) = 2. A critic's value over its slope
    is below W₁ at every moment, and nearly there after training with the shipped loss."""
    torch.manual_seed(0)
    x, fake = torch.tensor([[-2.0], [2.0]] * 32).double(), torch.zeros(64, 1).double()
    game = play(x, fake, Bent(torch.linspace(-3, 3, 13).double()), loss="wasserstein", penalty=10.0)
    p, q = torch.tensor([0.5, 0, 0.5]).double().log(), torch.tensor([0, 1.0, 0]).double().log()
    distance = wasserstein1_line(p, q, torch.tensor([-2.0, 0, 2]).double()).item()
    assert distance == 2
    search, reached = torch.optim.Adam(game.discriminator.parameters(), lr=0.05), []
    for _ in range(300):
        search.zero_grad()
        game.discriminator_loss(x).backward()
        search.step()
        f, steepest = game.discriminator, game.discriminator.slopes.abs().max()
        reached.append(((f(x).mean() - f(fake).mean()) / steepest).item())
    assert max(reached) <= distance + 1e-9 and reached[-1] > 0.97 * distance
    inner = f.slopes[2:-2].abs().mean().item()  # s·L − λ(s − 1)² is largest at s = 1 + L/2λ, here L = 2
    assert inner == pytest.approx(1 + distance / (2 * game.penalty), abs=0.02)


def test_the_penalty_at_the_data_is_the_squared_slope_there_and_nowhere_else():
    """f = x²/2 at x = 3: slope 3, whatever the fakes; it is added to the loss with its weight."""
    x, fake = torch.full((5, 1), 3.0).double(), torch.randn(5, 1).double()

    class HalfSquare(Slope):
        def forward(self, x, y=None):
            return self.w * x.square().sum(1) / 2

    critic = HalfSquare(torch.ones(1).double())
    assert penalty_at_data(critic, x, fake).item() == pytest.approx(9)
    for loss in ("saturating", "non-saturating"):
        bare, charged = (play(x, fake, critic, loss=loss, penalty=w) for w in (0.0, 0.5))
        difference = charged.discriminator_loss(x) - bare.discriminator_loss(x)
        assert difference.item() == pytest.approx(4.5)
        critic.zero_grad()
        difference.backward()
        assert critic.w.grad.item() == pytest.approx(9), "the derivative of 0.5 (3w)²"


def test_at_the_fixed_point_the_penalty_costs_nothing():
    """p_g = p_D and D = 1/2: no loss, no penalty, no slope for either player (Mescheder et al. 2018)."""
    x = torch.randn(20, 3).double()
    flat = Slope(torch.zeros(3).double())
    game = play(x, x.clone(), flat, penalty=1.0)
    assert game.discriminator_loss(x).item() == pytest.approx(2 * log(2))
    game.discriminator_loss(x).backward()
    assert flat.w.grad.abs().max() < 1e-12
    game.generator_loss(x).backward()
    assert game.generator.x.grad.abs().max() == 0

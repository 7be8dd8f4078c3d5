"""The penalties on a slope, and what a critic reaches of W₁."""

from math import log

import pytest
import torch
from adversaries import Bent, Slope, play

from course_utils.divergences import wasserstein1_line
from course_utils.models.gan import gradient_penalty, penalty_at_data


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
    dice = torch.Generator().manual_seed(0)
    zeros = torch.zeros(40_000, 1).double()
    half_square = lambda x: (x**2).sum(1) / 2  # noqa: E731
    penalty = gradient_penalty(half_square, zeros, zeros + 1, dice)
    assert penalty.item() == pytest.approx(1 / 3, abs=5 / 40_000**0.5 * 0.3)


def test_the_wasserstein_loss_is_the_penalty_minus_the_value():
    x, fake = torch.randn(6, 3).double(), torch.randn(6, 3).double()
    critic = Slope(torch.tensor([3.0, 0.0, 4.0]).double())
    game = play(x, fake, critic, loss="wasserstein", penalty=0.5)
    value = (critic(x).mean() - critic(fake).mean()).item()
    assert game.discriminator_loss(x).item() == pytest.approx(0.5 * 16 - value)
    assert game.generator_loss(x).item() == pytest.approx(-critic(fake).mean().item())
    torch.testing.assert_close(game.discriminate(x), critic(x))


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

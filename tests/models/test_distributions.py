"""What decoders give: levels sum to 1, are cells of a logistic distribution, and are drawn as often."""

from itertools import product

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from course_utils.models.distributions import Bernoulli, DiscretisedLogistic, Gaussian

LOGISTICS = list(product((-3.0, 0.29, 1.0, 40.0), (-100.0, -3.0, 4.0, 100.0), (2, 256)))


def logistic(location: float, log_scale: float, levels: int) -> DiscretisedLogistic:
    """For one example of one element."""
    return DiscretisedLogistic(*torch.tensor([[[location]], [[log_scale]]]).double(), levels)


@pytest.mark.parametrize("given", LOGISTICS)
def test_the_levels_of_a_discretised_logistic_sum_to_1(given):
    p = logistic(*given).probabilities()
    assert p.shape == (1, 1, given[2]) and (p >= 0).all()
    assert p.sum().item() == pytest.approx(1, abs=1e-9)  # of scale e⁻¹⁵, rounding counts 3 million times


def test_each_level_has_the_mass_of_its_cell():
    """F(v + h) − F(v − h) by integrating the logistic density over the cell, the tails to the edges."""
    distribution = logistic(0.4, -2.0, 5)
    t = torch.linspace(-4, 5, 900_001, dtype=torch.double)
    s = torch.tensor(-2.0).double().exp()
    density = torch.sigmoid((t - 0.4) / s) * torch.sigmoid(-(t - 0.4) / s) / s
    cell = (t * 4).round().clamp(0, 4).long()
    mass = torch.zeros(5).double().index_add(0, cell, density) * (t[1] - t[0])
    torch.testing.assert_close(distribution.probabilities()[0, 0], mass, rtol=0, atol=1e-4)


@pytest.mark.parametrize("log_scale", [-100.0, -20.0, 20.0, 100.0])
def test_no_scale_is_too_small_or_too_large_for_float32(log_scale):
    parts = [torch.full((1, 3), value, requires_grad=True) for value in (0.3, log_scale)]
    distribution = DiscretisedLogistic(*parts, 256)
    for value in (0.0, 0.2, 1.0):
        distribution.log_prob(torch.full((1, 3), value)).sum().backward()
    assert distribution.probabilities().isfinite().all() and distribution.sample().isfinite().all()
    assert all(part.grad.isfinite().all() for part in parts)


@pytest.mark.parametrize("log_variance", [-100.0, 80.0])
def test_no_variance_makes_a_normal_density_undefined(log_variance):
    """exp(100) is no float32, and 0 · inf at the mean no number."""
    parts = [torch.full((1, 3), value, requires_grad=True) for value in (0.3, log_variance)]
    Gaussian(*parts).log_prob(torch.full((1, 3), 0.3)).sum().backward()
    assert all(part.grad.isfinite().all() for part in parts)


@pytest.mark.parametrize(
    "distribution",
    [
        logistic(0.3, -1.5, 5),
        logistic(1.2, -0.5, 2),
        Bernoulli(torch.tensor([[-0.8]]).double()),
        Gaussian(torch.tensor([[0.4]]).double(), torch.tensor([[-1.2]]).double()),
    ],
)
def test_samples_follow_log_prob(distribution):
    """The mean, and the share below each value, against log_prob summed or integrated."""
    n = 40_000
    big = type(distribution)(
        *(part.expand(n, 1) if isinstance(part, torch.Tensor) else part for part in distribution)
    )
    x = big.sample(torch.Generator().manual_seed(0))
    if isinstance(distribution, Gaussian):
        grid = torch.linspace(-6, 6, 1201, dtype=torch.double)
        density = Gaussian(*(part.expand(1201, 1) for part in distribution)).log_prob(grid[:, None]).exp()
        mass, edges = density / 100, grid + 0.005
    else:
        grid = edges = torch.linspace(0, 1, getattr(distribution, "levels", 2), dtype=torch.double)
        mass = torch.cat([distribution.log_prob(v.view(1, 1)) for v in grid]).exp()
        assert set(x.unique().tolist()) <= set(grid.tolist())
    assert mass.sum().item() == pytest.approx(1, abs=1e-6)
    assert distribution.mean.item() == pytest.approx((mass * grid).sum().item(), abs=1e-6)
    below = torch.searchsorted(x.flatten().sort().values, edges + 1e-9).double() / n
    assert (below - mass.cumsum(0)).abs().max() < 5 * 0.5 / n**0.5
    again = big.sample(torch.Generator().manual_seed(0))
    assert torch.equal(x, again)


def test_the_closed_kl_is_the_kl_of_each_element():
    mean, log_variance = torch.randn(2, 5, 3).double()
    due = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(torch.zeros(()).double(), 1.0))
    torch.testing.assert_close(Gaussian(mean, log_variance).kl_from_standard(), due)


def test_a_distribution_sums_its_log_over_all_axes_but_the_first():
    mean, log_variance, x = torch.randn(3, 5, 2, 4, 8).double()
    expected = Normal(mean, (log_variance / 2).exp()).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(Gaussian(mean, log_variance).log_prob(x), expected)
    white, level = (x > 0).double(), x.clamp(0, 1).round()
    coins = torch.distributions.Bernoulli(logits=mean).log_prob(white).sum((1, 2, 3))
    torch.testing.assert_close(Bernoulli(mean).log_prob(white), coins)
    logistic = DiscretisedLogistic(mean, log_variance, 3)
    torch.testing.assert_close(logistic.log_prob(level), logistic.log_probabilities(level).sum((1, 2, 3)))


@pytest.mark.parametrize("given", LOGISTICS)
def test_all_levels_at_once_are_what_each_is_alone(given):
    at_once, levels = logistic(*given), given[2]
    grid = torch.linspace(0, 1, levels, dtype=torch.double)
    alone = DiscretisedLogistic(*(part.expand(levels, 1) for part in at_once[:2]), levels)
    each = alone.log_probabilities(grid[:, None])[:, 0].exp()
    torch.testing.assert_close(at_once.probabilities()[0, 0], each, rtol=0, atol=1e-9)
    odds = torch.randn(3, 2).double()
    black, white = Bernoulli(odds).log_levels().unbind(-1)
    torch.testing.assert_close(white - black, odds)

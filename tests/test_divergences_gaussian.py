"""Closed forms between Gaussians: against quadrature, other formulas and the maps that they come from."""

from math import log, pi

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from course_utils.divergences import (
    gaussian_kl,
    gaussian_mmd_squared,
    gaussian_total_variation,
    gaussian_wasserstein1,
    gaussian_wasserstein2,
)

GRID = torch.linspace(-40, 40, 40_001, dtype=torch.float64)
STEP = (GRID[1] - GRID[0]).item()
CASES = [(0.0, 1.0, 0.0, 1.0), (0.5, 1.0, -1.0, 1.0), (0.3, 0.25, 0.3, 9.0), (2.0, 4.0, -1.0, 0.5)]
SEEDS = range(4)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def log_density(mean, variance):
    return -((GRID - mean) ** 2) / (2 * variance) - log(2 * pi * variance) / 2


def gaussian(seed, d=3):
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(d, d, generator=generator, dtype=torch.float64)
    cov = root @ root.T + 0.3 * torch.eye(d, dtype=torch.float64)
    return torch.randn(d, generator=generator, dtype=torch.float64), cov


def pair(seed, d=3):
    return *gaussian(2 * seed, d), *gaussian(2 * seed + 1, d)


def rotation(seed, d=3):
    return torch.linalg.qr(gaussian(seed, d)[1]).Q


def power(matrix, exponent):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values**exponent) @ vectors.T


# One dimension, by quadrature


@pytest.mark.parametrize("case", CASES)
def test_kl_by_quadrature(case):
    log_p, log_q = log_density(*case[:2]), log_density(*case[2:])
    integral = (log_p.exp() * (log_p - log_q)).sum() * STEP
    assert gaussian_kl(*case).item() == pytest.approx(integral.item(), abs=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_wasserstein1_by_quadrature_of_the_distribution_functions(case):
    gap = (log_density(*case[:2]).exp() - log_density(*case[2:]).exp()).cumsum(0) * STEP
    value = gaussian_wasserstein1(*case)
    assert value.item() == pytest.approx((gap.abs().sum() * STEP).item(), abs=1e-5)
    assert value == pytest.approx(gaussian_wasserstein1(*case[2:], *case[:2]).item())
    assert value <= gaussian_wasserstein2(*case) + 1e-12


@pytest.mark.parametrize("case", CASES)
def test_wasserstein2_is_the_cost_of_the_monotone_map(case):
    z = log_density(0.0, 1.0).exp() * STEP
    at = [mean + variance**0.5 * GRID for mean, variance in (case[:2], case[2:])]
    cost = (z * (at[0] - at[1]) ** 2).sum().sqrt()
    assert gaussian_wasserstein2(*case).item() == pytest.approx(cost.item(), abs=1e-7)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("bandwidth", [0.3, 1.0, 4.0])
def test_mmd_by_quadrature(case, bandwidth):
    coarse = slice(None, None, 40)
    gap = (log_density(*case[:2]).exp() - log_density(*case[2:]).exp())[coarse] * STEP * 40
    kernel = (-((GRID[coarse][:, None] - GRID[coarse]) ** 2) / (2 * bandwidth**2)).exp()
    value = gaussian_mmd_squared(*case, bandwidth=bandwidth)
    assert value.item() == pytest.approx((gap @ kernel @ gap).item(), abs=1e-9)


@pytest.mark.parametrize("means", [(0.0, 0.0), (0.5, -1.0), (-3.0, 4.0)])
@pytest.mark.parametrize("variance", [0.25, 1.0, 9.0])
def test_total_variation_by_quadrature(means, variance):
    p, q = (log_density(mean, variance).exp() for mean in means)
    value = gaussian_total_variation(*means, variance)
    assert value.item() == pytest.approx(((p - q).abs().sum() * STEP / 2).item(), abs=1e-5)
    assert value <= (gaussian_kl(means[0], variance, means[1], variance) / 2).sqrt()


# More dimensions


@pytest.mark.parametrize("seed", SEEDS)
def test_kl_agrees_with_torch(seed):
    m, s, n, t = pair(seed)
    reference = kl_divergence(MultivariateNormal(m, s), MultivariateNormal(n, t))
    assert gaussian_kl(m, s, n, t).item() == pytest.approx(reference.item(), rel=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_wasserstein2_is_the_cost_of_the_optimal_map(seed):
    m, s, n, t = pair(seed)
    matrix = power(s, -0.5) @ power(power(s, 0.5) @ t @ power(s, 0.5), 0.5) @ power(s, -0.5)
    assert torch.allclose(matrix @ s @ matrix.T, t)  # it carries p to q, and is a gradient: symmetric
    rest = torch.eye(3, dtype=torch.float64) - matrix
    cost = ((m - n).square().sum() + (rest @ s @ rest.T).trace()).sqrt()
    assert gaussian_wasserstein2(m, s, n, t).item() == pytest.approx(cost.item(), rel=1e-10)
    assert gaussian_wasserstein2(n, t, m, s).item() == pytest.approx(cost.item(), rel=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_independent_coordinates(seed):
    m, n, s, t = torch.rand(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.1
    together = m, s.diag(), n, t.diag()
    each = [tuple(v[i].item() for v in (m, s, n, t)) for i in range(3)]
    assert gaussian_kl(*together).item() == pytest.approx(sum(gaussian_kl(*one) for one in each).item())
    squares = sum(gaussian_wasserstein2(*one) ** 2 for one in each)
    assert gaussian_wasserstein2(*together).item() == pytest.approx(squares.sqrt().item())

    def mixed(a, u, b, v):  # E k(x, y), one factor a coordinate
        spread = 4 + u + v
        return ((4 / spread).sqrt() * (-((a - b) ** 2) / (2 * spread)).exp()).prod()

    expected = mixed(m, s, m, s) + mixed(n, t, n, t) - 2 * mixed(m, s, n, t)
    assert gaussian_mmd_squared(*together, bandwidth=2.0).item() == pytest.approx(expected.item(), abs=1e-14)


@pytest.mark.parametrize("seed", SEEDS)
def test_total_variation_lives_on_the_line_between_the_means(seed):
    m, s, n, _ = pair(seed)
    direction = torch.linalg.solve(s, m - n)
    along = (m @ direction).item(), (n @ direction).item(), (direction @ s @ direction).item()
    assert gaussian_total_variation(m, n, s).item() == pytest.approx(
        gaussian_total_variation(*along).item(), rel=1e-10
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_maps_of_the_space(seed):
    m, s, n, t = pair(seed)
    turn, shift = rotation(seed + 20), torch.randn(3, dtype=torch.float64)
    stretch = gaussian(seed + 40)[1]

    def moved(by):
        return by @ m + shift, by @ s @ by.T, by @ n + shift, by @ t @ by.T

    original, turned, stretched = (m, s, n, t), moved(turn), moved(stretch)
    for both in (turned, stretched):  # KL and TV do not care how x is written
        assert gaussian_kl(*both).item() == pytest.approx(gaussian_kl(*original).item(), rel=1e-8)
        assert gaussian_total_variation(both[0], both[2], both[1]).item() == pytest.approx(
            gaussian_total_variation(m, n, s).item(), rel=1e-8
        )
    for distance in (gaussian_wasserstein2, lambda *g: gaussian_mmd_squared(*g, bandwidth=1.5)):
        assert distance(*turned).item() == pytest.approx(distance(*original).item(), rel=1e-8)
        assert distance(*stretched).item() != pytest.approx(distance(*original).item(), rel=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_nought_between_equals_and_positive_otherwise(seed):
    m, s, n, t = pair(seed)
    for distance in (gaussian_kl, gaussian_wasserstein2, lambda *g: gaussian_mmd_squared(*g, bandwidth=1.0)):
        assert abs(distance(m, s, m, s)) < 1e-6
        assert distance(m, s, n, t) > 1e-4
        assert distance(m, s, m, t) > 1e-4


def test_a_shift_costs_its_length():
    m, s, n, _ = pair(0)
    assert gaussian_wasserstein2(m, s, n, s).item() == pytest.approx((m - n).norm().item(), rel=1e-6)
    for shift in (-3.0, 0.0, 0.5):
        assert gaussian_wasserstein1(shift, 2.0, 0.0, 2.0).item() == abs(shift)
        nearly = gaussian_wasserstein1(shift, 2.0, 0.0, 2.0 + 1e-9)
        assert nearly.item() == pytest.approx(abs(shift), abs=1e-8)


@pytest.mark.parametrize(
    "distance",
    [
        gaussian_kl,
        gaussian_wasserstein1,
        gaussian_wasserstein2,
        lambda *g: gaussian_mmd_squared(*g, bandwidth=0.7),
        lambda m, s, n, t: gaussian_total_variation(m, n, s + t),
    ],
)
def test_gradients(distance):
    values = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (1.0, 2.0, -0.5, 0.7)]
    assert torch.autograd.gradcheck(distance, values)


def test_numbers_and_tensors_agree():
    values = (1.1, 2.3, 0, 0.7)
    numbers = gaussian_kl(*values)
    scalars = gaussian_kl(*(torch.tensor(v, dtype=torch.float64) for v in values))
    shaped = gaussian_kl(
        *(torch.full((1,) * d, v).double() for d, v in zip((1, 2, 1, 2), values, strict=True))
    )
    mixed = gaussian_kl(torch.tensor(1.1, dtype=torch.float64), *values[1:])
    assert numbers == scalars == mixed == pytest.approx(shaped.item(), rel=1e-6)
    assert gaussian_kl(*(torch.tensor(float(v)) for v in values)).dtype == torch.float64

"""The universes: every p_D is a distribution, and samples come from it."""

from math import log

import pytest
import torch
from agreement import sample_agreement
from scipy.stats import chisquare

from course_utils.universe import all_images, bars_and_stripes, gaussians, state_index, two_moons


@pytest.mark.parametrize("side", [2, 3, 4])
@pytest.mark.parametrize("flip", [0.0, 0.02, 0.5])
def test_probabilities_sum_to_one(side, flip):
    universe = bars_and_stripes(side, flip)
    assert universe.log_p.exp().sum().item() == pytest.approx(1, abs=1e-12)
    assert universe.states.shape == (2 ** (side**2), 1, side, side)


def test_without_flips_the_patterns_are_the_bars_and_the_stripes():
    """Brute force: an image is a pattern when all its rows, or all its columns, are constant."""
    for side, count in ((3, 14), (4, 30)):
        universe = bars_and_stripes(side, flip=0)
        x = universe.states[:, 0]
        constant = (x == x[:, :, :1]).all((1, 2)) | (x == x[:, :1]).all((1, 2))
        assert constant.sum() == count
        assert torch.equal(universe.log_p.exp() > 0, constant)
        assert universe.entropy == pytest.approx(log(count), abs=1e-12)


def test_flips_act_on_each_pixel_alone():
    """p_D after flips = p_D before, sent through the pixel-by-pixel noise, as a 512 × 512 matrix."""
    flip = 0.1
    x = all_images(3, 3).flatten(1).double()
    distance = torch.cdist(x, x, p=1)
    noise = flip**distance * (1 - flip) ** (9 - distance)
    clean = bars_and_stripes(3, flip=0).log_p.exp()
    torch.testing.assert_close(bars_and_stripes(3, flip).log_p.exp(), noise @ clean, rtol=0, atol=1e-14)


def test_the_four_by_four_universe_of_the_course():
    """Its entropy, and the floor of every model without dependence: KL to the product of marginals."""
    universe = bars_and_stripes(4)
    assert universe.entropy == pytest.approx(4.9616, abs=5e-5)
    p = universe.log_p.exp()
    marginal = p @ universe.states.flatten(1).double()
    torch.testing.assert_close(marginal, torch.full((16,), 0.5).double(), rtol=0, atol=1e-12)


def test_state_numbers_are_the_binary_numbers_of_the_pixels():
    states = all_images(2, 3)
    assert states.shape == (64, 1, 2, 3)
    assert torch.equal(state_index(states), torch.arange(64))
    assert states[32].flatten().tolist() == [1, 0, 0, 0, 0, 0]
    assert len(states.flatten(1).unique(dim=0)) == 64


def test_log_prob_looks_up_the_state():
    universe = bars_and_stripes(3)
    order = torch.randperm(512, generator=torch.Generator().manual_seed(0))
    assert torch.equal(universe.log_prob(universe.states[order]), universe.log_p[order])


def test_samples_of_the_universe_follow_it():
    universe = bars_and_stripes(3, flip=0.1)
    stream = torch.Generator().manual_seed(0)
    assert sample_agreement(universe, universe.log_p, 200_000, generator=stream).p_value > 1e-4


@pytest.mark.parametrize("p_D", [bars_and_stripes(3), two_moons()], ids=["images", "plane"])
def test_samples_follow_the_generator(p_D):
    first, again, other = (p_D.sample(20, generator=torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.slow
@pytest.mark.parametrize("make", [gaussians, two_moons])
def test_densities_on_the_plane_integrate_to_one(make):
    density = make()
    side = torch.linspace(-6, 6, 301).double()[:-1] + 0.02
    grid = torch.cartesian_prod(side, side)
    p = torch.cat([density.log_prob(part).exp() for part in grid.split(50_000)])
    assert p.sum().item() * 0.04**2 == pytest.approx(1, abs=1e-3)
    inside = (grid.abs() < density.extent).all(1)
    assert p[inside].sum() / p.sum() > 0.999


@pytest.mark.slow
@pytest.mark.parametrize("make", [gaussians, two_moons])
def test_samples_on_the_plane_follow_the_density(make):
    """χ² of a histogram on a coarse grid, cells integrated from the density."""
    density, n, cells = make(), 100_000, 12
    x = density.sample(n, generator=torch.Generator().manual_seed(0))
    fine = torch.linspace(-6, 6, 25 * cells + 1).double()[:-1] + 0.02
    grid = torch.cartesian_prod(fine, fine)
    p = torch.cat([density.log_prob(part).exp() for part in grid.split(50_000)]) * 0.04**2
    p = p.view(cells, 25, cells, 25).sum((1, 3)).flatten()
    counts = torch.histogramdd(x.double(), bins=[cells, cells], range=[-6.0, 6.0, -6.0, 6.0]).hist.flatten()
    common = n * p > 10
    assert counts[common].sum() > 0.99 * n
    expected = p[common] / p[common].sum() * counts[common].sum()
    assert chisquare(counts[common], expected).pvalue > 1e-4


@pytest.mark.parametrize(
    "call",
    [
        lambda: all_images(5, 5),
        lambda: all_images(0, 2),
        lambda: all_images(2.0, 2),
        lambda: gaussians(0),
        lambda: two_moons().sample("5"),
    ],
)
def test_bad_input_is_a_value_error(call):
    with pytest.raises(ValueError, match="expected"):
        call()

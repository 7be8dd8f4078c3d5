"""Change of variables, tested on every flow of the tree: new flows are found there."""

import pytest
import torch
from agreement import agreement
from numpy.polynomial.legendre import leggauss
from pixels import random_model

import course_utils.models  # noqa: F401  (the leaves)
from course_utils.datasets import dequantise
from course_utils.evaluation import bits_per_dim
from course_utils.taxonomy import Flow, leaves

FLOWS = list(leaves(Flow))
FINE = {"FFJORD": {"hidden": 16, "steps": 96}}  # its log |det| is exact up to the solver's error
# the smallest images that are not square and allowed: no squeeze in RealNVP, one in Glow
ODD = {"RealNVP": ((1, 2, 3), {"scales": 1}), "Glow": ((1, 2, 6), {"scales": 1})}


def build(leaf, shape, strength=0.1, **settings) -> Flow:
    """A small flow in float64 whose weights are far from their start."""
    return random_model(leaf, shape, strength, **{"hidden": 16} | settings)


def example(model: Flow, n: int = 3) -> torch.Tensor:
    draw = torch.rand if model.support == "unit" else torch.randn
    return draw(n, *model.event_shape, dtype=torch.double, generator=torch.Generator().manual_seed(1))


def check_log_det_and_inverse(model: Flow, n: int = 1) -> None:
    """B7: log |det| is that of the Jacobian, log p adds it to the prior's, and decode undoes encode."""
    x = example(model, n)
    z, log_det = model.encode(x)
    assert z.shape == x.shape and log_det.shape == (n,)
    for one, value in zip(x, log_det, strict=True):
        jacobian = torch.func.jacrev(lambda v: model.encode(v[None])[0].flatten(), chunk_size=16)(one)
        want = torch.linalg.slogdet(jacobian.reshape(model.dims, model.dims)).logabsdet
        assert abs((value - want).item()) < 1e-8 * max(1, abs(want.item()))
    torch.testing.assert_close(model.log_prob(x), model.prior.log_prob(z) + log_det, rtol=0, atol=1e-10)
    with torch.no_grad():
        assert (model.decode(z) - x).abs().max() < 1e-10


@pytest.mark.parametrize("shape", [(2, 4, 8), (3,), (4, 1, 1)], ids=str)
@pytest.mark.parametrize("leaf", FLOWS)
def test_log_det_and_inverse(leaf, shape):
    check_log_det_and_inverse(build(leaf, shape, **FINE.get(leaf.__name__, {})), 1 if len(shape) > 1 else 3)


@pytest.mark.parametrize("leaf", FLOWS)
def test_log_det_and_inverse_on_odd_sizes(leaf):
    shape, settings = ODD.get(leaf.__name__, ((1, 2, 3), {}))
    check_log_det_and_inverse(build(leaf, shape, **FINE.get(leaf.__name__, {}), **settings))


@pytest.mark.parametrize("leaf", [leaf for leaf in FLOWS if leaf.__name__ != "FFJORD"])
def test_with_convolutions_it_is_a_flow_as_well(leaf):
    check_log_det_and_inverse(build(leaf, (2, 4, 8), strength=0.05, net="conv", hidden=6, depth=1))


@pytest.mark.parametrize("leaf", FLOWS)
def test_encode_undoes_decode_on_the_whole_plane(leaf):
    model = build(leaf, (2,), **FINE.get(leaf.__name__, {}))
    z = example(model, 50) * 3
    assert (model.encode(model.decode(z))[0] - z).abs().max() < 1e-9


@pytest.mark.parametrize("leaf", FLOWS)
def test_the_density_of_grey_values_integrates_to_one_on_the_unit_square(leaf):
    """Sums over y = logit x, with dx = x (1 − x) dy: no part of the mass lies outside [0, 1]²."""
    model = build(leaf, (2, 1, 1), strength=0.15)
    line = torch.linspace(-13.5, 13.5, 135, dtype=torch.double)
    x = torch.sigmoid(torch.cartesian_prod(line, line))
    weight = (line[1] - line[0]) ** 2 * (x * (1 - x)).prod(1)
    with torch.no_grad():
        mass = (model.log_prob(x.view(-1, 2, 1, 1)).exp() * weight).sum()
    assert mass.item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("leaf", FLOWS)
def test_noise_bounds_the_probability_of_grey_levels_from_below(leaf):
    """B11: E_u[log p(v + u)] − D log L ≤ log P(v), each cell integrated; and the cells add up to 1."""
    model, levels = build(leaf, (2, 1, 1), strength=0.05), 3
    nodes, weights = (torch.from_numpy(part) for part in leggauss(40))
    inside, share = (torch.cartesian_prod(part, part) for part in ((nodes + 1) / 2, weights / 2))
    total = 0.0
    for v in torch.cartesian_prod(torch.arange(3.0), torch.arange(3.0)).double():
        with torch.no_grad():
            log_p = model.log_prob(((v + inside) / levels).view(-1, 2, 1, 1))
            mass = (log_p.exp() * share.prod(1)).sum() / levels**2
            grey = (v / (levels - 1)).view(1, 2, 1, 1).expand(4000, -1, -1, -1)
            noisy = model.log_prob(dequantise(grey, levels, torch.Generator().manual_seed(0)))
        bound = bits_per_dim(noisy, 2, levels)
        gap = bound.mean() - bits_per_dim(mass.log(), 2)
        assert 0 < gap + 4 * bound.std() / 4000**0.5
        total += mass.item()
    assert total == pytest.approx(1, abs=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("leaf", FLOWS)
def test_samples_on_the_plane_follow_the_density(leaf):
    """B21: a histogram of samples against exp(log_prob), integrated over each of its cells."""
    model, n, half, cells, fine = build(leaf, (2,), strength=0.15), 40_000, 6, 24, 8
    step = 2 * half / cells
    line = (torch.arange(cells * fine, dtype=torch.double) + 0.5) * step / fine - half
    with torch.no_grad():
        p = model.log_prob(torch.cartesian_prod(line, line)).exp().view(cells, fine, cells, fine)
    p = p.sum((1, 3)).flatten() * (step / fine) ** 2
    x = model.sample(n, generator=torch.Generator().manual_seed(0))
    index = ((x + half) / step).floor().long()
    within = ((index >= 0) & (index < cells)).all(1)
    drawn = torch.where(within, index @ torch.tensor([cells, 1]), cells**2)  # all the plane outside is one
    assert (n * p > 5).sum() > 30
    assert agreement(drawn, torch.cat([p, (1 - p.sum()).clamp_min(0)[None]]).log()).p_value > 1e-4


@pytest.mark.parametrize("leaf", FLOWS)
def test_what_cannot_be_decoded_is_named(leaf):
    model = build(leaf, (2,))
    z = torch.zeros(3, 2, dtype=torch.double)
    for bad in (None, z[0], z[:, :1], z[:0], z.float(), z + torch.inf, z * torch.nan):
        with pytest.raises(ValueError, match=leaf.__name__):
            model.decode(bad)

"""The spline flow against its formulas: curves through their knots, inverses, Jacobians, mass."""

import pytest
import torch
from pixels import numbers, pushed

from course_utils.models.couplings import channel_mask, checkerboard_mask, coupling_net
from course_utils.models.spline_flow import Spline, SplineCoupling, SplineFlow
from course_utils.training import fit


@pytest.mark.parametrize("bins", [2, 5])
@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_a_spline_goes_through_its_knots_with_their_slopes(bins, scale):
    spline = Spline(numbers(7, 3 * bins - 1, scale=scale), 2.5)
    assert (spline.x.diff() > 0).all() and (spline.z.diff() > 0).all() and (spline.slopes > 0).all()
    for edges in (spline.x, spline.z):
        torch.testing.assert_close(edges[:, [0, -1]], torch.tensor([[-2.5, 2.5]]).double().expand(7, 2))
    for k in range(bins + 1):
        for side in (-1e-9, 1e-9):  # from both sides: the curve and its slope are continuous
            z, log_slope = spline(spline.x[:, k] + side)
            torch.testing.assert_close(z, spline.z[:, k], rtol=0, atol=1e-6)
            torch.testing.assert_close(log_slope.exp(), spline.slopes[:, k], rtol=1e-3, atol=1e-6)


def test_a_spline_is_inverted_and_its_slope_is_its_derivative():
    x = torch.linspace(-4, 4, 400).double().requires_grad_()
    spline = Spline(numbers(400, 23, scale=2.0), 3.0)
    z, log_slope = spline(x)
    torch.testing.assert_close(spline.inverse(z), x, rtol=0, atol=1e-8)
    (derivative,) = torch.autograd.grad(z.sum(), x)
    torch.testing.assert_close(log_slope.exp(), derivative)
    outside = x.abs() >= 3
    assert torch.equal(z[outside], x[outside]) and (z[~outside] - x[~outside]).abs().max() > 0.5
    one = Spline(numbers(23, scale=2.0).expand(400, 23), 3.0)(x)[0]
    assert (one.diff() > 0).all()


def test_a_spline_of_nothing_is_the_identity_and_one_of_two_bins_is_by_hand():
    x = torch.linspace(-2, 2, 50).double()
    z, log_slope = Spline(torch.zeros(50, 11).double(), 1.5)(x)
    torch.testing.assert_close(z, x)
    assert log_slope.abs().max() < 1e-12
    spline = Spline(torch.zeros(1, 5).double(), 2.0)
    spline.slopes = torch.tensor([[1.0, 3.0, 1.0]]).double()  # knots −2, 0, 2 on the diagonal
    z, log_slope = spline(torch.tensor([-1.0]).double())  # ξ = ½, s = 1, d = 2
    torch.testing.assert_close(z, torch.tensor([-2 + 2 * (0.25 + 0.25) / 1.5]).double())
    torch.testing.assert_close(log_slope.exp(), torch.tensor([(0.75 + 0.5 + 0.25) / 1.5**2]).double())


@pytest.mark.parametrize("mask", [checkerboard_mask, channel_mask])
@pytest.mark.parametrize("parity", [0, 1])
def test_a_coupling_keeps_what_its_mask_says_and_reads_nothing_else(mask, parity):
    shape = (2, 4, 6)
    net = coupling_net("dense", shape, 11, hidden=8, depth=1, who="")
    coupling = pushed(SplineCoupling(mask(shape, parity), net, 2.0), 0.5)
    x, m = numbers(1, *shape), mask(shape, parity).bool()
    z, log_det = coupling(x)
    inside = ~m & (x[0].abs() < 2)
    assert torch.equal(z[0][m], x[0][m]) and (z[0][inside] != x[0][inside]).all()
    slopes = torch.autograd.functional.jacobian(lambda v: coupling(v)[0].flatten(), x).flatten(1)
    torch.testing.assert_close(log_det[0], torch.linalg.slogdet(slopes).logabsdet)
    other = torch.where(m, x, numbers(2, *shape)[1:])
    for one in (x, other):
        torch.testing.assert_close(coupling.inverse(coupling(one)[0]), one, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((2, 4, 6), {"scales": 2}),
        ((1, 3, 5), {}),
        ((3, 4, 2), {"net": "conv", "depth": 1, "scales": 2}),
        ((5,), {"bins": 3, "bound": 2.0}),
    ],
)
def test_a_flow_is_inverted_and_its_log_det_is_that_of_its_jacobian(shape, settings):
    model = pushed(SplineFlow(shape, hidden=8, couplings=2, **settings), 0.1)
    x = torch.rand(3, *shape).double() if len(shape) == 3 else numbers(3, *shape)
    z, log_det = model.encode(x)
    torch.testing.assert_close(model.decode(z), x, rtol=0, atol=1e-6)
    for k in range(3):
        J = torch.func.jacrev(lambda v: model.encode(v[None])[0].flatten())(x[k]).flatten(1)
        torch.testing.assert_close(log_det[k], torch.linalg.slogdet(J).logabsdet, rtol=0, atol=1e-8)
    torch.testing.assert_close(model.log_prob(x), model.prior.log_prob(z) + log_det)


@pytest.mark.slow
def test_the_density_integrates_to_one_and_can_have_several_modes():
    torch.manual_seed(0)
    model = SplineFlow((2,), hidden=16, couplings=1, bins=8, bound=4.0)
    x = torch.randn(2000, 2) * 0.3 + 2 * (torch.randint(0, 2, (2000, 2)) - 0.5) * 1.5
    fit(model, x, epochs=15, lr=1e-2, progress=False, device="cpu")
    side = torch.linspace(-6, 6, 241).double()
    with torch.no_grad():
        p = model.double().log_prob(torch.cartesian_prod(side, side)).exp().view(241, 241)
    assert (p.sum() * 0.05**2).item() == pytest.approx(1, abs=5e-3)
    first = p.sum(1)  # the density of one coordinate: two modes, and next to nothing between
    assert first[120] < 0.2 * min(first[:120].max(), first[121:].max())


def test_an_untrained_flow_is_its_prior_seen_through_the_logit():
    model, x = SplineFlow((1, 2, 4), hidden=8).double(), torch.rand(3, 1, 2, 4).double()
    y, log_det = model.flow.steps[0](x)
    torch.testing.assert_close(model.log_prob(x), model.prior.log_prob(y) + log_det)

"""NICE and RealNVP against the papers: what each coupling does, and what it leaves alone."""

import pytest
import torch
from pixels import numbers, pushed
from torch import nn

from course_utils.models import NICE, RealNVP
from course_utils.models.couplings import (
    AdditiveCoupling,
    AffineCoupling,
    channel_mask,
    checkerboard_mask,
    coupling_net,
)
from course_utils.models.flow_steps import Logistic, Logit, Normal, Squeezed
from course_utils.models.nice import Scaling

SIZES = dict(hidden=8, depth=1, who="")


def test_additive_couplings_preserve_volume_bit_for_bit():
    """B8: their log |det| is 0, not small; all change of volume is Σ s_i."""
    model = pushed(NICE((6,), hidden=8))
    x = numbers(5, 6)
    couplings = [step for step in model.flow.steps if isinstance(step, AdditiveCoupling)]
    (scaling,) = (step for step in model.flow.steps if isinstance(step, Scaling))
    assert len(couplings) == 4
    for coupling in couplings:
        z, log_det = coupling(x.view(5, 6, 1, 1))
        assert torch.equal(log_det, torch.zeros(5).double()) and not torch.equal(z.view(5, 6), x)
    torch.testing.assert_close(model.encode(x)[1], scaling.log_scale.sum().expand(5))
    assert scaling.log_scale.sum() != 0


@pytest.mark.parametrize("kind", [AdditiveCoupling, AffineCoupling])
@pytest.mark.parametrize("mask", [checkerboard_mask, channel_mask])
@pytest.mark.parametrize("parity", [0, 1])
def test_a_coupling_keeps_what_its_mask_says_and_reads_nothing_else(kind, mask, parity):
    shape = (2, 4, 6)
    net = coupling_net("dense", shape, 1 if kind is AdditiveCoupling else 2, **SIZES)
    coupling = pushed(kind(mask(shape, parity), net))
    x, m = numbers(1, *shape), mask(shape, parity).bool()
    z, log_det = coupling(x)
    assert torch.equal(z[0][m], x[0][m]) and (z[0][~m] != x[0][~m]).all()
    other = torch.where(m, x, numbers(2, *shape)[1:])
    moved = coupling(other)
    torch.testing.assert_close(moved[1], log_det)
    torch.testing.assert_close(coupling.inverse(z), x, rtol=0, atol=1e-12)
    torch.testing.assert_close(coupling.inverse(moved[0]), other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mask", [checkerboard_mask, channel_mask])
def test_masks_are_halves_that_take_turns(mask):
    for shape in ((1, 4, 4), (3, 5, 6), (2, 1, 3)) if mask is checkerboard_mask else ((4, 2, 2), (3, 1, 1)):
        a, b = mask(shape, 0), mask(shape, 1)
        assert torch.equal(a + b, torch.ones(shape)) and 0 < a.sum() < a.numel()
    board = checkerboard_mask((1, 4, 4), 0)[0]
    assert (board[1:] != board[:-1]).all() and (board[:, 1:] != board[:, :-1]).all()


def test_the_scale_of_an_affine_coupling_is_bounded():
    coupling = AffineCoupling(channel_mask((4, 1, 1), 0), nn.Conv2d(4, 8, 1), bound=1.5).double()
    coupling.net.weight.data.normal_(0, 100)
    log_det = coupling(numbers(200, 4, 1, 1))[1]
    assert 2.5 < log_det.abs().max() <= 2 * 1.5


def test_a_squeeze_makes_channels_of_two_by_two_blocks():
    x = torch.arange(2 * 4 * 6.0).view(1, 2, 4, 6)
    factors = torch.arange(1.0, 9.0).view(8, 1, 1).expand(8, 2, 3)
    inner = Scaling((8, 2, 3))
    inner.log_scale.data = factors.log()
    step = Squeezed(inner)
    z, log_det = step(x)
    for k, (c, i, j) in enumerate((c, i, j) for c in (0, 1) for i in (0, 1) for j in (0, 1)):
        torch.testing.assert_close(z[0, c, i::2, j::2], (k + 1) * x[0, c, i::2, j::2])
    torch.testing.assert_close(log_det, factors.log().sum()[None])
    torch.testing.assert_close(step.inverse(z), x)


@pytest.mark.parametrize("alpha", [1e-6, 0.05])
def test_the_logit_counts_its_slope(alpha):
    x = torch.rand(5, 3, dtype=torch.double)
    x[0, 0], x[0, 1] = 0.0, 1.0
    step = Logit(alpha)
    y, log_det = step(x)
    slope = torch.autograd.functional.jacobian(lambda v: step(v)[0], x).sum((2, 3))
    torch.testing.assert_close(log_det, slope.log().sum(1), rtol=0, atol=1e-9)
    assert y.isfinite().all() and (step.inverse(y) - x).abs().max() < 1e-12
    ends = step.inverse(torch.tensor([[-50.0, 50.0]]))
    assert ends.tolist() == [[0, 1]]


@pytest.mark.parametrize("prior", [Normal(), Logistic()])
def test_priors_are_densities_and_their_samples_follow_them(prior):
    z = torch.linspace(-40, 40, 80_001, dtype=torch.double)
    p = prior.log_prob(z[:, None]).exp() * 1e-3
    assert p.sum().item() == pytest.approx(1, abs=1e-9)
    variance = (z.square() * p).sum()
    drawn = prior.sample((200_000, 1), z, torch.Generator().manual_seed(0))
    assert drawn.var().item() == pytest.approx(variance.item(), rel=0.02) and drawn.dtype == torch.double
    assert abs(drawn.mean().item()) < 0.02 and drawn.isfinite().all()


@pytest.mark.parametrize("net", ["dense", "conv"])
@pytest.mark.parametrize("leaf", [NICE, RealNVP])
def test_an_untrained_flow_is_its_prior_seen_through_the_logit(leaf, net):
    """Networks start as 0. Logistic noise through a sigmoid is uniform: NICE starts at p(x) = 1."""
    model = leaf((1, 4, 4), hidden=8, net=net).double()
    x = 0.05 + 0.9 * torch.rand(6, 1, 4, 4, dtype=torch.double)
    if leaf is NICE:
        assert model.log_prob(x).abs().max() < 1e-3
    y, log_det = Logit()(x)
    torch.testing.assert_close(model.log_prob(x), model.prior.log_prob(y) + log_det, rtol=0, atol=1e-10)


def test_every_latent_depends_on_every_pixel():
    for model in (NICE((1, 4, 4), hidden=16), RealNVP((1, 4, 4), hidden=16)):
        model = pushed(model)
        x = torch.rand(1, 1, 4, 4, dtype=torch.double)
        J = torch.autograd.functional.jacobian(lambda v, model=model: model.encode(v)[0].flatten(), x)
        assert (J.view(16, 16) != 0).all()


@pytest.mark.parametrize(("patch", "far"), [(4, True), (1, False)])
def test_a_net_that_reads_patches_sees_from_corner_to_corner(patch, far):
    """One block of 3×3 convolutions: on 2×3 patches of 4×4 pixels it sees all, on 8×12 pixels it does not."""
    net = pushed(coupling_net("conv", (2, 8, 12), 1, patch=patch, **SIZES))
    x = numbers(1, 2, 8, 12).requires_grad_()
    (slope,) = torch.autograd.grad(net(x)[0, :, -1, -1].sum(), x)
    assert bool((slope[0, :, 0, 0] != 0).all()) == far and (slope[0, :, -1, -1] != 0).all()


def test_a_flow_of_nets_that_read_patches_is_undone_and_keeps_volume():
    model = pushed(NICE((2, 8, 12), net="conv", patch=4, hidden=8, depth=1))
    x = numbers(3, 2, 8, 12).sigmoid()
    z, log_det = model.encode(x)
    torch.testing.assert_close(model.decode(z), x)
    torch.testing.assert_close(log_det, Logit()(x)[1] + model.flow.steps[-1].log_scale.sum())

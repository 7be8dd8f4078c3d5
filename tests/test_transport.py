"""Wasserstein-1 on the line and on binary images: against linear programmes, product laws and known maps."""

from math import inf

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance

from course_utils.divergences import total_variation, wasserstein1_hamming, wasserstein1_line
from course_utils.universe import all_images, bars_and_stripes

SEEDS = range(5)


def law(seed, states, zeros=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(states, generator=generator, dtype=torch.float64)
    logits[torch.randperm(states, generator=generator)[:zeros]] = -inf
    return logits.log_softmax(0)


def point(state, states):
    return torch.zeros(states, dtype=torch.float64).index_fill(0, torch.tensor(state), 1).log()


def transport_cost(log_p, log_q, cost):
    """The least Σ π·cost over all couplings π of p and q, as the textbook's linear programme."""
    size = len(log_p)
    rows, columns = np.kron(np.eye(size), np.ones(size)), np.kron(np.ones(size), np.eye(size))
    marginals = np.concatenate([log_p.exp(), log_q.exp()])
    return linprog(cost.flatten(), A_eq=np.concatenate([rows, columns]), b_eq=marginals).fun


# The line


@pytest.mark.parametrize("seed", SEEDS)
def test_line_is_the_cheapest_transport(seed):
    positions = 3 * torch.randn(7, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    log_p, log_q = law(seed, 7, zeros=2), law(seed + 100, 7)
    value = wasserstein1_line(log_p, log_q, positions).item()
    assert value == pytest.approx(
        transport_cost(log_p, log_q, (positions[:, None] - positions).abs().numpy()), abs=1e-7
    )
    assert value == pytest.approx(
        wasserstein_distance(positions, positions, log_p.exp(), log_q.exp()), abs=1e-12
    )
    assert value >= abs(positions @ (log_p.exp() - log_q.exp())).item() - 1e-12


@pytest.mark.parametrize("shift", [1, 4, 9])
def test_line_a_shifted_copy_is_as_far_as_the_shift(shift):
    bump = law(0, 10).exp()
    copies = [torch.zeros(30, dtype=torch.float64) for _ in range(2)]
    copies[0][:10], copies[1][shift : shift + 10] = bump, bump
    step = 0.25
    grid = step * torch.arange(30, dtype=torch.float64)
    assert wasserstein1_line(copies[0].log(), copies[1].log(), grid).item() == pytest.approx(shift * step)


def test_line_scales_and_ignores_where_nought_lies():
    log_p, log_q, at = law(1, 6), law(2, 6), torch.tensor([3.0, 1.0, 1.0, -2.0, 8.0, 0.0])
    value = wasserstein1_line(log_p, log_q, at)
    assert wasserstein1_line(log_p, log_q, 5 - 2 * at).item() == pytest.approx(2 * value.item(), abs=1e-12)
    assert wasserstein1_line(log_p, log_q, torch.zeros(6)) == 0


@pytest.mark.parametrize(
    "positions, named",
    [
        (torch.zeros(3), "4 on cpu, got 3 on cpu"),
        (torch.tensor([0.0, 1.0, inf, 2.0]), "finite positions, got inf"),
        (torch.zeros(4, 1), "positions as a 1-D float tensor"),
        (torch.arange(4), "positions as a 1-D float tensor.*int64"),
        (torch.zeros(4, device="meta"), "4 on cpu, got 4 on meta"),
        ([0.0, 1, 2, 3], "positions as a 1-D float tensor.*list"),
    ],
)
def test_line_needs_positions(positions, named):
    with pytest.raises(ValueError, match=f"^wasserstein1_line: expected.*{named}"):
        wasserstein1_line(law(0, 4), law(1, 4), positions)


# Binary images


@pytest.mark.parametrize("pixels, zeros", [(1, 0), (2, 1), (3, 0), (3, 4), (4, 0), (4, 9)])
@pytest.mark.parametrize("seed", SEEDS)
def test_hamming_is_the_cheapest_transport(pixels, zeros, seed):
    images = all_images(1, pixels).flatten(1)
    cost = torch.cdist(images, images, p=1).numpy()
    log_p, log_q = law(seed, 2**pixels, zeros), law(seed + 100, 2**pixels)
    assert wasserstein1_hamming(log_p, log_q).item() == pytest.approx(
        transport_cost(log_p, log_q, cost), abs=1e-7
    )


@pytest.mark.parametrize("a, b", [(0, 511), (0, 0), (5, 6), (256, 1), (300, 301)])
def test_hamming_between_two_images_is_their_distance(a, b):
    value = wasserstein1_hamming(point(a, 512), point(b, 512)).item()
    assert value == pytest.approx((a ^ b).bit_count(), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_hamming_between_independent_pixels_is_the_sum_over_pixels(seed):
    a, b = torch.rand(2, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    x = all_images(3, 3).flatten(1).double()
    log_a, log_b = ((x * rate.log() + (1 - x) * (1 - rate).log()).sum(1) for rate in (a, b))
    assert wasserstein1_hamming(log_a, log_b).item() == pytest.approx((a - b).abs().sum().item(), abs=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_hamming_is_a_metric_between_its_bounds(seed):
    a, b, c = (law(10 * seed + i, 64, zeros=20) for i in range(3))
    ab, bc, ac, ba = (wasserstein1_hamming(*two) for two in ((a, b), (b, c), (a, c), (b, a)))
    assert ac <= ab + bc + 1e-9 and ab.item() == pytest.approx(ba.item(), abs=1e-9)
    tv = total_variation(a, b)
    assert tv - 1e-9 <= ab <= 6 * tv + 1e-9
    ink = all_images(2, 3).flatten(1).sum(1).double() @ (a.exp() - b.exp())
    assert ab >= ink.abs() - 1e-9


def test_hamming_knows_no_order_of_pixels_and_no_sign_of_ink():
    log_p, log_q = law(1, 64), law(2, 64)
    value = wasserstein1_hamming(log_p, log_q).item()
    for relabel in (lambda v: v.view([2] * 6).permute(3, 0, 5, 2, 1, 4).flatten(), lambda v: v.flip(0)):
        assert wasserstein1_hamming(relabel(log_p), relabel(log_q)).item() == pytest.approx(value, abs=1e-8)
    shuffled = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    other = wasserstein1_hamming(log_p[shuffled], log_q[shuffled]).item()
    assert other != pytest.approx(value, rel=1e-3)  # other relabellings move the images apart


def test_hamming_of_a_universe_and_its_noisier_self():
    calm, noisy = (bars_and_stripes(3, flip=flip).log_p for flip in (0.01, 0.05))
    extra = (0.05 - 0.01) / (1 - 2 * 0.01)  # flipping once more with this rate turns calm into noisy
    assert 0 < wasserstein1_hamming(calm, noisy) <= 9 * extra + 1e-9


@pytest.mark.parametrize("states", [1, 3, 12, 2**11])
def test_hamming_needs_a_small_cube(states):
    uniform = torch.zeros(states, dtype=torch.float64).log_softmax(0)
    with pytest.raises(
        ValueError, match=rf"wasserstein1_hamming: expected 2\^D states.*D ≤ 10, got {states}"
    ):
        wasserstein1_hamming(uniform, uniform)

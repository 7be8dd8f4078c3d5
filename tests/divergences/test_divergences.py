"""Divergences on finite spaces: brute force, linear programmes, the theorems that tie them, gradients."""

from itertools import product
from math import inf, log

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance

from course_utils.divergences import cross_entropy, entropy, js, kl, total_variation, wasserstein1_line

POSITIONS = torch.tensor([0.0, 0.3, 1.0, 4.0, 4.5, 7.0, 7.1, 20.0], dtype=torch.float64)
DISTANCES = {
    "kl": kl,
    "js": js,
    "total_variation": total_variation,
    "wasserstein1_line": lambda p, q: wasserstein1_line(p, q, POSITIONS),
}
SEEDS = range(8)
EVENTS = [*product([False, True], repeat=8)]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def distribution(seed, states=8, zeros=0, spread=2.0):
    generator = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(states, generator=generator, dtype=torch.float64)
    logits[torch.randperm(states, generator=generator)[:zeros]] = -inf
    return logits.log_softmax(0)


def pair(seed, **options):
    return distribution(2 * seed, **options), distribution(2 * seed + 1, **options)


def point(state, states=8):
    return torch.zeros(states, dtype=torch.float64).index_fill(0, torch.tensor(state), 1).log()


# Against brute force


@pytest.mark.parametrize("seed", SEEDS)
def test_entropies_and_kl_are_their_sums(seed):
    log_p, log_q = distribution(seed, zeros=seed % 4), distribution(seed + 100)
    pairs = [(a, b) for a, b in zip(log_p.exp().tolist(), log_q.exp().tolist(), strict=True) if a]
    found = [entropy(log_p), cross_entropy(log_p, log_q), kl(log_p, log_q)]
    summed = [-sum(a * log(a) for a, _ in pairs), -sum(a * log(b) for a, b in pairs)]
    assert found == pytest.approx([*summed, sum(a * log(a / b) for a, b in pairs)], abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_total_variation_is_the_largest_difference_over_all_events(seed):
    log_p, log_q = distribution(seed, zeros=seed % 3), distribution(seed + 100, zeros=seed % 4)
    difference = (log_p.exp() - log_q.exp()).tolist()
    best = max(sum(d for d, inside in zip(difference, event, strict=True) if inside) for event in EVENTS)
    assert total_variation(log_p, log_q).item() == pytest.approx(best, abs=1e-12)


# What is known of the extremes


def test_entropy_goes_from_nought_to_log_s():
    assert entropy(torch.full((8,), -log(8))).item() == pytest.approx(log(8), abs=1e-6)
    assert str(entropy(point(3)).item()) == "0.0"
    assert all(entropy(distribution(seed, zeros=4)) <= log(4) + 1e-12 for seed in SEEDS)


def test_states_of_probability_nought():
    some, all_ = distribution(0, zeros=3), distribution(1)
    assert kl(some, all_).isfinite() and kl(all_, some) == inf and cross_entropy(all_, some) == inf
    assert kl(some, some) == 0 and js(all_, some) < log(2)
    rare = torch.tensor([0.0, -800.0], dtype=torch.float64)  # e^-800 is 0 in float64, and yet possible
    assert kl(rare, point(0, 2)) == inf and js(rare, point(0, 2)) == 0


def test_disjoint_supports():
    log_p = torch.cat([distribution(0, 4), torch.full((4,), -inf, dtype=torch.float64)])
    log_q = log_p.flip(0)
    assert js(log_p, log_q).item() == pytest.approx(log(2), abs=1e-14)
    assert total_variation(log_p, log_q).item() == pytest.approx(1, abs=1e-14)
    assert kl(log_p, log_q) == inf


@pytest.mark.parametrize("name", DISTANCES)
def test_nought_only_between_equal_distributions(name):
    distance = DISTANCES[name]
    for seed in SEEDS:
        log_p, log_q = pair(seed)
        assert abs(distance(log_p, log_p)) < 1e-12
        assert distance(log_p, log_q) > 1e-4
        near = torch.logaddexp(log_p + log(1 - 1e-4), log_q + log(1e-4))
        assert 0 < distance(log_p, near) < distance(log_p, log_q)


# Theorems


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0])
def test_inequalities_between_the_distances(seed, spread):
    log_p, log_q = pair(seed, spread=spread)
    d, tv, jensen = kl(log_p, log_q), total_variation(log_p, log_q), js(log_p, log_q)
    assert tv <= (d / 2).sqrt() and tv <= (1 - (-d).exp()).sqrt()  # Pinsker; Bretagnolle and Huber
    assert tv**2 / 2 <= jensen <= log(2) * tv <= log(2)  # Lin
    transport = wasserstein1_line(log_p, log_q, POSITIONS)
    assert tv * POSITIONS.diff().min() <= transport <= tv * (POSITIONS.max() - POSITIONS.min())
    assert kl(log_p, log_q) != pytest.approx(kl(log_q, log_p).item(), rel=1e-6)


@pytest.mark.parametrize("name", ["js", "total_variation", "wasserstein1_line"])
def test_metrics(name):
    root = 0.5 if name == "js" else 1.0
    for seed in SEEDS:
        a, b, c = (distribution(3 * seed + i, zeros=2) for i in range(3))
        ab, bc, ac = (DISTANCES[name](*two) ** root for two in ((a, b), (b, c), (a, c)))
        assert ac <= ab + bc + 1e-12
        assert DISTANCES[name](b, a) ** root == pytest.approx(ab.item(), abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_products_add_and_merging_loses(seed):
    (p, q), (r, s) = pair(seed, states=4), pair(seed + 50, states=4)
    pr, qs = ((a[:, None] + b[None]).flatten() for a, b in ((p, r), (q, s)))
    assert entropy(pr).item() == pytest.approx((entropy(p) + entropy(r)).item(), abs=1e-12)
    assert kl(pr, qs).item() == pytest.approx((kl(p, q) + kl(r, s)).item(), abs=1e-12)
    for distance in (kl, js, total_variation):
        assert distance(p, q) <= distance(pr, qs) + 1e-12
        merged = [v.view(2, 2).logsumexp(1) for v in (p, q)]
        assert distance(*merged) <= distance(p, q) + 1e-12


@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_discriminator_measures_js(seed):
    log_p, log_q = pair(seed)
    p, q = log_p.exp(), log_q.exp()
    game = lambda d: (p * d.log() + q * (1 - d).log()).sum().item()  # noqa: E731
    best = p / (p + q)
    assert game(best) == pytest.approx((2 * js(log_p, log_q) - 2 * log(2)).item(), abs=1e-12)
    for other in torch.rand(50, 8, dtype=torch.float64):
        assert game(other) < game(best)


# Gradients


@pytest.mark.slow
def test_the_gradient_of_forward_kl_is_model_minus_data():
    log_p, theta = distribution(0, zeros=2), distribution(1).clone().requires_grad_()
    (by_kl,) = torch.autograd.grad(kl(log_p, theta.log_softmax(0)), theta)
    (by_nll,) = torch.autograd.grad(cross_entropy(log_p, theta.log_softmax(0)), theta)
    assert torch.allclose(by_kl, theta.detach().softmax(0) - log_p.exp(), atol=1e-15)
    torch.testing.assert_close(by_kl, by_nll, rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", DISTANCES)
def test_gradients_are_right(name):
    assert DISTANCES[name](*(v.float() for v in pair(1))).dtype == torch.float64
    a, b = (v.clone().requires_grad_() for v in pair(5))
    assert torch.autograd.gradcheck(lambda a, b: DISTANCES[name](a.log_softmax(0), b.log_softmax(0)), (a, b))


@pytest.mark.parametrize("name", DISTANCES)
def test_gradients_are_finite_where_states_are_impossible(name):
    log_p, log_q = distribution(3, zeros=3), distribution(4)
    log_q = log_q.masked_fill(log_p.argmin() == torch.arange(8), -inf).log_softmax(0)
    log_p, log_q = log_p.clone().requires_grad_(), log_q.clone().requires_grad_()
    DISTANCES[name](log_p, log_q).backward()
    assert log_p.grad.isfinite().all() and log_q.grad.isfinite().all()


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
    log_p, log_q = distribution(seed, 7, zeros=2), distribution(seed + 100, 7)
    value = wasserstein1_line(log_p, log_q, positions).item()
    cheapest = transport_cost(log_p, log_q, (positions[:, None] - positions).abs().numpy())
    assert value == pytest.approx(cheapest, abs=1e-7)
    p, q = log_p.exp(), log_q.exp()
    assert value == pytest.approx(wasserstein_distance(positions, positions, p, q), abs=1e-12)
    assert value >= abs(positions @ (p - q)).item() - 1e-12

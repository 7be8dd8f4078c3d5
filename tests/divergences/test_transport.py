"""Wasserstein-1 on the line: against linear programmes and known maps."""

from math import inf

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance

from course_utils.divergences import wasserstein1_line

SEEDS = range(5)


def law(seed, states, zeros=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(states, generator=generator, dtype=torch.float64)
    logits[torch.randperm(states, generator=generator)[:zeros]] = -inf
    return logits.log_softmax(0)


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

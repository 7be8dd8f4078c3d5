"""Bad input to a divergence: one ValueError that says who, what was expected and what came."""

from math import inf, nan

import pytest
import torch

from course_utils.divergences import (
    cross_entropy,
    entropy,
    js,
    kl,
    kl_monte_carlo,
    mean,
    total_variation,
    wasserstein1_line,
)

GOOD = torch.full((8,), 1 / 8).log()
FOUR = torch.full((4,), 1 / 4).log()
FINITE = {
    "kl": kl,
    "js": js,
    "total_variation": total_variation,
    "wasserstein1_line": lambda p, q: wasserstein1_line(p, q, torch.arange(8.0)),
    "cross_entropy": cross_entropy,
}


@pytest.mark.parametrize("name", [*FINITE, "entropy"])
@pytest.mark.parametrize(
    "bad, named",
    [
        ([0.5, 0.5], "1-D float tensor.*got list"),
        (GOOD[None], r"1-D float tensor.*float32 \(1, 8\)"),
        (torch.zeros(8, dtype=torch.int64), "1-D float tensor.*int64"),
        (torch.zeros(0), r"1 or more numbers, got torch.float32 \(0,\)"),
        (GOOD.index_fill(0, torch.tensor(2), nan), "NaN at position 2"),
        (GOOD.exp(), "sum to 1 in probability, got a sum of 9.06"),
        (GOOD + 2e-5, "sum to 1 in probability, got a sum of 1.00002"),
        (torch.full((8,), -inf), "sum to 1 in probability, got a sum of 0"),
        (GOOD.index_fill(0, torch.tensor(2), inf), "sum to 1 in probability, got a sum of inf"),
    ],
)
def test_no_distribution_is_refused(name, bad, named):
    if name == "entropy":
        calls = [lambda: entropy(bad)]
    else:
        distance = FINITE[name]
        calls = [lambda: distance(bad, GOOD), lambda: distance(GOOD, bad)]
    for call in calls:
        with pytest.raises(ValueError, match=f"^{name}: expected.*{named}"):
            call()


@pytest.mark.parametrize(
    "positions, named",
    [
        (torch.zeros(3), "4 on cpu, got 3 on cpu"),
        (torch.tensor([0.0, 1.0, inf, 2.0]), "finite positions, got inf"),
        (torch.zeros(4, 1), "positions as a 1-D float tensor"),
        (torch.arange(4), "positions as a 1-D float tensor.*int64"),
    ],
)
def test_line_needs_positions(positions, named):
    with pytest.raises(ValueError, match=f"^wasserstein1_line: expected.*{named}"):
        wasserstein1_line(FOUR, FOUR, positions)


@pytest.mark.parametrize("name", FINITE)
def test_two_distributions_must_share_their_space(name):
    distance = FINITE[name]
    with pytest.raises(ValueError, match=f"^{name}: .*8 on cpu, got 4 on cpu"):
        distance(GOOD, FOUR)
    with pytest.raises(ValueError, match=f"^{name}: .*8 on cpu, got 8 on meta"):
        distance(GOOD, GOOD.to("meta"))


@pytest.mark.parametrize(
    "own, other, named",
    [
        (FOUR[:1], FOUR[:1], r"2 or more numbers, got torch.float32 \(1,\)"),
        (FOUR, GOOD, "4 on cpu, got 8 on cpu"),
        (FOUR[None], FOUR[None], "1-D float tensor"),
        (FOUR, FOUR * nan, "NaN at position 0"),
        (FOUR - inf, FOUR, "finite at its own samples, got -inf"),
        (FOUR, FOUR + inf, "below infinity, got inf"),
        (FOUR.tolist(), FOUR, "got list"),
    ],
)
def test_monte_carlo_needs_log_densities(own, other, named):
    with pytest.raises(ValueError, match=f"^kl_monte_carlo: expected.*{named}"):
        kl_monte_carlo(own, other)


@pytest.mark.parametrize(
    "values, named",
    [
        (torch.zeros(1), r"2 or more numbers, got torch.float32 \(1,\)"),
        (torch.tensor([0.0, nan]), "NaN at position 1"),
        (torch.tensor([inf, -inf]), "both inf and -inf"),
        (torch.zeros(2, 2), "1-D float tensor"),
        (torch.tensor([1, 2]), "int64"),
    ],
)
def test_a_mean_needs_numbers(values, named):
    with pytest.raises(ValueError, match=f"^mean: expected.*{named}"):
        mean(values)

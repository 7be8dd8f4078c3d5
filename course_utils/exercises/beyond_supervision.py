"""The exercises of notebook 02: nearest centres, images from components, how well scores separate."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds, within

GENERATOR = torch.Generator().manual_seed(0)

# Points and centres
CLOUDS: Cases = {
    "four points on a line, two centres": (
        torch.tensor([[0.0], [1], [2], [9]]),
        torch.tensor([[8.0], [0.5]]),
    ),
    "twenty points of six dimensions, five centres": (
        torch.randn(20, 6, generator=GENERATOR),
        2 * torch.randn(5, 6, generator=GENERATOR),
    ),
}

# Points, a mean, and orthonormal axes
SIX, MEAN = torch.randn(6, 5, generator=GENERATOR), torch.randn(5, generator=GENERATOR)
AXES = torch.linalg.qr(torch.randn(5, 5, generator=GENERATOR))[0]
PLANES: Cases = {f"{k} of five axes": (SIX, MEAN, AXES[:k]) for k in (0, 2, 5)}

# Scores of usual and of odd examples
TIES: Cases = {"all the same": (torch.ones(3), torch.ones(2))}
SCORES: Cases = {
    **TIES,
    "all odd ones higher": (torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0, 5.0])),
    "all odd ones lower": (torch.tensor([3.0, 4.0]), torch.tensor([1.0, 2.0])),
    "some the same": (torch.tensor([1.0, 2.0, 2.0]), torch.tensor([2.0, 3.0, 0.0, 2.0])),
    "mixed": (torch.randn(40, generator=GENERATOR), 1 + torch.randn(30, generator=GENERATOR)),
}


def nearest_in_the_plane(came: Tensor, x: Tensor, mean: Tensor, axes: Tensor) -> bool:
    """Whether what came lies in the plane, and what is left over is at right angles to every axis."""
    inside = torch.allclose(came, from_components(came, mean, axes), atol=1e-3)
    return inside and bool((((x - came) @ axes.T).abs() < 1e-3).all())


@exercise(
    "Each point has a distance to every centre: a table of N rows and k columns.",
    "x[:, None] - centres has shape (N, k, D); square it, and sum over the last axis.",
    "argmin(1) of that table gives the column of the smallest: the number of the centre.",
    agrees(CLOUDS, says="it is the number of the nearest centre"),
)
def nearest_centre(x: Tensor, centres: Tensor) -> Tensor:
    """The number of the centre ``(k, D)`` nearest to each point ``(N, D)``: whole numbers ``(N,)``."""
    return (x[:, None] - centres).square().sum(2).argmin(1)


@exercise(
    "Subtract the mean, find the coordinates on the axes, and come back.",
    "The coordinates are (x - mean) @ axes.T, K numbers a point; times axes they are D numbers again.",
    "mean + (x - mean) @ axes.T @ axes.",
    holds("it is the nearest point of the plane", nearest_in_the_plane, "a point of the plane", PLANES),
    agrees(PLANES),
)
def from_components(x: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    """Points ``(N, D)`` as they are rebuilt from their coordinates on K orthonormal axes ``(K, D)``."""
    return mean + (x - mean) @ axes.T @ axes


@exercise(
    "Compare every odd score with every usual one: how often is the odd one higher?",
    "odd[:, None] - usual is a table of all differences; the mean of (table > 0) is a share.",
    "Ties count one half: ((gap > 0).double() + 0.5 * (gap == 0).double()).mean().",
    within(0, 1, SCORES, says="it lies in [0, 1]"),
    agrees(TIES, lambda usual, odd: torch.tensor(0.5), says="it is one half where all scores are equal"),
    agrees(SCORES, says="it is the share of pairs in which the odd score is higher"),
)
def auroc(usual: Tensor, odd: Tensor) -> Tensor:
    """The chance that a score out of ``odd`` is above one out of ``usual``, ties counting one half."""
    gap = odd[:, None] - usual
    return ((gap > 0).double() + 0.5 * (gap == 0).double()).mean()

"""The exercises of notebook 09: the next pixel of a fully visible model, and the sum over what is hidden."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds
from course_utils.universe import bars_and_stripes

GENERATOR = torch.Generator().manual_seed(0)

TINY = bars_and_stripes(2, flip=0.1)
PREFIXES: Cases = {
    f"2×2 images, first pixels {first}": (TINY.log_p.exp(), TINY.states.flatten(1), first)
    for first in ([], [1], [0, 1], [1, 1, 0])
}
COIN = torch.tensor([0.7, 0.3]).log()
CAUSES: Cases = {  # log p(z) and log p(x | z)
    "two causes, three images": (COIN, torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]).log()),
    "five causes, four images": (torch.arange(5.0).log_softmax(0), torch.rand(4, 5, generator=GENERATOR) - 3),
    "images of many pixels": (COIN, -torch.tensor([[900.0, 905], [1100, 1098]])),
}


def above_each_term(came: Tensor, log_prior: Tensor, log_likelihood: Tensor) -> bool:
    """Whether log p(x) is at least log p(x, z) for every z, and at most 0."""
    most = (log_prior + log_likelihood).max(1).values
    return came.shape == most.shape and bool(((came >= most - 1e-4) & (came <= 0)).all())


def largest_of_k(came: tuple[Tensor, Tensor], log_prior: Tensor, log_likelihood: Tensor) -> bool:
    """Whether each z is the number of a cause, and its p can be the largest of K that sum to 1."""
    (z, p), K = came, len(log_prior)
    return bool(((z >= 0) & (z < K) & (p >= 1 / K - 1e-4) & (p <= 1 + 1e-4)).all())


@exercise(
    "Keep the images that begin with the prefix. Their probabilities, together, are p(prefix).",
    "Among them, those whose next pixel is 1 have p(prefix, 1). Divide.",
    "fits = (x[:, :i] == torch.tensor(prefix, dtype=x.dtype)).all(1), with i = len(prefix).",
    holds("it is one probability", lambda came, *_: bool(0 < came < 1), "a number between 0 and 1", PREFIXES),
    agrees(PREFIXES, says="it is p(prefix, 1) / p(prefix)", tolerance=1e-6),
)
def next_pixel(p: Tensor, x: Tensor, prefix: list[int]) -> Tensor:
    """p(the next pixel = 1 | the first ones), from the probabilities p ``(S,)`` of images x ``(S, D)``."""
    i = len(prefix)
    fits = (x[:, :i] == torch.tensor(prefix, dtype=x.dtype)).all(1)
    return p[fits & (x[:, i] == 1)].sum() / p[fits].sum()


@exercise(
    "p(x) = Σ_z p(z) p(x | z). You have logarithms of both factors.",
    "The log of a product is a sum; the log of a sum of exp is logsumexp.",
    "In code: (log_prior + log_likelihood).logsumexp(1).",
    holds("p(x) is at least p(x, z) for any one z", above_each_term, "log p(x) ≥ log p(x, z)", CAUSES),
    agrees(CAUSES, says="it is the log of the sum over z, also for tiny p(x)"),
)
def log_marginal(log_prior: Tensor, log_likelihood: Tensor) -> Tensor:
    """log p(x) from log p(z) ``(K,)`` and log p(x | z) ``(B, K)``: ``(B,)``."""
    return (log_prior + log_likelihood).logsumexp(1)


@exercise(
    "Bayes' rule: p(z | x) = p(z) p(x | z) / p(x). You want the largest over z, and where it is.",
    "Each row of log p(z) + log p(x | z), exponentiated and divided by its sum: that is a softmax.",
    "p, z = (log_prior + log_likelihood).softmax(1).max(1); return them as z, p.",
    holds(
        "z counts the causes from 0, and p is at least 1/K", largest_of_k, "z below K, 1/K ≤ p ≤ 1", CAUSES
    ),
    agrees(CAUSES, says="it is the largest p(z | x) by Bayes' rule, also for tiny p(x)"),
)
def explain(log_prior: Tensor, log_likelihood: Tensor) -> tuple[Tensor, Tensor]:
    """The likeliest z of each x, and p(z | x) of it, from log p(z) ``(K,)`` and log p(x | z) ``(B, K)``."""
    p, z = (log_prior + log_likelihood).softmax(1).max(1)
    return z, p

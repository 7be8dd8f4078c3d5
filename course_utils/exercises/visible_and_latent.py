"""The exercises of notebook 09: the next pixel of a fully visible model, and the sum over what is hidden."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Exercise, agrees, holds
from course_utils.universe import bars_and_stripes

GENERATOR = torch.Generator().manual_seed(0)


def next_pixel(p: Tensor, x: Tensor, prefix: list[int]) -> Tensor:
    """p(the next pixel = 1 | the first ones), from the probabilities p ``(S,)`` of images x ``(S, D)``."""
    i = len(prefix)
    fits = (x[:, :i] == torch.tensor(prefix, dtype=x.dtype)).all(1)
    return p[fits & (x[:, i] == 1)].sum() / p[fits].sum()


def log_marginal(log_prior: Tensor, log_likelihood: Tensor) -> Tensor:
    """log p(x) from log p(z) ``(K,)`` and log p(x | z) ``(B, K)``: ``(B,)``."""
    return (log_prior + log_likelihood).logsumexp(1)


def explain(log_prior: Tensor, log_likelihood: Tensor) -> tuple[Tensor, Tensor]:
    """The likeliest z of each x, and p(z | x) of it, from log p(z) ``(K,)`` and log p(x | z) ``(B, K)``."""
    p, z = (log_prior + log_likelihood).softmax(1).max(1)
    return z, p


def beginnings() -> dict[str, tuple[Tensor, Tensor, list[int]]]:
    """A universe, and the first pixels of an image."""
    u = bars_and_stripes(2, flip=0.1)
    p, x = u.log_p.exp(), u.states.flatten(1)
    return {f"2×2 images, first pixels {first}": (p, x, first) for first in ([], [1], [0, 1], [1, 1, 0])}


def is_probability(came: Tensor, p: Tensor, x: Tensor, prefix: list[int]) -> bool:
    """Whether the answer is one probability that is neither sure nor impossible."""
    return torch.as_tensor(came).numel() == 1 and bool(0 < came < 1)


def causes() -> dict[str, tuple[Tensor, Tensor]]:
    """Laws of a hidden cause, and of images given each cause."""
    prior = torch.tensor([0.7, 0.3]).log()
    two = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]).log()
    many = torch.randn(5, generator=GENERATOR).log_softmax(0), torch.randn(4, 5, generator=GENERATOR) - 3
    return {
        "two causes, three images": (prior, two),
        "five causes, four images": many,
        "images of many pixels": (prior, torch.tensor([[-900.0, -905.0], [-1100.0, -1098.0]])),
    }


def above_each_term(came: Tensor, log_prior: Tensor, log_likelihood: Tensor) -> bool:
    """Whether log p(x) is at least log p(x, z) for every z, and below 0."""
    joint = log_prior + log_likelihood
    right_shape = came.shape == (len(log_likelihood),)
    return right_shape and bool((came >= joint.max(1).values - 1e-4).all() and (came <= 0).all())


def numbers_of_causes(came: tuple[Tensor, Tensor], log_prior: Tensor, log_likelihood: Tensor) -> bool:
    """Whether each z is the number of a cause, counted from 0."""
    return bool(((came[0] >= 0) & (came[0] < len(log_prior))).all())


def largest_of_a_distribution(came: tuple[Tensor, Tensor], log_prior: Tensor, log_likelihood: Tensor) -> bool:
    """Whether each probability can be the largest of K that sum to 1."""
    return bool(((came[1] >= 1 / len(log_prior) - 1e-4) & (came[1] <= 1 + 1e-4)).all())


NEXT_PIXEL = Exercise(
    next_pixel,
    (
        "Keep the images that begin with the prefix. Their probabilities, together, are p(prefix).",
        "Among them, those whose next pixel is 1 have p(prefix, 1). Divide.",
        "fits = (x[:, :i] == torch.tensor(prefix, dtype=x.dtype)).all(1), with i = len(prefix).",
    ),
    holds("it is a probability", is_probability, "a number between 0 and 1", beginnings()),
    agrees(beginnings(), says="it is p(prefix, 1) / p(prefix)", tolerance=1e-6),
)

LOG_MARGINAL = Exercise(
    log_marginal,
    (
        "p(x) = Σ_z p(z) p(x | z). You have logarithms of both factors.",
        "The log of a product is a sum; the log of a sum of exp is logsumexp.",
        "In code: (log_prior + log_likelihood).logsumexp(1).",
    ),
    holds("p(x) is at least p(x, z) for any one z", above_each_term, "log p(x) ≥ log p(x, z)", causes()),
    agrees(causes(), says="it is the log of the sum over z, also for tiny p(x)"),
)

EXPLAIN = Exercise(
    explain,
    (
        "Bayes' rule: p(z | x) = p(z) p(x | z) / p(x). You want the largest over z, and where it is.",
        "Each row of log p(z) + log p(x | z), exponentiated and divided by its sum: that is a softmax.",
        "p, z = (log_prior + log_likelihood).softmax(1).max(1); return them as z, p.",
    ),
    holds("each z is the number of a cause", numbers_of_causes, "numbers from 0 to K − 1", causes()),
    holds("the largest of K probabilities is 1/K to 1", largest_of_a_distribution, "1/K to 1", causes()),
    agrees(causes(), says="it is the largest p(z | x) by Bayes' rule, also for tiny p(x)"),
)

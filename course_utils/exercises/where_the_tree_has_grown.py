"""The exercises of notebook 20: what flow matching regresses on, and the score that a denoiser knows."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds

GENERATOR = torch.Generator().manual_seed(0)


def drawn(*shape: int) -> Tensor:
    """Normal numbers, always the same."""
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.double)


ENDS: Cases = {
    "at the noise": (drawn(3, 2), drawn(3, 2), torch.zeros(3, 1).double()),
    "at the data": (drawn(3, 2), drawn(3, 2), torch.ones(3, 1).double()),
}
LINES: Cases = {
    **ENDS,
    "a time for each": (drawn(4, 3), drawn(4, 3), torch.rand(4, 1, generator=GENERATOR).double()),
    "one dimension": (drawn(5, 1), drawn(5, 1), torch.full((5, 1), 0.3).double()),
}
ALONE: Cases = {"nothing but noise": (drawn(4, 2), torch.zeros(4, 2).double(), 0.0, 1.0)}
NOISY: Cases = {
    **ALONE,
    "half and half": (drawn(4, 2), drawn(4, 2), 0.6, 0.8),
    "nearly clean": (drawn(3, 5), drawn(3, 5), 0.995, 0.1),
}


@exercise(
    "At t = 0 you stand on x0, at t = 1 on x1, and in between on the line that joins them.",
    "The velocity is the derivative of the point in t: it does not depend on t.",
    "(1 - t) * x0 + t * x1, x1 - x0.",
    holds(
        "the line starts at the noise and ends at the data",
        lambda came, x0, x1, t: bool((came[0] - torch.where(t == 0, x0, x1)).abs().max() < 1e-9),
        "x0 at t = 0, x1 at t = 1",
        ENDS,
    ),
    holds(
        "going on with the velocity from t leads to the data at t = 1",
        lambda came, x0, x1, t: bool((came[0] + (1 - t) * came[1] - x1).abs().max() < 1e-9),
        "point + (1 − t)·velocity = x1",
        LINES,
    ),
    agrees(LINES, tolerance=1e-9),
)
def point_and_velocity(x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Where the line from x0 to x1, ``(B, D)``, is at times t ``(B, 1)``, and with which velocity."""
    return (1 - t) * x0 + t * x1, x1 - x0


@exercise(
    "For one y, log p(z | y) = −‖z − α y‖²/2σ² + constant. What is its slope in z?",
    "The slope of log p(z) is the mean of those slopes over y given z: replace y by its mean, the guess.",
    "(alpha * guess - z) / sigma**2.",
    agrees(
        ALONE, lambda z, guess, alpha, sigma: -z, says="where all is noise, p is N(0, I), and its score is −z"
    ),
    agrees(NOISY, tolerance=1e-9),
)
def score(z: Tensor, guess: Tensor, alpha: float, sigma: float) -> Tensor:
    """∇ log p(z) from the mean guess of y, for z = α y + σ ε: ``(B, D)``."""
    return (alpha * guess - z) / sigma**2

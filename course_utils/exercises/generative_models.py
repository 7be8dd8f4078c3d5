"""The exercises of notebook 03: how many images there are, and how far apart two distributions."""

from math import log10

import torch
from torch import Tensor

from course_utils.exercises.engine import Exercise, agrees_with, holds


def log10_images(height: int, width: int, channels: int, levels: int) -> float:
    """log₁₀ of the number of different images of this size, each value one of ``levels``."""
    return height * width * channels * log10(levels)


def distance(p: Tensor, q: Tensor) -> Tensor:
    """The total variation ½ Σ |p − q| between two vectors of probabilities, ``(S,)`` each."""
    return (p - q).abs().sum() / 2


def sizes() -> dict[str, tuple[int, int, int, int]]:
    """Sizes of images, small ones and those of the lecture."""
    return {
        "one binary pixel": (1, 1, 1, 2),
        "a binary 2×3 image": (2, 3, 1, 2),
        "a digit of 8×8 in 17 grey levels": (8, 8, 1, 17),
        "a 64×64 colour image": (64, 64, 3, 256),
    }


def coins() -> dict[str, tuple[Tensor, Tensor]]:
    """Pairs of laws whose total variation is known without a formula."""
    return {
        "a fair coin twice": (torch.tensor([0.5, 0.5]), torch.tensor([0.5, 0.5])),
        "two laws that share no state": (torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 0.0, 1.0])),
        "two laws that share half": (torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 0.5, 0.5])),
    }


def laws() -> dict[str, tuple[Tensor, Tensor]]:
    """Pairs of random laws on 4 and on 100 states."""
    dice = torch.Generator().manual_seed(0)
    pairs = {f"two random laws on {s} states": torch.rand(2, s, generator=dice) for s in (4, 100)}
    return {name: tuple(pair / pair.sum(1, keepdim=True)) for name, pair in pairs.items()}


LOG10_IMAGES = Exercise(
    log10_images,
    hints=(
        "How many different images has one pixel? And two pixels?",
        "n values of k levels each make kⁿ images; the logarithm turns the power into a product.",
        "n = height · width · channels, and log₁₀ kⁿ = n · log₁₀ k: use math.log10.",
    ),
    properties=(
        holds(
            "one binary pixel makes two images",
            lambda came, *size: abs(10**came - 2) < 1e-6,
            "log₁₀ 2 = 0.3010…",
            lambda: {"one binary pixel": (1, 1, 1, 2)},
        ),
        agrees_with(log10_images, sizes, tolerance=1e-6),
    ),
)

DISTANCE = Exercise(
    distance,
    hints=(
        "In each state the two laws differ by |p − q|.",
        "The sum over states counts all differences twice: what one law has more, the other has less.",
        "In code: (p - q).abs().sum() / 2.",
    ),
    properties=(
        agrees_with(distance, coins, says="it is 0 for equal laws and 1 for laws that share no state"),
        holds("it lies in [0, 1]", lambda d, p, q: bool(0 <= d <= 1 + 1e-6), "a number in [0, 1]", laws),
        agrees_with(distance, laws),
    ),
)

"""The exercises of notebook 03: how many images there are, and how far apart two distributions."""

from math import log10

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, within

GENERATOR = torch.Generator().manual_seed(0)

# Sizes of images, small ones and those of the lecture
PIXEL: Cases = {"one binary pixel": (1, 1, 1, 2)}
SIZES: Cases = {
    **PIXEL,
    "a binary 2×3 image": (2, 3, 1, 2),
    "a digit of 8×8 in 17 grey levels": (8, 8, 1, 17),
    "a 64×64 colour image": (64, 64, 3, 256),
}

# Pairs of distributions whose total variation is known without a formula
COINS: Cases = {
    "a fair coin twice": (torch.tensor([0.5, 0.5]), torch.tensor([0.5, 0.5])),
    "two distributions that share no state": (torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 0.0, 1.0])),
    "two distributions that share half": (torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 0.5, 0.5])),
}

# Random distributions on 4 and on 100 states
PAIRS: Cases = {
    f"two random distributions on {s} states": tuple(torch.rand(2, s, generator=GENERATOR).softmax(1))
    for s in (4, 100)
}


@exercise(
    "How many different images has one pixel? And two pixels?",
    "n values of k levels each make kⁿ images; the logarithm turns the power into a product.",
    "n = height · width · channels, and log₁₀ kⁿ = n · log₁₀ k: use math.log10.",
    agrees(PIXEL, lambda *size: log10(2), says="one binary pixel makes two images"),
    agrees(SIZES, tolerance=1e-6),
)
def log10_images(height: int, width: int, channels: int, levels: int) -> float:
    """log₁₀ of the number of different images of this size, each value one of ``levels``."""
    return height * width * channels * log10(levels)


@exercise(
    "In each state the two distributions differ by |p − q|.",
    "The sum over states counts all differences twice: what one has more, the other has less.",
    "In code: (p - q).abs().sum() / 2.",
    agrees(COINS, says="it is 0 for equal distributions and 1 for distributions that share no state"),
    within(0, 1, PAIRS, says="it lies in [0, 1]"),
    agrees(PAIRS),
)
def distance(p: Tensor, q: Tensor) -> Tensor:
    """The total variation ½ Σ |p − q| between two vectors of probabilities, ``(S,)`` each."""
    return (p - q).abs().sum() / 2

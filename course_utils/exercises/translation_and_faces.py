"""The exercises of notebook 06: the way there and back, and what a translation does to the meadow."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, Exercise, agrees, holds

Map = Callable[[Tensor], Tensor]


def cycle_error(G: Map, F: Map, x: Tensor, y: Tensor) -> Tensor:
    """E|F(G(x)) − x| + E|G(F(y)) − y|, each a mean over pictures, channels and pixels."""
    return (F(G(x)) - x).abs().mean() + (G(F(y)) - y).abs().mean()


def meadow_error(x: Tensor, made: Tensor, body: Tensor) -> Tensor:
    """The mean |made − x| over all that is no animal: ``body`` (N, 1, H, W) is its share of each pixel."""
    meadow = (1 - body).expand_as(x)
    return ((made - x).abs() * meadow).sum() / meadow.sum()


def twice(x: Tensor) -> Tensor:
    """2x."""
    return 2 * x


def half(x: Tensor) -> Tensor:
    """x/2."""
    return x / 2


def rest(x: Tensor) -> Tensor:
    """1 − x."""
    return 1 - x


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Uniform numbers."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


X, Y = noise(3, 3, 4, 5), noise(2, 3, 4, 5, seed=1)
INVERSE: Cases = {"F undoes G": (twice, half, X, Y), "G = F = 1 − x": (rest, rest, X, Y)}
OTHERS: Cases = {"G doubles, F is 1 − x": (twice, rest, X, Y), "G is 1 − x, F halves": (rest, half, X, Y)}
BODY = noise(3, 1, 4, 5, seed=2)
WHOLE: Cases = {"changed on the animal alone": (X, X + 0.5 * (BODY > 0.5), (BODY > 0.5).float())}
EVEN: Cases = {"everything 0.25 brighter": (X, X + 0.25, BODY)}
MIXED: Cases = {"another picture": (X, noise(3, 3, 4, 5, seed=3), BODY)}

CYCLE_ERROR = Exercise(
    cycle_error,
    (
        "G(x) looks like a y, so F can take it back: F(G(x)). How far is that from x?",
        "The distance is the mean of absolute differences, (a - b).abs().mean(). There are two cycles.",
        "In code: (F(G(x)) - x).abs().mean() + (G(F(y)) - y).abs().mean().",
    ),
    holds("it is 0 where F undoes G and G undoes F", lambda e, *_: abs(float(e)) < 1e-6, "0", INVERSE),
    agrees(OTHERS, says="it is the sum of both cycles' mean absolute errors"),
)

MEADOW_ERROR = Exercise(
    meadow_error,
    (
        "A pixel counts by how much of it is meadow: 1 - body.",
        "It is a weighted mean: the sum of weight times difference, over the sum of the weights.",
        "body has one channel and x three: (1 - body).expand_as(x) gives a weight to each.",
    ),
    holds("what happens on the animal does not count", lambda e, *_: abs(float(e)) < 1e-6, "0", WHOLE),
    agrees(EVEN, says="a change that is the same everywhere is its own mean"),
    agrees(MIXED),
)

"""The exercises of notebook 06: the way there and back, what a translation does to a meadow, mixed styles."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds

Map = Callable[[Tensor], Tensor]


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


def styles(n: int, seed: int) -> Tensor:
    """Styles of n faces on three levels."""
    return torch.randn(n, 3, 5, generator=torch.Generator().manual_seed(seed))


X, Y = noise(3, 3, 4, 5), noise(2, 3, 4, 5, seed=1)
INVERSE: Cases = {"F undoes G": (twice, half, X, Y), "G = F = 1 − x": (rest, rest, X, Y)}
OTHERS: Cases = {"G doubles, F is 1 − x": (twice, rest, X, Y), "G is 1 − x, F halves": (rest, half, X, Y)}
BODY = noise(3, 1, 4, 5, seed=2)
ON_BODY: Cases = {"changed on the animal alone": (X, X + 0.5 * (BODY > 0.5), (BODY > 0.5).float())}
EVEN: Cases = {"everything 0.25 brighter": (X, X + 0.25, BODY)}
ANOTHER: Cases = {"another picture": (X, noise(3, 3, 4, 5, seed=3), BODY)}

A, B = styles(4, 0), styles(4, 1)
ONE_ONLY: Cases = {"first = 3: all levels are a's": (A, B, 3), "first = 0: all are b's": (A, B, 0)}
MIXED: Cases = {"first = 1": (A, B, 1), "first = 2": (A, B, 2)}


@exercise(
    "G(x) looks like a y, so F can take it back: F(G(x)). How far is that from x?",
    "The distance is the mean of absolute differences, (a - b).abs().mean(). There are two cycles.",
    "In code: (F(G(x)) - x).abs().mean() + (G(F(y)) - y).abs().mean().",
    holds("it is 0 where F undoes G and G undoes F", lambda e, *_: abs(float(e)) < 1e-6, "0", INVERSE),
    agrees(OTHERS, says="it is the sum of both cycles' mean absolute errors"),
)
def cycle_error(G: Map, F: Map, x: Tensor, y: Tensor) -> Tensor:
    """E|F(G(x)) − x| + E|G(F(y)) − y|, each a mean over pictures, channels and pixels."""
    return (F(G(x)) - x).abs().mean() + (G(F(y)) - y).abs().mean()


@exercise(
    "A pixel counts by how much of it is meadow: 1 - body.",
    "It is a weighted mean: the sum of weight times difference, over the sum of the weights.",
    "body has one channel and x three: (1 - body).expand_as(x) gives a weight to each.",
    holds("what happens on the animal does not count", lambda e, *_: abs(float(e)) < 1e-6, "0", ON_BODY),
    agrees(EVEN, says="a change that is the same everywhere is its own mean"),
    agrees(ANOTHER),
)
def meadow_error(x: Tensor, made: Tensor, body: Tensor) -> Tensor:
    """The mean |made − x| over all that is no animal: ``body`` (N, 1, H, W) is its share of each pixel."""
    meadow = (1 - body).expand_as(x)
    return ((made - x).abs() * meadow).sum() / meadow.sum()


@exercise(
    "The second axis counts the levels: 0 is coarse, 1 middle, 2 fine.",
    "a[:, :first] are a's styles before the level first. What is the rest of b?",
    "In code: torch.cat([a[:, :first], b[:, first:]], 1).",
    holds(
        "the shape stays", lambda w, a, *_: w.shape == a.shape, "styles in the shape of a", ONE_ONLY | MIXED
    ),
    agrees(ONE_ONLY, says="with first = 3 it is a, with first = 0 it is b"),
    agrees(MIXED, says="coarse levels come from a, finer ones from b"),
)
def mixed_styles(a: Tensor, b: Tensor, first: int) -> Tensor:
    """Styles ``(N, levels, D)``: a's on the levels before ``first``, b's from ``first`` on."""
    return torch.cat([a[:, :first], b[:, first:]], 1)

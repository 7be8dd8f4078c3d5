"""Shirts, drawn: their outline and their pattern as functions of a place on the cloth.

The same functions paint the shirt that lies flat and the one that is worn: only the places differ. A place
(x, y) on the cloth has 0 in the middle and y downward; a shirt spans about −0.8 … 0.8 each way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor
from torch.nn.functional import pad

COLOURS = ((0.84, 0.16, 0.20), (0.95, 0.48, 0.13), (0.97, 0.77, 0.18), (0.16, 0.56, 0.33))
COLOURS += ((0.20, 0.66, 0.68), (0.17, 0.38, 0.78), (0.46, 0.27, 0.66), (0.92, 0.47, 0.62))
COLOURS += ((0.13, 0.15, 0.22), (0.93, 0.90, 0.83))
PATTERNS = ("plain", "stripes", "stripes", "stripes", "checks", "dots", "band", "sleeves")
TURNS = (0.0, pi / 2, pi / 4, -pi / 4)  # of stripes: upright, across, both diagonals
LOGOS = ("none", "disc", "ring", "square", "diamond", "star", "heart")
CUT = {"width": (0.36, 0.43), "flare": (-0.02, 0.08), "hem": (0.60, 0.74), "sleeve": (0.26, 0.50)}
CUT |= {"neck": (0.10, 0.22), "often": (2.6, 4.4), "duty": (0.40, 0.60), "logo": (0.16, 0.22)}
CUT |= {"turn": (-0.09, 0.09), "size": (0.90, 1.05), "right": (-0.08, 0.08), "down": (-0.06, 0.06)}
CHOICES = 8  # colours (4), pattern, its turn, logo, collar
VARIABLES = len(CUT) + CHOICES
SHOULDER, ARM = (0.36, -0.40), 0.5**0.5  # where a sleeve starts; both sides of its way, 45° down
TOP, LARGEST = -0.62, {"width": 0.50, "flare": 0.0, "hem": 0.77, "sleeve": 0.54}


def numbers(u: Tensor, ranges: dict[str, tuple[float, float]]) -> dict[str, Tensor]:
    """Uniform numbers ``(N, K)`` stretched over K named ranges, ``(N, 1, 1)`` each."""
    return {k: (a + (b - a) * u[:, i])[:, None, None] for i, (k, (a, b)) in enumerate(ranges.items())}


def covered(distance: Tensor, slope: Tensor | float) -> Tensor:
    """How much of each pixel a shape covers: distance < 0 inside, ``slope`` its change by a pixel."""
    return (distance / slope).neg_().add_(0.5).clamp_(0, 1)


def slope(field: Tensor) -> Tensor:
    """How much a smooth field ``(N, H, W)`` changes from one pixel to the next, at least a little."""
    here = field[:, :-1, :-1]
    down, right = field[:, 1:, :-1] - here, field[:, :-1, 1:] - here
    changes = down.mul_(down).addcmul_(right, right).sqrt_().clamp_(min=1e-3)
    return pad(changes, (0, 1, 0, 1), mode="replicate")


def by_kind(kinds: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Each kind that is among ``(N,)``, with the rows of those that are of it: no other is drawn."""
    for kind in kinds.unique().tolist():
        yield kind, (kinds == kind).nonzero()[:, 0]


@dataclass(frozen=True, eq=False)
class Cloth:
    """N shirts, each of its own cut, colours and pattern."""

    cut: dict[str, Tensor]
    choices: Tensor  # (N, CHOICES) in [0, 1)

    @classmethod
    def of(cls, u: Tensor) -> "Cloth":
        """The shirts of uniform numbers ``(N, VARIABLES)``."""
        return cls(numbers(u, CUT), u[:, len(CUT) :])

    def pick(self, i: int, n: int) -> Tensor:
        """One of n things for each shirt, ``(N,)``."""
        return (self.choices[:, i] * n).long().clamp_(max=n - 1)

    def colours(self) -> tuple[Tensor, ...]:
        """Of cloth, pattern and logo, all unlike the cloth: ``(N, 3, 1, 1)`` each; most logos are light."""
        every, k = torch.tensor(COLOURS), len(COLOURS)
        first = self.pick(0, k)
        second = (first + 1 + self.pick(1, k - 1)) % k
        white = torch.where((second == k - 1) | (first == k - 1), 8, k - 1)  # dark on what is light already
        third = torch.where(self.choices[:, 2] < 0.6, white, (first + 1 + self.pick(3, k - 1)) % k)
        return tuple(every[i][..., None, None] for i in (first, second, third))

    def flat(self, at: Tensor) -> Tensor:
        """Places in the flat picture as places on the cloth: it lies a little turned, scaled and shifted."""
        c, s, size = self.cut["turn"].cos(), self.cut["turn"].sin(), self.cut["size"]
        x, y = (at[..., 0] - self.cut["right"]) / size, (at[..., 1] - self.cut["down"]) / size
        return torch.stack([c * x + s * y, c * y - s * x], -1)

    def laid(self, on: Tensor) -> Tensor:
        """The inverse of ``flat``: where places on the cloth ``(N, H, W, 2)`` lie in the flat picture."""
        c, s, size = self.cut["turn"].cos(), self.cut["turn"].sin(), self.cut["size"]
        x, y = c * on[..., 0] - s * on[..., 1], s * on[..., 0] + c * on[..., 1]
        return torch.stack([size * x + self.cut["right"], size * y + self.cut["down"]], -1)

    def paint(self, on: Tensor) -> tuple[Tensor, Tensor]:
        """Colours ``(N, 3, H, W)`` and coverage ``(N, 1, H, W)`` of pixels at places on the cloth."""
        x, y = on.unbind(-1)
        base, second, third = self.colours()
        sleeve = sleeves(x, y, self.cut)
        step = slope(x)
        rgb = torch.lerp(base, second, self._pattern(x, y, sleeve, step)[:, None])
        rgb = rgb.mul_(covered(sleeve.abs() - 0.012, step).mul_(-0.25).add_(1)[:, None])
        rgb = rgb.lerp_(third, self._logo(x, y)[:, None])
        shape = torch.maximum(outlines(x, y, self.cut, sleeve), self._neck(x, y))
        return rgb, covered(shape, slope(shape))[:, None]

    def _neck(self, x: Tensor, y: Tensor) -> Tensor:
        """Distance into the opening for the neck, round or a V: positive inside."""
        a, b = x.abs() / 0.16, (y - TOP) / self.cut["neck"]
        is_round = self.choices[:, 7, None, None] < 0.6
        return -0.13 * torch.where(is_round, (a * a + b * b).sqrt_() - 1, a + b / 1.5 - 1)

    def _pattern(self, x: Tensor, y: Tensor, sleeve: Tensor, step: Tensor) -> Tensor:
        """How much of each pixel has the second colour; ``step`` is the slope of x."""
        turn, amount = torch.tensor(TURNS)[self.pick(5, len(TURNS))][:, None, None], torch.zeros_like(x)
        for k, rows in by_kind(self.pick(4, len(PATTERNS))):
            if (kind := PATTERNS[k]) == "sleeves":
                amount[rows] = covered(sleeve[rows], step[rows])
            elif kind != "plain":
                which = (part[rows] for part in (x, y, turn, self.cut["often"], self.cut["duty"]))
                amount[rows] = _woven(kind, *which)
        return amount

    def _logo(self, x: Tensor, y: Tensor) -> Tensor:
        """How much of each pixel has the colour of the logo on the chest."""
        amount = torch.zeros_like(x)
        for k, rows in by_kind(self.pick(6, len(LOGOS))):
            if (kind := LOGOS[k]) != "none":
                size = self.cut["logo"][rows]
                a, b = x[rows] / size, (y[rows] + 0.12) / size
                amount[rows] = covered(_emblem(kind, a, b), slope(a))
        return amount


def _woven(kind: str, x: Tensor, y: Tensor, turn: Tensor, often: Tensor, duty: Tensor) -> Tensor:
    """How much of each pixel has the second colour of stripes, checks, dots or a band."""
    if kind == "band":
        return covered((y + 0.08).abs_() - duty / 4, slope(y))
    c, s = turn.cos(), turn.sin()
    ways = often * (c * x + s * y), often * (c * y - s * x)
    one, other = ((way - way.floor()).sub_(0.5).abs_() for way in ways)  # from the middle of a stripe
    step = slope(ways[0])
    if kind == "dots":
        return covered((one * one).addcmul_(other, other).sqrt_().sub_(0.3), step)
    stripes = covered(one - duty / 2, step)
    return stripes if kind == "stripes" else (stripes + covered(other - duty / 2, step)) / 2


def _emblem(kind: str, a: Tensor, b: Tensor) -> Tensor:
    """Distance from the edge of a logo of size 1, negative inside."""
    if kind == "square":
        return torch.maximum(a.abs(), b.abs()) - 0.85
    if kind == "diamond":
        return (a.abs() + b.abs() - 1.25) / 1.4
    if kind == "heart":
        return (a * a + (0.1 - 1.2 * b - 0.7 * a.abs().sqrt()) ** 2).sqrt_() - 0.95
    r = (a * a + b * b).sqrt_()
    if kind == "ring":
        return (r - 0.75).abs_() - 0.28
    return r - 0.95 if kind == "disc" else r - 0.72 - 0.36 * torch.cos(5 * torch.atan2(a, -b))  # or a star


def sleeves(x: Tensor, y: Tensor, cut: dict[str, Tensor]) -> Tensor:
    """Distance from the edge of the nearer sleeve, negative inside."""
    a = x.abs()
    along = ARM * (a + y - SHOULDER[0] - SHOULDER[1])
    across = ARM * (y - a - SHOULDER[1] + SHOULDER[0])
    sides = across.abs_().add_(along, alpha=0.06).sub_(0.18)
    return torch.maximum(sides, torch.maximum(along - cut["sleeve"], -along))


def outlines(x: Tensor, y: Tensor, cut: dict[str, Tensor], sleeve: Tensor) -> Tensor:
    """Distance from the edge of whole shirts, negative inside, about right near the edge; no neck."""
    a = x.abs()
    top = 0.93 * (TOP - 0.38 * 0.14 + 0.38 * a - y)
    torso = torch.maximum(a - cut["width"] - cut["flare"] * y, torch.maximum(y - cut["hem"], top))
    return torch.minimum(torso, torch.maximum(sleeve, top))

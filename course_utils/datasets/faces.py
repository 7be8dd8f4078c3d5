"""Faces drawn from known factors: where a head turns, how it is built, what colours it has, a mood."""

from dataclasses import dataclass
from math import pi
from typing import NamedTuple

import torch
from torch import Tensor

from course_utils.checks import check_count, check_seed, described
from course_utils.datasets.examples import Examples

# Stops of smooth ranges of colours, from 0 to 1 of a factor; each range is walked along.
SKINS = ((0.99, 0.86, 0.76), (0.92, 0.72, 0.56), (0.76, 0.54, 0.38), (0.55, 0.36, 0.24), (0.38, 0.24, 0.17))
HAIRS = ((0.10, 0.08, 0.09), (0.30, 0.18, 0.11), (0.55, 0.25, 0.10), (0.80, 0.42, 0.14), (0.95, 0.80, 0.42))
HAIRS += ((0.80, 0.80, 0.83),)
IRISES = ((0.28, 0.16, 0.08), (0.25, 0.50, 0.25), (0.20, 0.45, 0.75))
CHUNK = 100  # pictures drawn at once
ZOOM, LOWER = 0.84, 0.06  # the frame: half its side, and how far its middle is below that of the head
Number = Tensor | float


class Factor(NamedTuple):
    """One thing that varies between faces, and independently of all others."""

    name: str
    group: str
    low: float
    high: float


FACTORS = (
    Factor("turn", "pose", -1, 1),  # to the left or to the right
    Factor("tilt", "pose", -1, 1),  # of the head, clockwise
    Factor("width", "shape", -1, 1),  # of the head
    Factor("jaw", "shape", -1, 1),  # from pointed to square
    Factor("length", "hairstyle", 0, 1),  # of the hair, down to the shoulders
    Factor("parting", "hairstyle", -1, 1),  # on which side the fringe is parted
    Factor("glasses", "glasses", 0, 1),  # worn from 0.6 on
    Factor("smile", "mood", -1, 1),  # from a frown to a smile
    Factor("brows", "mood", -1, 1),  # from angry to worried
    Factor("skin", "colours", 0, 1),
    Factor("hair", "colours", 0, 1),
    Factor("eyes", "colours", 0, 1),
    Factor("shirt", "colours", 0, 1),  # a hue
    Factor("background", "colours", 0, 1),  # a hue
)
NAMES = tuple(factor.name for factor in FACTORS)
GLASSES_FROM = 0.6


@dataclass(frozen=True, eq=False)
class Faces(Examples):
    """N drawn faces.

    Attributes:
        x: pictures ``(N, 3, side, side)``, in [0, 1].
        factors: what they were drawn from, ``(N, 14)``, in the order of ``NAMES``.
    """

    x: Tensor
    factors: Tensor


def faces(n: int, side: int = 64, *, seed: int = 0) -> Faces:
    """Draw n faces at random, all factors uniform and independent.

    The same seed gives the same faces at every size; fewer are the first of more.

    Raises:
        ValueError: n or side is not positive, side is below 16, or the seed is none.

    >>> few = faces(2, 32, seed=5)
    >>> few.x.shape, few.factors.shape, len(few)
    (torch.Size([2, 3, 32, 32]), torch.Size([2, 14]), 2)
    """
    check_count(n, "faces: n")
    generator = torch.Generator().manual_seed(check_seed(seed, "faces"))
    low, high = (torch.tensor([getattr(factor, end) for factor in FACTORS]) for end in ("low", "high"))
    factors = low + (high - low) * torch.rand(n, len(FACTORS), generator=generator)
    return Faces(draw_faces(factors, side), factors)


def draw_faces(factors: Tensor, side: int = 64) -> Tensor:
    """Faces of these factors ``(N, 14)``, as pictures ``(N, 3, side, side)`` in [0, 1].

    Raises:
        ValueError: factors are no finite float tensor (N, 14), or side is below 16.

    >>> changed = faces(1).factors.repeat(2, 1)
    >>> changed[1, NAMES.index("hair")] = 0.8
    >>> draw_faces(changed).shape
    torch.Size([2, 3, 64, 64])
    """
    fits = isinstance(factors, Tensor) and factors.is_floating_point() and factors.dim() == 2
    if not fits or factors.shape[1] != len(FACTORS) or len(factors) == 0 or not factors.isfinite().all():
        raise ValueError(f"draw_faces: expected finite factors (N, {len(FACTORS)}), got {described(factors)}")
    if check_count(side, "draw_faces: side") < 16:
        raise ValueError(f"draw_faces: expected side of at least 16, got {side}")
    return torch.cat([_draw(part, side) for part in factors.float().split(CHUNK)])


def hue(h: Tensor, light: float, strong: float) -> Tensor:
    """Colours ``(N, 3)`` around the wheel, h from 0 to 1, about a lightness."""
    angle = 2 * pi * (h[:, None] - torch.tensor([0.0, 1 / 3, 2 / 3]))
    return (light + strong * angle.cos()).clamp(0, 1)


def along(stops: tuple[tuple[float, float, float], ...], h: Tensor) -> Tensor:
    """Colours ``(N, 3)`` on the way through some stops, h from 0 to 1."""
    table, place = torch.tensor(stops), h.clamp(0, 1) * (len(stops) - 1)
    before = place.long().clamp(max=len(stops) - 2)
    return torch.lerp(table[before], table[before + 1], (place - before)[:, None])


def ellipse(x: Tensor, y: Tensor, cx: Number, cy: Number, rx: Number, ry: Number) -> Tensor:
    """Signed distance from an ellipse, right to first order at its edge (see ``shapes.ellipse``)."""
    a, b = (x - cx) / rx, (y - cy) / ry
    k = (a * a + b * b).sqrt_()
    slope = ((a / rx).square_() + (b / ry).square_()).sqrt_().clamp_(min=1e-4)
    return k.mul(k - 1).div_(slope)


def _colours(f: dict[str, Tensor]) -> dict[str, Tensor]:
    skin, hair = along(SKINS, f["skin"]), along(HAIRS, f["hair"])
    line = torch.tensor((0.13, 0.10, 0.11)).expand(len(skin), 3)
    return {
        "background": hue(f["background"], 0.74, 0.17),
        "shirt": hue(f["shirt"], 0.42, 0.27),
        "skin": skin,
        "shade": skin * torch.tensor((0.84, 0.77, 0.74)),
        "blush": torch.lerp(skin, torch.tensor((0.93, 0.35, 0.33)), 0.35),
        "lips": torch.lerp(skin, torch.tensor((0.72, 0.10, 0.16)), 0.75),
        "hair": hair,
        "dark hair": hair * 0.72,
        "light hair": torch.lerp(hair, torch.ones(3), 0.22),
        "brow": hair * 0.55,
        "iris": along(IRISES, f["eyes"]),
        "line": line,
        "frame": torch.full_like(line, 0.1),
        "white": torch.ones_like(line),
    }


class _Picture:
    """N faces under way: pixels, the factors that they are drawn from, and colours by name.

    The places of the pixels are x to the right and y down, from −1 to 1, and u and v in the frame of the
    head, which turns about the neck.
    """

    def __init__(self, factors: Tensor, side: int) -> None:
        at = ((torch.arange(side) + 0.5) * 2 / side - 1) * ZOOM
        self.x, self.y, self.side = at.view(1, 1, side), at.view(1, side, 1) + LOWER, side
        self.pixels = torch.zeros(len(factors), 3, side, side)
        numbers = dict(zip(NAMES, factors.unbind(1), strict=True))
        self.colours = _colours(numbers)
        self.f = {name: value.view(-1, 1, 1) for name, value in numbers.items()}
        angle = 0.24 * self.f["tilt"]
        cos, sin, y = angle.cos(), angle.sin(), self.y - 0.6
        self.u = self.x * cos + y * sin - 0.05 * self.f["turn"]
        self.v = y * cos - self.x * sin + 0.62
        self.width, self.middle = 0.42 + 0.07 * self.f["width"], 0.17 * self.f["turn"]

    def cover(self, distance: Tensor, soft: float = 0.0) -> Tensor:
        """How much of a pixel lies within a signed distance; ``soft``: how wide the edge is instead."""
        return distance.mul(-1 / max(soft, 2 * ZOOM / self.side)).add_(0.5).clamp_(0, 1)

    def paint(self, colour: str, cover: Tensor) -> None:
        """Lay a colour over the pixels ``(N, side, side)`` that it covers."""
        self.pixels.lerp_(self.colours[colour][:, :, None, None], cover[:, None])

    def fill(self, colour: str, distance: Tensor) -> None:
        """Lay a colour over what lies within a signed distance."""
        self.paint(colour, self.cover(distance))

    def at(self, cx: Number, cy: Number, rx: Number, ry: Number) -> Tensor:
        """Signed distance from an ellipse in the frame of the head."""
        return ellipse(self.u, self.v, cx, cy, rx, ry)

    def eye(self, side: int) -> Tensor:
        """How far across an eye is; the one on the far side is nearer to the middle."""
        return self.middle + side * 0.2 * (1 - 0.22 * side * self.f["turn"])

    def backdrop(self) -> None:
        """One hue, lighter behind the head."""
        self.pixels += self.colours["background"][:, :, None, None]
        glow = (1 - self.x**2 - (self.y + 0.1) ** 2).clamp(min=0).mul(0.35)
        self.paint("white", glow.expand(len(self.pixels), -1, -1))

    def hair_behind(self) -> None:
        """What falls behind the shoulders: a rounded block from the crown down, as long as the hair."""
        length, v, half = self.f["length"], self.v, self.width + 0.10
        u, low, wide = self.u + 0.05 * self.f["turn"], 0.05 + 0.85 * length, half + 0.05 * length
        crown = ellipse(u, v, 0.0, -0.06, half, 0.60)
        box = torch.maximum(torch.maximum(u.abs() - wide, v - low), -0.06 - v)
        corner = (
            (u.abs() - wide + 0.15).clamp(min=0) ** 2 + (v - low + 0.15).clamp(min=0) ** 2
        ).sqrt_() - 0.15
        self.fill("dark hair", torch.minimum(crown, torch.maximum(box, corner)))

    def body(self) -> None:
        """Neck, and shoulders in a shirt with an open collar."""
        x, y, lean = self.x, self.y, 0.06 * self.f["turn"]
        self.fill("shade", torch.maximum((x - lean).abs() - 0.17, 0.3 - y))
        self.fill("shirt", ellipse(x, y, 0.0, 1.16, 0.80, 0.50))
        self.fill("shade", ellipse(x, y, lean, 0.66, 0.21, 0.13))

    def head(self) -> None:
        """Ears, then an ellipse whose lower half narrows to the chin; shade on the far side; cheeks."""
        turn = self.f["turn"]
        for ear in (-1, 1):
            self.fill("shade", self.at(ear * self.width - 0.04 * turn, 0.06, 0.075, 0.12))
        lower = (self.v / 0.54).clamp(0, 1)
        narrow = 1 - (0.20 - 0.16 * self.f["jaw"]) * lower**2
        head = self.cover(ellipse(self.u / narrow, self.v, 0.0, 0.0, self.width, 0.54))
        self.paint("skin", head)
        far = torch.minimum(head, self.cover(-turn * self.u - self.width * 0.25, 0.5) * 0.6)
        self.paint("shade", far * turn.abs().clamp(max=1))
        for cheek in (-1, 1):
            at = self.at(self.middle + 0.25 * cheek, 0.2, 0.1, 0.08)
            self.paint("blush", torch.minimum(self.cover(at, 0.12) * 0.8, head))

    def eyes(self) -> None:
        """White, iris, pupil and a glint; above it a brow."""
        for side in (-1, 1):
            x, wide = self.eye(side), 0.105 * (1 - 0.15 * side * self.f["turn"])
            look = x + 0.03 * self.f["turn"]
            white = self.cover(self.at(x, 0.03, wide, 0.085))
            self.fill("line", self.at(x, 0.015, wide + 0.015, 0.09))
            self.paint("white", white)
            self.paint("iris", torch.minimum(self.cover(self.at(look, 0.03, 0.065, 0.07)), white))
            self.fill("line", self.at(look, 0.03, 0.03, 0.034))
            self.fill("white", self.at(look + 0.025, 0.0, 0.018, 0.018))
            along_brow = (self.u - x) / 0.13
            height = -0.15 + 0.035 * self.f["brows"] * side * along_brow + 0.03 * along_brow**2
            self.fill("brow", torch.maximum((self.v - height).abs() - 0.026, (self.u - x).abs() - 0.13))

    def nose_and_mouth(self) -> None:
        """A soft nose, and lips along a parabola: its ends are up in a smile, down in a frown."""
        smile = self.f["smile"]
        self.paint("shade", self.cover(self.at(self.middle * 1.25, 0.17, 0.05, 0.055), 0.04))
        across = (self.u - self.middle) / (0.17 + 0.03 * smile)
        height = 0.33 + 0.09 * smile * (0.5 - across**2)
        thick = 0.042 * (1 - 0.6 * across**2)
        self.fill("lips", torch.maximum((self.v - height).abs() - thick, (across.abs() - 1) * 0.17))

    def hair_in_front(self) -> None:
        """A cap over the skull, cut by a fringe that falls from the parting to both sides; a shine on top."""
        turn, v = self.f["turn"], self.v
        back = self.u + 0.05 * turn
        skull = ellipse(back, v, 0.0, -0.06, self.width + 0.09, 0.60)
        away = (self.u - (0.24 * self.f["parting"] + 0.1 * turn)).abs()
        fringe = v + 0.44 - 0.62 * away - 0.55 * away**2
        cap = torch.maximum(torch.maximum(skull, fringe * 0.8), v - 0.16)
        self.fill("hair", cap)
        band = ((v + 0.44 + 0.35 * (back - 0.1) ** 2).abs() - 0.035).clamp(min=-0.035)
        shine = torch.minimum(self.cover(band, 0.09), self.cover(cap + 0.05))
        self.paint("light hair", shine * self.cover(back.abs() - 0.25, 0.2))

    def glasses(self) -> None:
        """Two rings and a bridge, where they are worn."""
        worn = (self.f["glasses"] >= GLASSES_FROM).float()
        frame = torch.maximum(self.v.abs() - 0.024, (self.u - self.middle).abs() - 0.05)
        for side in (-1, 1):
            lens = self.at(self.eye(side), 0.04, 0.165, 0.15)
            self.paint("white", self.cover(lens) * 0.18 * worn)
            frame = torch.minimum(frame, lens.abs() - 0.026)
        self.paint("frame", self.cover(frame) * worn)


def _draw(factors: Tensor, side: int) -> Tensor:
    """Layer over layer, from the background to the glasses."""
    made = _Picture(factors, side)
    made.backdrop()
    made.hair_behind()
    made.body()
    made.head()
    made.eyes()
    made.nose_and_mouth()
    made.hair_in_front()
    made.glasses()
    return made.pixels

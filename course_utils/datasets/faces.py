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


class _Canvas:
    """Pictures under way, and the places of their pixels: x to the right, y down, from −1 to 1."""

    def __init__(self, n: int, side: int) -> None:
        at = ((torch.arange(side) + 0.5) * 2 / side - 1) * ZOOM
        self.x, self.y = at.view(1, 1, side), at.view(1, side, 1) + LOWER
        self.pixels, self.side = torch.zeros(n, 3, side, side), side

    def cover(self, distance: Tensor, soft: float = 0.0) -> Tensor:
        """How much of a pixel lies within a signed distance; ``soft``: how wide the edge is instead."""
        return distance.mul(-1 / max(soft, 2 * ZOOM / self.side)).add_(0.5).clamp_(0, 1)

    def paint(self, colour: Tensor, cover: Tensor) -> None:
        """Lay a colour ``(N, 3)`` over the pixels ``(N, side, side)`` that it covers."""
        self.pixels.lerp_(colour[:, :, None, None], cover[:, None])


def ellipse(x: Tensor, y: Tensor, cx: Number, cy: Number, rx: Number, ry: Number) -> Tensor:
    """Signed distance from an ellipse, right to first order at its edge (see ``shapes.ellipse``)."""
    a, b = (x - cx) / rx, (y - cy) / ry
    k = (a * a + b * b).sqrt_()
    slope = ((a / rx).square_() + (b / ry).square_()).sqrt_().clamp_(min=1e-4)
    return k.mul(k - 1).div_(slope)


def _draw(factors: Tensor, side: int) -> Tensor:
    """Layer over layer, from the background to the glasses."""
    f = {name: value.view(-1, 1, 1) for name, value in zip(NAMES, factors.unbind(1), strict=True)}
    colour = _colours(dict(zip(NAMES, factors.unbind(1), strict=True)))
    canvas = _Canvas(len(factors), side)
    _backdrop(canvas, colour)
    angle = 0.24 * f["tilt"]  # the head turns about the neck
    cos, sin, y = angle.cos(), angle.sin(), canvas.y - 0.6
    u = canvas.x * cos + y * sin - 0.05 * f["turn"]
    v = y * cos - canvas.x * sin + 0.62
    width = 0.42 + 0.07 * f["width"]
    _hair_behind(canvas, colour, f, u, v, width)
    _body(canvas, colour, f)
    _head(canvas, colour, f, u, v, width)
    middle = 0.17 * f["turn"]
    _eyes(canvas, colour, f, u, v, middle)
    _nose_and_mouth(canvas, colour, f, u, v, middle)
    _hair_in_front(canvas, colour, f, u, v, width)
    _glasses(canvas, f, u, v, middle)
    return canvas.pixels


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
        "white": torch.ones_like(line),
    }


def _backdrop(canvas: _Canvas, colour: dict[str, Tensor]) -> None:
    """One hue, lighter behind the head."""
    canvas.pixels += colour["background"][:, :, None, None]
    glow = (1 - canvas.x**2 - (canvas.y + 0.1) ** 2).clamp(min=0).mul(0.35)
    canvas.paint(colour["white"], glow.expand(len(canvas.pixels), -1, -1))


def _hair_behind(
    canvas: _Canvas, colour: dict[str, Tensor], f: dict[str, Tensor], u: Tensor, v: Tensor, width: Tensor
) -> None:
    """What falls behind the shoulders: a rounded block from the crown down, as far as the hair is long."""
    u, low, half = u + 0.05 * f["turn"], 0.05 + 0.85 * f["length"], width + 0.10
    crown = ellipse(u, v, 0.0, -0.06, half, 0.60)
    wide = half + 0.05 * f["length"]
    box = torch.maximum(u.abs() - wide, v - low)
    box = torch.maximum(box, -0.06 - v)
    corner = ((u.abs() - wide + 0.15).clamp(min=0) ** 2 + (v - low + 0.15).clamp(min=0) ** 2).sqrt_() - 0.15
    box = torch.maximum(box, corner)
    canvas.paint(colour["dark hair"], canvas.cover(torch.minimum(crown, box)))


def _body(canvas: _Canvas, colour: dict[str, Tensor], f: dict[str, Tensor]) -> None:
    """Neck, and shoulders in a shirt with an open collar."""
    x, y, lean = canvas.x, canvas.y, 0.06 * f["turn"]
    neck = torch.maximum((x - lean).abs() - 0.17, 0.3 - y)
    canvas.paint(colour["shade"], canvas.cover(neck))
    shoulders = ellipse(x, y, 0.0, 1.16, 0.80, 0.50)
    canvas.paint(colour["shirt"], canvas.cover(shoulders))
    canvas.paint(colour["shade"], canvas.cover(ellipse(x, y, lean, 0.66, 0.21, 0.13)))


def _head(
    canvas: _Canvas, colour: dict[str, Tensor], f: dict[str, Tensor], u: Tensor, v: Tensor, width: Tensor
) -> None:
    """Ears, then an ellipse whose lower half narrows to the chin; shade on the far side; cheeks."""
    for ear in (-1, 1):
        at = ellipse(u, v, ear * width - 0.04 * f["turn"], 0.06, 0.075, 0.12)
        canvas.paint(colour["shade"], canvas.cover(at))
    lower = (v / 0.54).clamp(0, 1)
    narrow = 1 - (0.20 - 0.16 * f["jaw"]) * lower**2
    head = ellipse(u / narrow, v, 0.0, 0.0, width, 0.54)
    canvas.paint(colour["skin"], canvas.cover(head))
    far = torch.minimum(canvas.cover(head), canvas.cover(-f["turn"] * u - width * 0.25, 0.5) * 0.6)
    canvas.paint(colour["shade"], far * f["turn"].abs().clamp(max=1))
    for cheek in (-1, 1):
        at = ellipse(u, v, 0.17 * f["turn"] + 0.25 * cheek, 0.2, 0.1, 0.08)
        canvas.paint(colour["blush"], torch.minimum(canvas.cover(at, 0.12) * 0.8, canvas.cover(head)))


def _eyes(
    canvas: _Canvas, colour: dict[str, Tensor], f: dict[str, Tensor], u: Tensor, v: Tensor, middle: Tensor
) -> None:
    """White, iris, pupil and a glint; above it a brow. The eye on the far side is nearer to the middle."""
    for side in (-1, 1):
        x = middle + side * 0.2 * (1 - 0.22 * side * f["turn"])
        wide = 0.105 * (1 - 0.15 * side * f["turn"])
        white = canvas.cover(ellipse(u, v, x, 0.03, wide, 0.085))
        canvas.paint(colour["line"], canvas.cover(ellipse(u, v, x, 0.015, wide + 0.015, 0.09)))
        canvas.paint(colour["white"], white)
        look = x + 0.03 * f["turn"]
        iris = canvas.cover(ellipse(u, v, look, 0.03, 0.065, 0.07))
        canvas.paint(colour["iris"], torch.minimum(iris, white))
        pupil = canvas.cover(ellipse(u, v, look, 0.03, 0.03, 0.034))
        canvas.paint(colour["line"], pupil)
        glint = canvas.cover(ellipse(u, v, look + 0.025, 0.0, 0.018, 0.018))
        canvas.paint(colour["white"], glint)
        along_brow = (u - x) / 0.13
        height = -0.15 + 0.035 * f["brows"] * side * along_brow + 0.03 * along_brow**2
        brow = torch.maximum((v - height).abs() - 0.026, (u - x).abs() - 0.13)
        canvas.paint(colour["brow"], canvas.cover(brow))


def _nose_and_mouth(
    canvas: _Canvas, colour: dict[str, Tensor], f: dict[str, Tensor], u: Tensor, v: Tensor, middle: Tensor
) -> None:
    """A soft nose, and lips along a parabola: its ends are up in a smile, down in a frown."""
    nose = ellipse(u, v, middle * 1.25, 0.17, 0.05, 0.055)
    canvas.paint(colour["shade"], canvas.cover(nose, 0.04))
    across = (u - middle) / (0.17 + 0.03 * f["smile"])
    height = 0.33 + 0.09 * f["smile"] * (0.5 - across**2)
    thick = 0.042 * (1 - 0.6 * across**2)
    canvas.paint(
        colour["lips"], canvas.cover(torch.maximum((v - height).abs() - thick, (across.abs() - 1) * 0.17))
    )


def _hair_in_front(
    canvas: _Canvas, colour: dict[str, Tensor], f: dict[str, Tensor], u: Tensor, v: Tensor, width: Tensor
) -> None:
    """A cap over the skull, cut by a fringe that falls from the parting to both sides; a shine on top."""
    back = u + 0.05 * f["turn"]
    skull = ellipse(back, v, 0.0, -0.06, width + 0.09, 0.60)
    part = 0.24 * f["parting"] + 0.1 * f["turn"]
    away = (u - part).abs()
    fringe = v + 0.44 - 0.62 * away - 0.55 * away**2
    cap = torch.maximum(torch.maximum(skull, fringe * 0.8), v - 0.16)
    canvas.paint(colour["hair"], canvas.cover(cap))
    band = ((v + 0.44 + 0.35 * (back - 0.1) ** 2).abs() - 0.035).clamp(min=-0.035)
    shine = torch.minimum(canvas.cover(band, 0.09), canvas.cover(cap + 0.05))
    canvas.paint(colour["light hair"], shine * canvas.cover(back.abs() - 0.25, 0.2))


def _glasses(canvas: _Canvas, f: dict[str, Tensor], u: Tensor, v: Tensor, middle: Tensor) -> None:
    """Two rings and a bridge, where they are worn."""
    worn = (f["glasses"] >= GLASSES_FROM).float()
    frame = None
    for side in (-1, 1):
        x = middle + side * 0.2 * (1 - 0.22 * side * f["turn"])
        lens = ellipse(u, v, x, 0.04, 0.165, 0.15)
        canvas.paint(torch.ones(len(middle), 3), canvas.cover(lens) * 0.18 * worn)
        ring = lens.abs() - 0.026
        frame = ring if frame is None else torch.minimum(frame, ring)
    bridge = torch.maximum((v - 0.0).abs() - 0.024, (u - middle).abs() - 0.05)
    canvas.paint(torch.full((len(middle), 3), 0.1), canvas.cover(torch.minimum(frame, bridge)) * worn)

"""Cats, dogs and ducks drawn at many sizes and poses at once, in coats that all of them share."""

from dataclasses import dataclass, fields
from functools import reduce
from math import pi
from typing import NamedTuple

import torch
from torch import Tensor

from course_utils.datasets import shapes
from course_utils.datasets.drawings import JOINTS, POSES, Layer

ANIMALS = ("CAT", "DOG", "DUCK")

# Shared by all animals: a colour does not tell the class.
COATS = ((0.95, 0.93, 0.89), (0.94, 0.82, 0.60), (0.90, 0.58, 0.27), (0.56, 0.37, 0.23))
COATS += ((0.63, 0.63, 0.66), (0.27, 0.26, 0.30), (0.97, 0.84, 0.33), (0.45, 0.55, 0.66))
ACCENTS = ((0.97, 0.56, 0.10), (0.96, 0.76, 0.18), (0.84, 0.36, 0.22), (0.62, 0.60, 0.34))
COLLARS = ((0.85, 0.18, 0.20), (0.20, 0.42, 0.80), (0.97, 0.56, 0.10), (0.18, 0.58, 0.36))
EYES = ((0.62, 0.80, 0.32), (0.96, 0.80, 0.25), (0.50, 0.78, 0.92))
FIXED = {"black": (0.08, 0.07, 0.09), "white": (1.0, 1.0, 1.0), "shadow": (0.0, 0.0, 0.0)}
FIXED |= {"pink": (0.96, 0.66, 0.66), "nose": (0.90, 0.45, 0.48), "tongue": (0.93, 0.45, 0.50)}
VARIABLES = 22
LINE = 0.035  # width of an outline, in units of a drawing
SHADE, SOFT = 0.32, 0.16  # darkness of a shadow; width of its edge, in units of a drawing


@dataclass(frozen=True, eq=False)
class Poses:
    """How each of N animals is drawn; every tensor has N rows."""

    label: Tensor
    kind: Tensor  # which of the drawings of its class
    size: Tensor  # pixels in a unit of the drawing
    frame: Tensor  # (N, 3) mirrored (±1), tilt (radians), width over height
    shift: Tensor  # (N, 2) of the centre, a fraction of a pixel
    head: Tensor  # (N, 4) turn, size, right, down
    tail: Tensor  # turn
    step: Tensor  # of the legs: sideways over down
    colours: dict[str, Tensor]  # (N, 5) each, as paint that covers

    def __getitem__(self, rows: Tensor) -> "Poses":
        parts = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "colours"}
        return Poses(**parts, colours={name: colour[rows] for name, colour in self.colours.items()})


class Drawn(NamedTuple):
    """The M pixels of drawings as one list.

    ``paint`` (M, 5) holds red, green and blue, each times cover; cover, with the shadow; cover without.
    """

    owner: Tensor
    row: Tensor
    column: Tensor
    paint: Tensor


def posed(u: Tensor, label: Tensor, size: Tensor) -> Poses:
    """Turn uniform numbers u (N, VARIABLES) into poses and colours."""
    v = 2 * u - 1
    return Poses(
        label=label,
        kind=(u[:, 0] * len(POSES[0])).long(),
        size=size,
        frame=torch.stack([(v[:, 1] >= 0) * 2.0 - 1, v[:, 2] * pi / 20, 1 + 0.12 * v[:, 3]], 1),
        shift=v[:, 4:6] / 2,
        head=torch.stack([v[:, 6] * pi / 14, 1 + 0.1 * v[:, 7], 0.05 * v[:, 8], 0.06 * v[:, 9]], 1),
        tail=v[:, 10] * pi / 10,
        step=v[:, 11] * 0.35,
        colours=_colours(u[:, 12:]),
    )


def _colours(u: Tensor) -> dict[str, Tensor]:
    """Coats and what goes with them, as paint (N, 5), from uniform numbers (N, 10)."""

    def pick(table: tuple, column: int) -> Tensor:
        return torch.tensor(table)[(u[:, column] * len(table)).long()]

    tint = 0.2 * (u[:, 7:8] - 0.5) + 0.1 * (u[:, 7:10] - 0.5)
    coat = (pick(COATS, 0) + tint).clamp(0.1, 1)
    other = (pick(COATS, 1) + tint).clamp(0.1, 1)
    plain = u[:, 2:3] < 0.35
    second = torch.where(plain, coat, other)
    light = torch.lerp(coat, torch.tensor((1.0, 0.97, 0.90)), 0.35 + 0.4 * u[:, 8:9])
    marked = u[:, 3:4] < 0.5
    colours = {
        "coat": coat,
        "second": second,
        "light": light,
        "shade": coat * 0.76,
        "mark": torch.where(marked, torch.lerp(coat * 0.6, other, 0.25), coat),
        "line": coat * 0.3,
        "accent": pick(ACCENTS, 4),
        "collar": pick(COLLARS, 5),
        "eye": pick(EYES, 6),
        **{name: torch.tensor(colour).expand(len(u), 3) for name, colour in FIXED.items()},
    }
    full = torch.ones(len(u), 1)
    return {name: torch.cat([colour, full, full * (name != "shadow")], 1) for name, colour in colours.items()}


def draw(poses: Poses, names: Tensor) -> Drawn:
    """Draw each of N animals about the origin of its own pixel grid; ``names`` (N,) are their owners."""
    found = []
    for label, kinds in enumerate(POSES):
        for kind, layers in enumerate(kinds):
            rows = ((poses.label == label) & (poses.kind == kind)).nonzero()[:, 0]
            if len(rows):
                found.append(_draw_kind(poses[rows], names[rows], layers, JOINTS[label][kind]))
    return Drawn(*map(torch.cat, zip(*found, strict=True)))


def _draw_kind(poses: Poses, names: Tensor, layers: tuple[Layer, ...], joints: tuple) -> Drawn:
    """Draw the animals that share one drawing, its layers one over the other."""
    maps = _maps(poses, joints)
    bounds = [_bounds(layer, maps, poses.size) for layer in layers]
    least = torch.stack([low for low, _ in bounds]).amin(0)
    most = torch.stack([high for _, high in bounds]).amax(0)
    owner, row, column = _window(least, most)
    width = most[:, 0] - least[:, 0] + 1
    many = width * (most[:, 1] - least[:, 1] + 1)
    origin = many.cumsum(0) - many - least[:, 1] * width - least[:, 0]
    paint = torch.zeros(len(owner), 5)
    outline = 0.25 + LINE * poses.size
    for layer, (low, high) in zip(layers, bounds, strict=True):
        mine, y, x = _window(low, high)
        at = origin.index_select(0, mine).add_(x).add_(y * width.index_select(0, mine))
        size = poses.size.index_select(0, mine)
        d = _distance(layer, maps, mine, x.float(), y.float()).mul_(size)
        canvas = paint.index_select(0, at)
        if layer.line:
            cover = (0.5 - d).add_(outline.index_select(0, mine)).clamp_(0, 1)
            _cover(canvas, poses.colours["line"], mine, cover)
        if layer.colour == "shadow":
            cover = (d / size).mul_(-SHADE / SOFT).clamp_(0, SHADE)
        else:
            cover = (0.5 - d).clamp_(0, 1)
        _cover(canvas, poses.colours[layer.colour], mine, cover)
        paint.index_copy_(0, at, canvas)
    paint[:, :3] *= (1.08 - 0.1 * row / poses.size[owner])[:, None]
    return Drawn(names[owner], row, column, paint)


def _cover(canvas: Tensor, colour: Tensor, owner: Tensor, cover: Tensor) -> None:
    """Lay a colour of each owner over the canvas, in place: c ← c + cover·(colour − c)."""
    over = colour.index_select(0, owner).sub_(canvas)
    canvas.addcmul_(over, cover[:, None].expand_as(over))


def _distance(layer: Layer, maps: dict[str, Tensor], owner: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Distance of pixels from the union of the parts, in units of the drawing."""
    at, distances = {}, []
    for shape, bone, numbers in layer.parts:
        if bone not in at:
            m = maps[bone].flatten(1).index_select(0, owner).unbind(1)
            at[bone] = (m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5])
        distances.append(getattr(shapes, shape)(*at[bone], *numbers))
    return reduce(torch.minimum, distances)


def _window(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """All pixels from low to high (N, 2: column, row; both inclusive), as one list: owner, row, column."""
    width, height = (high - low + 1).clamp(min=0).unbind(1)
    many = width * height
    owner = torch.arange(len(low)).repeat_interleave(many)
    place, w = torch.arange(len(owner)) - (many.cumsum(0) - many)[owner], width[owner]
    row = torch.div(place, w, rounding_mode="floor")
    return owner, row + low[:, 1][owner], place - row * w + low[:, 0][owner]


def _bounds(layer: Layer, maps: dict[str, Tensor], size: Tensor) -> tuple[Tensor, Tensor]:
    """The least box of pixels that holds a layer of each drawing with its outline: low, high (N, 2)."""
    corners = []
    for bone, (left, top, right, bottom) in layer.reach().items():
        a, b, s, c, d, t = maps[bone].flatten(1)[:, :, None].unbind(1)
        x = torch.tensor([left, right, left, right]) - s
        y = torch.tensor([top, top, bottom, bottom]) - t
        corners.append(torch.stack([d * x - b * y, a * y - c * x], 2) / (a * d - b * c)[:, :, None])
    at = torch.cat(corners, 1)  # (N, M, 2)
    margin = (0.5 + (0.25 + LINE * size if layer.line else 0 * size))[:, None]
    return (at.amin(1) - margin).ceil().long(), (at.amax(1) + margin).floor().long()


def _maps(poses: Poses, joints: tuple) -> dict[str, Tensor]:
    """Affine maps (N, 2, 3) from pixels (column, row) to the frame of each bone."""
    mirror, tilt, aspect = poses.frame.unbind(1)
    c, s = tilt.cos(), tilt.sin()
    sx, sy = mirror / (poses.size * aspect), 1 / poses.size
    root = torch.stack([c * sx, s * sx, -s * sy, c * sy], 1).reshape(-1, 2, 2)
    root = torch.cat([root, -(root @ poses.shift[:, :, None])], 2)
    head, tail, hip = joints
    none, one = torch.zeros_like(c), torch.ones_like(c)

    def moved(by: list[Tensor], joint: tuple[float, float], shift: Tensor) -> Tensor:
        pivot = torch.tensor(joint)[:, None]
        about = torch.cat([root[:, :, :2], root[:, :, 2:] - pivot - shift[:, :, None]], 2)
        out = torch.stack(by, 1).reshape(-1, 2, 2) @ about
        return torch.cat([out[:, :, :2], out[:, :, 2:] + pivot], 2)

    def turned(angle: Tensor, size: Tensor, joint: tuple[float, float], shift: Tensor) -> Tensor:
        c, s = angle.cos() / size, angle.sin() / size
        return moved([c, s, -s, c], joint, shift)

    still = torch.stack([none, none], 1)
    return {
        "root": root,
        "head": turned(poses.head[:, 0], poses.head[:, 1], head, poses.head[:, 2:]),
        "tail": turned(poses.tail, one, tail, still),
        "step": moved([one, -poses.step, none, one], (0.0, hip), still),
        "back": moved([one, poses.step, none, one], (0.0, hip), still),
    }

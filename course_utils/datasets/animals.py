"""Cats, dogs and ducks as drawings: parts on a small skeleton, posed, coloured and drawn without stairs."""

from dataclasses import dataclass, fields
from math import pi

import torch
from torch import Tensor

from course_utils.datasets import shapes
from course_utils.datasets.drawings import PIVOTS, POSES, Layer

ANIMALS = ("CAT", "DOG", "DUCK")

# Coats are shared by all animals: a colour does not tell the class.
COATS = (
    (0.95, 0.93, 0.89),
    (0.94, 0.82, 0.60),
    (0.90, 0.58, 0.27),
    (0.56, 0.37, 0.23),
    (0.63, 0.63, 0.66),
    (0.27, 0.26, 0.30),
    (0.97, 0.84, 0.33),
    (0.45, 0.55, 0.66),
)
ACCENTS = ((0.96, 0.58, 0.12), (0.93, 0.74, 0.20), (0.80, 0.36, 0.22), (0.55, 0.52, 0.30))
REACH = 1.2  # of a drawing from its centre, in its units
FIXED = {"black": (0.08, 0.07, 0.09), "white": (1.0, 1.0, 1.0), "pink": (0.95, 0.62, 0.62)}


@dataclass(frozen=True, eq=False)
class Pose:
    """How each of N animals is drawn; every field is a tensor with N rows."""

    label: Tensor
    pose: Tensor
    size: Tensor  # pixels a unit of the drawing
    mirror: Tensor
    tilt: Tensor
    aspect: Tensor
    shift: Tensor  # (N, 2) fraction of a pixel
    head: Tensor  # (N, 3) turn, dx, dy
    head_size: Tensor
    tail: Tensor
    step: Tensor
    colours: dict[str, Tensor]

    def __getitem__(self, rows: Tensor) -> "Pose":
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        parts["colours"] = {k: v[rows] for k, v in self.colours.items()}
        return Pose(**{k: v if k == "colours" else v[rows] for k, v in parts.items()})


VARIABLES = 28


def posed(u: Tensor, label: Tensor, size: Tensor) -> Pose:
    """Turn uniform numbers u (N, VARIABLES) into poses and colours."""
    v = 2 * u - 1
    coats, accents = torch.tensor(COATS), torch.tensor(ACCENTS)
    first = (u[:, 0] * len(COATS)).long()
    other = (first + 1 + (u[:, 1] * (len(COATS) - 1)).long()) % len(COATS)
    second = torch.where(u[:, 2] < 0.4, first, other)
    noise = 0.06 * v[:, 3:6]
    coat = (coats[first] + noise).clamp(0, 1)
    accent = accents[(u[:, 6] * len(ACCENTS)).long()]
    rest = {k: torch.tensor(c).expand(len(u), 3) for k, c in FIXED.items()}
    colours = {
        "coat": coat,
        "second": (coats[second] + noise).clamp(0, 1),
        "shade": coat * 0.74,
        "line": coat * 0.3,
        "accent": accent,
        "collar": accent,
        "tongue": torch.tensor((0.92, 0.42, 0.45)).expand(len(u), 3),
        **rest,
    }
    return Pose(
        label=label,
        pose=(u[:, 7] * 2).long(),
        size=size,
        mirror=torch.where(u[:, 8] < 0.5, -1.0, 1.0),
        tilt=v[:, 9] * pi / 18,
        aspect=1 + 0.12 * v[:, 10],
        shift=v[:, 11:13] / 2,
        head=torch.stack([v[:, 13] * pi / 14, 0.05 * v[:, 14], 0.06 * v[:, 15]], 1),
        head_size=1 + 0.12 * v[:, 16],
        tail=v[:, 17] * pi / 9,
        step=v[:, 18] * pi / 9,
        colours=colours,
    )


@dataclass(frozen=True, eq=False)
class Drawn:
    """The pixels of N drawings as one list of M: object, row and column (from the centre), colour, cover."""

    owner: Tensor  # (M,)
    row: Tensor  # (M,)
    column: Tensor  # (M,)
    colour: Tensor  # (3, M)
    alpha: Tensor  # (M,) cover of the animal
    shadow: Tensor  # (M,) darkness on the ground


def draw(poses: Pose, names: Tensor) -> Drawn:
    """Draw each of N animals about the origin of its own pixel grid; ``names`` (N,) are their owners."""
    found = []
    for label, kinds in enumerate(POSES):
        for kind, layers in enumerate(kinds):
            rows = ((poses.label == label) & (poses.pose == kind)).nonzero()[:, 0]
            if len(rows):
                found.append(_draw_kind(poses[rows], names[rows], layers, PIVOTS[label][kind]))
    return Drawn(*(torch.cat([getattr(d, f.name) for d in found], -1) for f in fields(Drawn)))


def _draw_kind(poses: Pose, names: Tensor, layers: tuple[Layer, ...], pivots: tuple) -> Drawn:
    """Draw the animals that share one drawing, its layers one over the other."""
    owner, row, column = _windows((poses.size * REACH).ceil().long())
    frames = _frames(poses, pivots, owner, row, column)
    unit = poses.size[owner]
    outline = 0.035 * unit + 0.25
    margin = float(0.035 + 0.8 / poses.size.min())
    x, y = frames["root"]
    light = 1.06 - 0.1 * y
    colour, alpha = poses.colours["line"][owner].T.contiguous(), torch.zeros_like(x)
    for layer in layers:
        at = _near(layer, frames, margin)
        near = {bone: (frames[bone][0][at], frames[bone][1][at]) for _, bone, _ in layer.parts}
        parts = [getattr(shapes, shape)(*near[bone], *numbers) for shape, bone, numbers in layer.parts]
        d = parts[0]
        for part in parts[1:]:
            d = torch.minimum(d, part)
        d = d * unit[at]
        cover = (0.5 - d).clamp_(0, 1)
        if layer.line:
            # Outline and filling in one step: the line shows where the outer shape is, the inner not.
            outer = (0.5 + outline[at] - d).clamp_(0, 1)
            paint = poses.colours["line"][owner[at]]
        else:
            outer, paint = cover, None
        mine, below = owner[at], colour[:, at]
        if layer.line:
            below = torch.lerp(below, paint.T, outer)
        fill = poses.colours[layer.colour][mine].T * light[at]
        colour[:, at] = torch.lerp(below, fill, cover)
        alpha[at] = torch.maximum(alpha[at], outer)
    shadow = 0.3 * (1 - ((x / 0.8) ** 2 + ((y - 0.95) / 0.14) ** 2)).clamp_(0, 1)
    return Drawn(names[owner], row, column, colour.clamp_(0, 1), alpha, shadow)


def _windows(reach: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The pixels of a square window about each drawing, as one list: owner, row, column."""
    width = 2 * reach + 1
    owner = torch.arange(len(reach)).repeat_interleave(width * width)
    start = (width * width).cumsum(0) - width * width
    place = torch.arange(len(owner)) - start[owner]
    w, r = width[owner], reach[owner]
    row = place // w
    return owner, row - r, place - row * w - r


def _near(layer: Layer, frames: dict[str, tuple[Tensor, Tensor]], margin: float) -> Tensor:
    """The pixels that a layer can reach."""
    found = None
    for bone, (left, top, right, bottom) in layer.reach().items():
        x, y = frames[bone]
        here = (x > left - margin) & (x < right + margin) & (y > top - margin) & (y < bottom + margin)
        found = here if found is None else found | here
    return found.nonzero()[:, 0]


def _frames(
    poses: Pose, pivots: tuple, owner: Tensor, row: Tensor, column: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """Coordinates of each pixel in the frame of each bone: p = A (pixel − shift), q = R(p − o)/s + pivot."""
    c, s = poses.tilt.cos(), poses.tilt.sin()
    sx, sy = poses.mirror / (poses.size * poses.aspect), 1 / poses.size
    a = torch.stack([c * sx, s * sx, -s * sy, c * sy], 1).reshape(-1, 2, 2)
    t = -(a @ poses.shift[:, :, None])
    none, one = torch.zeros_like(c), torch.ones_like(c)
    moves = {
        "head": (poses.head[:, 0], poses.head_size, poses.head[:, 1:]),
        "tail": (poses.tail, one, none[:, None]),
        "fore": (poses.step, one, none[:, None]),
        "hind": (-poses.step, one, none[:, None]),
    }
    maps = {"root": (a, t)}
    for (bone, (turn, scale, shift)), pivot in zip(moves.items(), pivots, strict=True):
        c, s = turn.cos() / scale, turn.sin() / scale
        r = torch.stack([c, s, -s, c], 1).reshape(-1, 2, 2)
        pivot = torch.tensor(pivot, dtype=torch.float32)
        maps[bone] = (r @ a, r @ (t - (pivot + shift)[:, :, None]) + pivot[:, None])
    row, column = row.float(), column.float()
    frames = {}
    for bone, (a, t) in maps.items():
        v = torch.cat([a, t], 2).flatten(1).T[:, owner]
        frames[bone] = (v[0] * column + v[1] * row + v[2], v[3] * column + v[4] * row + v[5])
    return frames

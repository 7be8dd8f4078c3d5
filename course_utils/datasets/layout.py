"""Where the objects of a scene stand, so that enough of each is seen, or so that two of them touch."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from course_utils.datasets.animals import Drawn

VISIBLE = 0.4
TRIES = 6
NOWHERE = 10**6


@dataclass(frozen=True, eq=False)
class Silhouettes:
    """The pixels that belong to K objects in each of B scenes; object i of scene b is number b·K + i."""

    owner: Tensor  # (M,)
    row: Tensor  # (M,) below the top of its box
    column: Tensor  # (M,) right of the left of its box
    box: Tensor  # (B, K, 4) left, top, right, bottom on the grid of its drawing
    size: Tensor  # (B, K, 2) width, height
    there: Tensor  # (B, K)
    area: Tensor  # (B, K)


def silhouettes(drawn: Drawn, there: Tensor) -> Silhouettes:
    """What the drawings cover at least half."""
    solid = (drawn.paint[:, 4] >= 0.5).nonzero()[:, 0]
    owner, row, column = drawn.owner[solid], drawn.row[solid], drawn.column[solid]
    sides = []
    for how, step in (("amin", 0), ("amax", 1)):
        for v in (column, row):
            sides.append(torch.zeros(there.numel(), dtype=torch.int64))
            sides[-1].scatter_reduce_(0, owner, v + step, how, include_self=False)
    box = torch.stack(sides, 1)
    row, column = row - box[owner, 1], column - box[owner, 0]
    box = box.reshape(*there.shape, 4)
    area = torch.bincount(owner, minlength=there.numel()).reshape(there.shape)
    return Silhouettes(owner, row, column, box, box[..., 2:] - box[..., :2], there, area)


def front(
    shapes: Silhouettes, corner: Tensor, side: int, scenes: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The number of who is in front at each pixel (B, S, S), −1: nobody; all ranks from the back (B, K).

    Nearer is whose feet are lower. With ``scenes`` (B,), bool, the others are left out.
    """
    b, k = shapes.there.shape
    feet = (corner[..., 1] + shapes.size[..., 1]) * k + torch.arange(k)
    rank = torch.where(shapes.there, feet, NOWHERE + torch.arange(k)).argsort(1).argsort(1)
    owner, row, column = shapes.owner, shapes.row, shapes.column
    if scenes is not None:
        at = scenes.repeat_interleave(k)[owner].nonzero()[:, 0]
        owner, row, column = owner[at], row[at], column[at]
    x, y = corner.reshape(-1, 2)[owner].unbind(1)
    flat = ((owner // k) * side + row + y) * side + column + x
    depth = rank.flatten()[owner]
    seen = torch.full((b * side * side,), -1)
    for i in range(k):
        mine = (depth == i).nonzero()[:, 0]
        seen.index_copy_(0, flat.index_select(0, mine), owner.index_select(0, mine))
    return seen.reshape(b, side, side), rank


def enough(shapes: Silhouettes, seen: Tensor) -> Tensor:
    """The scenes (B,) where at least the share VISIBLE of every object is seen."""
    visible = torch.bincount(seen.flatten() + 1, minlength=1 + shapes.there.numel())[1:]
    return (visible.reshape(shapes.area.shape) >= VISIBLE * shapes.area).all(1)


def arranged(shapes: Silhouettes, u: Tensor, horizon: Tensor, side: int, touching: bool = False) -> Tensor:
    """Upper left corners (B, K, 2) of the boxes, drawn again until enough of each object is seen.

    Objects stand anywhere below the horizon (B,), a fraction of the side; the last resort sets them apart. Of
    a touching pair the second comes from the right until it meets or covers the first, and in the last try
    only until it meets it. ``u`` are uniform numbers (B, TRIES, K, 2).
    """
    corner, todo = torch.zeros_like(shapes.size), torch.ones(len(shapes.size), dtype=torch.bool)
    line = (horizon * side).long() + side // 32  # the first row on which feet may stand
    for i in range(TRIES):
        if touching:
            place = _pair(shapes, u[:, i], line, side, deep=i < TRIES - 1)
        else:
            place = _anywhere(shapes, u[:, i], line[:, None], side)
        corner[todo] = place[todo]
        seen, _ = front(shapes, corner, side, todo)
        good = enough(shapes, seen)
        if touching:
            grown = max_pool2d((seen % 2 == 0).float()[:, None], 3, 1, 1)[:, 0] > 0
            good = good & (grown & (seen % 2 == 1) & (seen >= 0)).flatten(1).any(1)
        todo = todo & ~good
        if not bool(todo.any()):
            return corner
    if not touching:
        corner[todo] = _apart(shapes, side)[todo]
    return corner


def _anywhere(shapes: Silhouettes, u: Tensor, line: Tensor, side: int) -> Tensor:
    """Corners of boxes that stand anywhere below the line."""
    width, height = shapes.size.unbind(-1)
    highest = torch.maximum(height, line)
    x, feet = (u[..., 0] * (side - width + 1)).long(), highest + (u[..., 1] * (side - highest + 1)).long()
    return torch.stack([x, feet - height], -1)


def _pair(shapes: Silhouettes, u: Tensor, line: Tensor, side: int, deep: bool) -> Tensor:
    """Corners of two boxes in contact, the nearer of which stands below the line."""
    pair = _contact(shapes, u, side, deep)
    extent = (pair + shapes.size).amax(1)
    first = torch.stack([torch.zeros_like(line), line - extent[:, 1]], 1).clamp(min=0).minimum(side - extent)
    return pair + (first + (u[:, 1] * (side - extent - first + 1)).long())[:, None]


def _apart(shapes: Silhouettes, side: int) -> Tensor:
    """Corners of boxes in the middle of halves (two objects) or quarters (more) of the picture."""
    i = torch.arange(shapes.there.shape[1])
    few = shapes.there.sum(1, keepdim=True) <= 2
    x = torch.where(i % 2 == 0, side // 4, side - side // 4).expand_as(shapes.there)
    y = torch.where(few, side // 2, torch.where(i < 2, side // 4, side - side // 4))
    corner = torch.stack([x, y], -1) - shapes.size // 2
    return corner.clamp(min=0).minimum(side - shapes.size)


def _contact(shapes: Silhouettes, u: Tensor, side: int, deep: bool) -> Tensor:
    """Slide from the right by the least gap, row by row, between a right edge and a left edge."""
    b = len(shapes.there)
    width, height = shapes.size.unbind(-1)
    lift = ((u[:, 0, 0] - 0.5) * 0.7 * height.min(1).values).long()
    top = torch.stack([torch.zeros_like(lift), height[:, 0] - height[:, 1] + lift], 1)
    row = shapes.row + top.flatten()[shapes.owner] + side  # of 3S: a lifted object stays inside
    place = shapes.owner // 2 * 3 * side + row
    edges = []
    for which, how, start in ((0, "amax", -NOWHERE), (1, "amin", NOWHERE)):
        mine = shapes.owner % 2 == which
        edge = torch.full((b * 3 * side,), start)
        edges.append(edge.scatter_reduce_(0, place[mine], shapes.column[mine], how).reshape(b, -1))
    gap = (edges[1] - edges[0]).min(1).values
    over = (u[:, 0, 1] * 0.35 * width.min(1).values).long() if deep else torch.zeros_like(gap)
    over = over.maximum(1 - gap + width[:, 1] - side)  # both must find room
    corner = torch.stack([torch.stack([torch.zeros_like(gap), 1 - gap - over], 1), top], -1)
    return corner - corner.amin(1, keepdim=True)

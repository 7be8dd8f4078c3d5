"""Signed distances of simple shapes, in closed form, at many points at once.

A signed distance d is negative inside a shape and positive outside (Quílez, "2D distance functions").
The least of several is the distance of their union; d + w is the shape shrunk by w. With d in pixels,
``clamp(1/2 − d, 0, 1)`` is how much of a pixel the shape covers: an edge without stairs.
"""

from functools import reduce
from math import cos, hypot, radians, sin

import torch
from torch import Tensor


def ellipse(x: Tensor, y: Tensor, cx: float, cy: float, rx: float, ry: float, turn: float = 0) -> Tensor:
    """Distance from an ellipse of radii rx, ry, turned by ``turn`` degrees; exact for a circle."""
    x, y = x - cx, y - cy
    if turn:
        c, s = cos(radians(turn)), sin(radians(turn))
        x, y = c * x + s * y, c * y - s * x
    if rx == ry:
        return (x * x + y * y).sqrt_().sub_(rx)
    a, b = x / rx, y / ry
    k = (a * a).addcmul_(b, b).sqrt_()
    slope = (a / rx).square_().add_((b / ry).square_()).sqrt_().clamp_(min=1e-6)
    # k(k − 1)/|∇k²/2|: right to first order at the edge; at the centre, −min(rx, ry) within a factor.
    return torch.where(k > 1e-3, k * (k - 1) / slope, -min(rx, ry))


def capsule(
    x: Tensor, y: Tensor, ax: float, ay: float, bx: float, by: float, ra: float, rb: float | None = None
) -> Tensor:
    """Distance from a line from a to b that is thick: radius ra at a, rb at b.

    >>> capsule(torch.tensor([1.0]), torch.tensor([2.0]), 0, 0, 2, 0, 0.5).tolist()
    [1.5]
    """
    dx, dy = bx - ax, by - ay
    x, y = x - ax, y - ay
    t = (x * dx).add_(y, alpha=dy).div_(dx * dx + dy * dy).clamp_(0, 1)
    d = (x - t * dx).square_().add_((y - t * dy).square_()).sqrt_()
    return d.sub_(ra) if rb is None else d.sub_(t, alpha=rb - ra).sub_(ra)


def polygon(x: Tensor, y: Tensor, *corners: float) -> Tensor:
    """Distance from a convex polygon with corners x₁, y₁, x₂, y₂, …."""
    points = list(zip(corners[::2], corners[1::2], strict=True))
    pairs = list(zip(points, points[1:] + points[:1], strict=True))
    area = sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs)
    inside, outside = [], []
    for (ax, ay), (bx, by) in pairs:
        scale = hypot(bx - ax, by - ay) * (1 if area > 0 else -1)
        nx, ny = (by - ay) / scale, (ax - bx) / scale
        inside.append((x * nx).add_(y, alpha=ny).sub_(ax * nx + ay * ny))
        outside.append(capsule(x, y, ax, ay, bx, by, 0))
    behind = reduce(torch.maximum, inside)
    return torch.where(behind < 0, behind, reduce(torch.minimum, outside))

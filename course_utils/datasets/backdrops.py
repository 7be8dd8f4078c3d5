"""Backdrops of scenes: meadow, autumn, water, beach or room, with gradients, clouds and soft texture."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

# Colours of the sky or wall (top, bottom), of the ground (far, near), and of the specks on it.
PALETTES = (
    ((0.40, 0.67, 0.95), (0.85, 0.93, 0.99), (0.58, 0.78, 0.42), (0.35, 0.60, 0.26), (1.0, 0.97, 0.85)),
    ((0.95, 0.68, 0.50), (1.00, 0.90, 0.72), (0.64, 0.66, 0.36), (0.45, 0.50, 0.24), (0.98, 0.80, 0.35)),
    ((0.58, 0.80, 0.96), (0.92, 0.96, 0.97), (0.44, 0.72, 0.84), (0.22, 0.50, 0.70), (0.90, 0.97, 1.0)),
    ((0.48, 0.75, 0.94), (0.88, 0.95, 0.97), (0.94, 0.87, 0.69), (0.85, 0.74, 0.53), (1.0, 0.98, 0.92)),
    ((0.86, 0.83, 0.76), (0.94, 0.92, 0.87), (0.74, 0.56, 0.40), (0.60, 0.42, 0.28), (0.72, 0.52, 0.36)),
    ((0.70, 0.80, 0.76), (0.84, 0.90, 0.86), (0.68, 0.66, 0.66), (0.54, 0.52, 0.54), (0.62, 0.60, 0.62)),
    ((0.66, 0.62, 0.86), (0.97, 0.84, 0.88), (0.62, 0.56, 0.68), (0.42, 0.38, 0.52), (0.90, 0.80, 0.95)),
)
GRIDS = ((5, 5), (7, 5), (17, 17))  # random numbers down and across: hills, clouds, texture
FIRST = 5
VARIABLES = FIRST + sum(h * w for h, w in GRIDS)


def backdrops(u: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Uniform numbers u (N, VARIABLES) as pictures (N, 3, side, side), and how low the sky comes (N,)."""
    n = len(u)
    palette = torch.tensor(PALETTES)[(u[:, 0] * len(PALETTES)).long()]
    tint = torch.cat([(0.1 * (u[:, 1:4] - 0.5))[:, None].expand(-1, 4, -1), torch.zeros(n, 1, 3)], 1)
    top, bottom, far, near, speck = (palette + tint).clamp(0, 1)[..., None, None].unbind(1)
    horizon = 0.25 + 0.35 * u[:, 4]
    hills, clouds, texture = (
        _weights(h, side) @ v.reshape(n, 1, h, w) @ _weights(w, side).T
        for v, (h, w) in zip(u[:, FIRST:].split([h * w for h, w in GRIDS], 1), GRIDS, strict=True)
    )
    y = ((torch.arange(side) + 0.5) / side)[:, None]
    line = horizon[:, None, None, None] + 0.12 * (hills[:, :, side // 2 : side // 2 + 1] - 0.5)
    edge = ((y - line) * side + 0.5).clamp_(0, 1)
    sky = torch.lerp(top, bottom, (y / line).clamp_(0, 1))
    ground = torch.lerp(far, near, ((y - line) / (1 - line)).clamp_(0, 1))
    white = (clouds - 0.5).mul_(1.8).clamp_(0, 0.7) * (1 - y)
    sky = torch.lerp(sky, torch.ones(1), white)
    ground = torch.lerp(ground, speck, (texture - 0.97).mul_(10).clamp_(0, 0.8))
    grain = torch.lerp(0.04 * (hills - 0.5), 0.09 * (texture - 0.5) + 0.06 * (hills - 0.5), edge)
    return torch.lerp(sky, ground, edge).add_(grain).clamp_(0, 1), line.flatten(1).amax(1)


def _weights(points: int, side: int) -> Tensor:
    """Bicubic interpolation from points to pixels, as a matrix (side, points)."""
    eye = torch.eye(points)[None, None]
    return interpolate(eye, (side, points), mode="bicubic", align_corners=True)[0, 0]

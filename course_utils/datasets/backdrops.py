"""Backdrops of scenes: sky and meadow, pond, beach, room, with gradients and soft texture."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

# Colours of the sky or wall (top, bottom) and of the ground (far, near).
PALETTES = (
    ((0.45, 0.70, 0.95), (0.83, 0.92, 0.98), (0.55, 0.75, 0.40), (0.36, 0.60, 0.27)),
    ((0.95, 0.70, 0.50), (0.99, 0.88, 0.70), (0.62, 0.66, 0.36), (0.45, 0.50, 0.24)),
    ((0.62, 0.83, 0.96), (0.90, 0.95, 0.95), (0.40, 0.68, 0.80), (0.22, 0.50, 0.68)),
    ((0.50, 0.76, 0.93), (0.86, 0.94, 0.96), (0.93, 0.86, 0.68), (0.85, 0.74, 0.53)),
    ((0.86, 0.84, 0.78), (0.93, 0.91, 0.86), (0.74, 0.56, 0.40), (0.62, 0.44, 0.30)),
    ((0.72, 0.80, 0.76), (0.82, 0.88, 0.84), (0.68, 0.66, 0.66), (0.55, 0.53, 0.55)),
    ((0.78, 0.72, 0.84), (0.90, 0.86, 0.92), (0.62, 0.50, 0.56), (0.50, 0.38, 0.46)),
)
COARSE, FINE = 5, 17
VARIABLES = 8 + COARSE**2 + FINE**2


def backdrops(u: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Turn uniform numbers u (N, VARIABLES) into pictures (N, 3, side, side) and horizons (N,) in (0, 1)."""
    n = len(u)
    chosen = torch.tensor(PALETTES)[(u[:, 0] * len(PALETTES)).long()]  # (N, 4, 3)
    chosen = (chosen + 0.1 * (u[:, 1:4] - 0.5)[:, None]).clamp(0, 1)[..., None, None]
    horizon = 0.25 + 0.35 * u[:, 4]
    coarse = u[:, 8 : 8 + COARSE**2].reshape(n, 1, COARSE, COARSE)
    fine = u[:, 8 + COARSE**2 :].reshape(n, 1, FINE, FINE)
    soft = _grown(coarse, side)
    rough = _grown(fine, side)
    y = ((torch.arange(side) + 0.5) / side)[:, None]
    line = horizon[:, None, None, None] + 0.12 * (soft[:, :, side // 2 : side // 2 + 1] - 0.5)
    above = (y / line).clamp(0, 1)
    below = ((y - line) / (1 - line)).clamp(0, 1)
    sky = torch.lerp(chosen[:, 0], chosen[:, 1], above)
    ground = torch.lerp(chosen[:, 2], chosen[:, 3], below)
    edge = ((y - line) * side + 0.5).clamp(0, 1)
    x = torch.lerp(sky + 0.10 * (soft - 0.5), ground + 0.12 * (rough - 0.5) + 0.06 * (soft - 0.5), edge)
    return x.clamp(0, 1), horizon


def _grown(noise: Tensor, side: int) -> Tensor:
    return interpolate(noise, (side, side), mode="bicubic", align_corners=True)

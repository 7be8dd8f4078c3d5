"""The exercises of notebook 13: change of variables, couplings, and the bits of a density."""

from collections.abc import Callable
from math import log

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise

SAME_SIZE: Cases = {"z = x + 5": (torch.tensor([-1.0, -2.0]), torch.ones(2))}
SLOPES: Cases = {
    "z = 2x": (torch.tensor([-1.0, 0.5]), torch.tensor([2.0, 2.0])),
    "z = x/4": (torch.tensor([-1.0, 0.5]), torch.tensor([0.25, 0.25])),
    "z = −3x": (torch.tensor([-2.0]), torch.tensor([-3.0])),
}
POINTS = torch.tensor([[0.5, 2.0], [-1.0, 0.0], [2.0, -3.0]])
SHIFTED: Cases = {"t = sin": (POINTS, torch.sin), "t = square": (POINTS, torch.square)}
SCALES: Cases = {
    f"s of {d} dimensions": (torch.randn(4, d, generator=torch.Generator().manual_seed(d)),) for d in (1, 3)
}
# The uniform density on [0, 1]^D: every level equally likely, log₂ L bits each
UNIFORM: Cases = {f"{levels} levels": (torch.zeros(2), 64, levels) for levels in (2, 16, 256)}
LOG_P = torch.tensor([85.0, 90.5, -3.0])  # such as flows give
SCORED: Cases = {"8×8 digits": (LOG_P, 64, 17), "28×28 digits": (20 * LOG_P, 784, 256)}


@exercise(
    "Probability is conserved: p(x) |dx| = p(z) |dz|.",
    "So p(x) = p(z) · |dz/dx|; take the logarithm of both sides.",
    "In code: log_p_z + dz_dx.abs().log().",
    agrees(SAME_SIZE, says="a map that only moves leaves the density as it is"),
    agrees(SLOPES),
)
def log_density_of_x(log_p_z: Tensor, dz_dx: Tensor) -> Tensor:
    """log p(x) of z = f(x) in one dimension, from log p(z) and the derivative dz/dx, ``(B,)`` each."""
    return log_p_z + dz_dx.abs().log()


@exercise(
    "The first coordinate has not moved: x_1 = z_1.",
    "So t(x_1) = t(z_1) is known, and x_2 = z_2 − t(z_1). Nobody has to invert t.",
    "In code: torch.stack([z[:, 0], z[:, 1] - t(z[:, 0])], 1).",
    agrees(SHIFTED, says="the first coordinate stays, and coupling what comes back gives z again"),
)
def undo_coupling(z: Tensor, t: Callable[[Tensor], Tensor]) -> Tensor:
    """x from z ``(B, 2)``, where z_1 = x_1 and z_2 = x_2 + t(x_1)."""
    z_1, z_2 = z[:, 0], z[:, 1]
    return torch.stack([z_1, z_2 - t(z_1)], 1)


@exercise(
    "The Jacobian is triangular: its determinant is the product of the diagonal.",
    "On the diagonal stand ones for A and exp(s_i) for B.",
    "log Π exp(s_i) = Σ s_i, for each example of the batch: s.sum(1).",
    agrees(SCALES),
)
def affine_log_det(s: Tensor) -> Tensor:
    """log |det| of z_A = x_A, z_B = x_B · exp(s(x_A)) + t(x_A), from s ``(B, d)`` to ``(B,)``."""
    return s.sum(1)


@exercise(
    "A level fills a cell of width 1/L in each dimension: P ≈ p · L^(−D).",
    "So −log P ≈ −log p + D log L nats; divide by D, and by log 2 for bits.",
    "In code: (-log_p / dims + log(levels)) / log(2).",
    agrees(UNIFORM, says="the uniform density costs log₂ L bits per dimension"),
    agrees(SCORED),
)
def density_to_bits(log_p: Tensor, dims: int, levels: int) -> Tensor:
    """Bits/dim of grey values whose dequantised version (v + u)/levels has the log-density log_p, in nats."""
    return (-log_p / dims + log(levels)) / log(2)

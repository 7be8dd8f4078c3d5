"""The exercises of notebook 15: one RK4 step, Hutchinson's estimate, and the density along a flow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import cos, exp

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds
from course_utils.universe import all_images

GENERATOR = torch.Generator().manual_seed(0)


@dataclass(frozen=True)
class Field:
    """A velocity f(t, z) that shows its formula."""

    formula: str
    velocity: Callable[[float, Tensor], Tensor] = field(repr=False)

    def __call__(self, t: float, z: Tensor) -> Tensor:
        """f(t, z)."""
        return self.velocity(t, z)


Z = torch.tensor([[1.0, -0.5], [0.25, 2.0]], dtype=torch.double)
GROWTH: Cases = {"growth": (Field("z", lambda t, z: z), 0.0, Z, 0.5)}
CUBIC: Cases = {"time alone": (Field("3t²", lambda t, z: 3 * t**2 + 0 * z), 1.0, Z, 0.5)}
STEPS: Cases = {
    **GROWTH,
    **CUBIC,
    "both": (Field("z cos t", lambda t, z: z * cos(t)), 0.3, Z, 0.4),
    "backwards": (Field("t − z²", lambda t, z: t - z**2), 1.0, Z, -0.25),
}
SIGNS = {d: (2 * all_images(1, d) - 1).double().view(-1, d) for d in (2, 4)}  # all sign vectors
SQUARES: Cases = {
    "a diagonal 2×2 matrix": (torch.tensor([[3.0, 0.0], [0.0, -1.0]]).double(), SIGNS[2]),
    "a rotation": (torch.tensor([[0.0, -1.0], [1.0, 0.0]]).double(), SIGNS[2]),
    "a random 4×4 matrix": (torch.randn(4, 4, generator=GENERATOR, dtype=torch.double), SIGNS[4]),
}
MOMENTS: Cases = {
    "an expanding and a contracting flow": (*torch.tensor([[0.0, -1.0], [2.0, -3.0]]).double(), 0.1),
    "five points": (*torch.randn(2, 5, generator=GENERATOR, dtype=torch.double), 0.05),
}


@exercise(
    "Four slopes: one at the start, two in the middle, one at the end; each is reached along the last.",
    "k2 = f(t + h/2, z + h/2 · k1), and k3 likewise along k2; k4 = f(t + h, z + h · k3).",
    "The mean slope is (k1 + 2 k2 + 2 k3 + k4) / 6; move along it for a time h.",
    agrees(CUBIC, lambda f, t, z, h: z + (t + h) ** 3 - t**3, says="for f = 3t² the step is exact"),
    agrees(GROWTH, lambda f, t, z, h: z * exp(h), says="for f = z it is nearly exp(h) z", tolerance=5e-4),
    agrees(STEPS, tolerance=1e-9),
)
def rk4_step(f: Callable[[float, Tensor], Tensor], t: float, z: Tensor, h: float) -> Tensor:
    """One step of RK4 for dz/dt = f(t, z): from z at time t to time t + h."""
    k1 = f(t, z)
    k2 = f(t + h / 2, z + h / 2 * k1)
    k3 = f(t + h / 2, z + h / 2 * k2)
    k4 = f(t + h, z + h * k3)
    return z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


@exercise(
    "εᵀAε is a number: Σ_ij ε_i A_ij ε_j.",
    "For all rows at once: noise @ A gives εᵀA, row by row.",
    "In code: ((noise @ A) * noise).sum(1).",
    holds(
        "the mean over all sign vectors is the trace",
        lambda came, A, noise: bool((came.mean() - A.trace()).abs() < 1e-6),
        "the sum of the diagonal, in the mean",
        SQUARES,
    ),
    agrees(SQUARES, tolerance=1e-9),
)
def trace_estimates(A: Tensor, noise: Tensor) -> Tensor:
    """εᵀAε for every row ε of noise ``(N, D)``, with A ``(D, D)``: ``(N,)``."""
    return torch.einsum("ni,ij,nj->n", noise, A, noise)


@exercise(
    "Where the flow spreads points apart (trace > 0) the same mass fills more room.",
    "d log p/dt = −Tr ∂f/∂z; a short time h later the change is h times that.",
    "log_p - h * trace.",
    holds(
        "density falls where the flow expands, and rises where it contracts",
        lambda came, log_p, trace, h: bool(((came < log_p) == (trace > 0)).all()),
        "less where the trace is positive",
        MOMENTS,
    ),
    agrees(MOMENTS, tolerance=1e-9),
)
def next_log_p(log_p: Tensor, trace: Tensor, h: float) -> Tensor:
    """log p of moving points a short time h later, from log p and Tr ∂f/∂z now, ``(B,)`` each."""
    return log_p - h * trace

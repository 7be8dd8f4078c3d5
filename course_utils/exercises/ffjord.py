"""The exercises of notebook 15: one RK4 step, Hutchinson's estimate, and the density along a flow."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, exp

import torch
from torch import Tensor

from course_utils.exercises.engine import Exercise, agrees, agrees_with, holds
from course_utils.universe import all_images

GENERATOR = torch.Generator().manual_seed(0)


def rk4_step(f: Callable[[float, Tensor], Tensor], t: float, z: Tensor, h: float) -> Tensor:
    """One step of RK4 for dz/dt = f(t, z): from z at time t to time t + h."""
    k1 = f(t, z)
    k2 = f(t + h / 2, z + h / 2 * k1)
    k3 = f(t + h / 2, z + h / 2 * k2)
    k4 = f(t + h, z + h * k3)
    return z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def trace_estimates(A: Tensor, noise: Tensor) -> Tensor:
    """εᵀAε for every row ε of noise ``(N, D)``, with A ``(D, D)``: ``(N,)``."""
    return torch.einsum("ni,ij,nj->n", noise, A, noise)


def next_log_p(log_p: Tensor, trace: Tensor, h: float) -> Tensor:
    """log p of moving points a short time h later, from log p and Tr ∂f/∂z now, ``(B,)`` each."""
    return log_p - h * trace


@dataclass(frozen=True)
class Field:
    """A velocity f(t, z) that shows its formula."""

    formula: str
    velocity: Callable[[float, Tensor], Tensor]

    def __call__(self, t: float, z: Tensor) -> Tensor:
        """f(t, z)."""
        return self.velocity(t, z)

    def __repr__(self) -> str:
        return self.formula


def steps() -> dict[str, tuple[Field, float, Tensor, float]]:
    """Fields that depend on place, on time, and on both; one step runs backwards."""
    z = torch.tensor([[1.0, -0.5], [0.25, 2.0]], dtype=torch.double)
    return {
        "growth": (Field("f = z", lambda t, z: z), 0.0, z, 0.5),
        "time alone": (Field("f = 3t²", lambda t, z: 3 * t**2 + 0 * z), 1.0, z, 0.5),
        "both": (Field("f = z cos t", lambda t, z: z * cos(t)), 0.3, z, 0.4),
        "backwards": (Field("f = t − z²", lambda t, z: t - z**2), 1.0, z, -0.25),
    }


def squares() -> dict[str, tuple[Tensor, Tensor]]:
    """Matrices, each with all sign vectors of its size."""
    signs = {d: (2 * all_images(1, d) - 1).double().view(-1, d) for d in (2, 4)}
    return {
        "a diagonal 2×2 matrix": (torch.tensor([[3.0, 0.0], [0.0, -1.0]]).double(), signs[2]),
        "a rotation": (torch.tensor([[0.0, -1.0], [1.0, 0.0]]).double(), signs[2]),
        "a random 4×4 matrix": (torch.randn(4, 4, generator=GENERATOR, dtype=torch.double), signs[4]),
    }


def moments() -> dict[str, tuple[Tensor, Tensor, float]]:
    """Log-densities and traces at some points."""
    one = torch.zeros(1).double()
    log_p, trace = torch.randn(2, 5, generator=GENERATOR, dtype=torch.double)
    return {
        "an expanding flow": (one, one + 2, 0.1),
        "a contracting flow": (one - 1, one - 3, 0.1),
        "five points": (log_p, trace, 0.05),
    }


RK4_STEP = Exercise(
    rk4_step,
    (
        "Four slopes: one at the start, two in the middle, one at the end; each is reached along the last.",
        "k2 = f(t + h/2, z + h/2 · k1), and k3 likewise along k2; k4 = f(t + h, z + h · k3).",
        "The mean slope is (k1 + 2 k2 + 2 k3 + k4) / 6; move along it for a time h.",
    ),
    agrees_with(
        lambda f, t, z, h: z + (t + h) ** 3 - t**3,
        {"time alone": steps()["time alone"]},
        says="for f = 3t² the step is exact: z + (t + h)³ − t³",
        tolerance=1e-9,
    ),
    holds(
        "for f = z a step of ½ is exp(½) up to 0.0005",
        lambda came, f, t, z, h: bool(((came / z - exp(h)).abs() < 5e-4).all()),
        "z · 1.6484",
        {"growth": steps()["growth"]},
    ),
    agrees(steps(), tolerance=1e-9),
)

TRACE_ESTIMATES = Exercise(
    trace_estimates,
    (
        "εᵀAε is a number: Σ_ij ε_i A_ij ε_j.",
        "For all rows at once: noise @ A gives εᵀA, row by row.",
        "In code: ((noise @ A) * noise).sum(1).",
    ),
    holds(
        "the mean over all sign vectors is the trace",
        lambda came, A, noise: bool((came.mean() - A.trace()).abs() < 1e-6),
        "the sum of the diagonal, in the mean",
        squares(),
    ),
    agrees(squares(), tolerance=1e-9),
)

NEXT_LOG_P = Exercise(
    next_log_p,
    (
        "Where the flow spreads points apart (trace > 0) the same mass fills more room.",
        "d log p/dt = −Tr ∂f/∂z; a short time h later the change is h times that.",
        "log_p - h * trace.",
    ),
    holds(
        "density falls where the flow expands, and rises where it contracts",
        lambda came, log_p, trace, h: bool(((came < log_p) == (trace > 0)).all()),
        "less where the trace is positive",
        moments(),
    ),
    agrees(moments(), tolerance=1e-9),
)

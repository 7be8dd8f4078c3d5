"""Densities on the plane that can be computed and sampled, and distributions on a fine grid of the line."""

from dataclasses import dataclass
from math import inf, log, pi

import torch
from torch import Tensor

from course_utils.checks import check_count, check_events, check_generator, check_number

CPU = torch.device("cpu")


@dataclass(frozen=True)
class PlaneDensity:
    """A known density on the plane: an even mixture of round Gaussians."""

    name: str  # what it is called in plots
    centres: Tensor  # (K, 2)
    scale: float  # the standard deviation of each
    extent: float = 4.0  # the half-width of the window that shows the density
    event_shape = (2,)

    def __post_init__(self) -> None:
        check_events(self.centres, (2,), "real", like=self.centres, who="PlaneDensity: centres")
        check_number(self.scale, "PlaneDensity: scale", low=1e-12)
        check_number(self.extent, "PlaneDensity: extent", low=1e-12)

    def __repr__(self) -> str:
        return f"{self.name}: a mixture of {len(self.centres)} Gaussians"

    def log_prob(self, x: Tensor) -> Tensor:
        """log p_D(x) in nats, ``(B, 2)`` to ``(B,)``."""
        check_events(x, (2,), "real", like=x, who=self.name)
        offset = (x[:, None] - self.centres.to(x)) / self.scale  # (B, K, 2)
        log_component = -0.5 * offset.square().sum(-1) - log(2 * pi * self.scale**2)
        return log_component.logsumexp(1) - log(len(self.centres))

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Draw n points x ∼ p_D, ``(n, 2)``, on the CPU."""
        n = check_count(n, f"{self.name}.sample")
        check_generator(generator, CPU, f"{self.name}.sample")
        which = torch.randint(len(self.centres), (n,), generator=generator)
        return self.centres[which] + self.scale * torch.randn(n, 2, generator=generator)


def gaussians(modes: int = 8) -> PlaneDensity:
    """Round Gaussians on a circle: a model that forgets one of them drops a mode.

    >>> gaussians(8)
    8 Gaussians: a mixture of 8 Gaussians
    """
    angle = 2 * pi * torch.arange(check_count(modes, "gaussians")) / modes
    centres = 2.5 * torch.stack([angle.cos(), angle.sin()], 1)
    return PlaneDensity(f"{modes} Gaussians", centres, 0.25)


def two_moons() -> PlaneDensity:
    """Two half circles that clasp each other, each a chain of 60 round Gaussians.

    >>> two_moons().sample(5).shape
    torch.Size([5, 2])
    """
    angle = pi * (torch.arange(60) + 0.5) / 60
    upper = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], 1)
    return PlaneDensity("two moons", 1.8 * torch.cat([upper, -upper]), 0.15)


def line(points: int = 481) -> Tensor:
    """A fine grid from −6 to 6, ``(S,)`` float64.

    >>> line(3).tolist()
    [-6.0, 0.0, 6.0]
    """
    return torch.linspace(-6, 6, check_count(points, "line"), dtype=torch.double)


def gaussian_on(x: Tensor, mean: float | Tensor, std: float | Tensor) -> Tensor:
    """Log-probabilities of a Gaussian on a grid, p(x_s) ∝ exp(−(x_s − mean)² / 2 std²): ``(S,)`` in nats.

    Differentiable in mean and std. An exponential family whose statistics are x and x².

    >>> round(gaussian_on(line(), 0.0, 1.0).exp().sum().item(), 9)
    1.0
    """
    if not isinstance(x, Tensor) or x.dim() != 1 or not x.is_floating_point() or not bool(x.isfinite().all()):
        raise ValueError(f"gaussian_on: expected x as a float vector (S,) of finite points, got {x!r:.60}")
    for name, value, low in (("mean", mean, -inf), ("std", std, 1e-12)):
        if isinstance(value, Tensor) and value.dim() == 0 and value.is_floating_point():
            value = value.item()
        check_number(value, f"gaussian_on: {name}", low=low)
    return torch.log_softmax(-0.5 * ((x - mean) / std) ** 2, 0)


def two_modes(x: Tensor) -> Tensor:
    """Log-probabilities of an uneven mixture of two Gaussians on a grid: 0.65 at −2 and 0.35 at 2.2.

    >>> round(two_modes(line()).exp().sum().item(), 9)
    1.0
    """
    narrow, wide = gaussian_on(x, -2.0, 0.6), gaussian_on(x, 2.2, 0.8)
    return torch.logaddexp(log(0.65) + narrow, log(0.35) + wide)

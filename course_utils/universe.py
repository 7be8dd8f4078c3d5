"""Tiny universes where p_D is known: every state of a binary image, or any point of the plane.

On them KL, entropy and posteriors are *computed*, not estimated. States are numbered by the binary
number that their pixels spell, the first pixel being the most significant bit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi

import torch
from torch import Tensor

from course_utils.checks import check_count, check_events, check_number

Generator = torch.Generator | None


def all_images(height: int, width: int) -> Tensor:
    """Every binary image of this size, in the order of their state numbers: ``(2^(hw), 1, h, w)``.

    Raises:
        ValueError: sizes are not positive integers, or there are more than 20 pixels.

    >>> all_images(1, 2).flatten(1).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    pixels = check_count(height, "all_images") * check_count(width, "all_images")
    if pixels > 20:
        raise ValueError(
            f"all_images: expected at most 20 pixels, got {pixels}: 2**{pixels} states are too many"
        )
    bits = torch.arange(pixels - 1, -1, -1)
    return ((torch.arange(2**pixels)[:, None] >> bits) & 1).view(-1, 1, height, width).float()


def state_index(x: Tensor) -> Tensor:
    """The state number of each binary image: ``(B, ...)`` to ``(B,)``, the inverse of `all_images`."""
    bits = x.flatten(1).long()
    return (bits << torch.arange(bits.shape[1] - 1, -1, -1, device=x.device)).sum(1)


@dataclass(frozen=True)
class BinaryUniverse:
    """A known distribution p_D over every binary image of a small size.

    Attributes:
        name: what it is called in plots.
        states: all S = 2^(hw) images, ``(S, 1, h, w)`` float32, in the order of their state numbers.
        log_p: log p_D of each state in nats, ``(S,)`` float64; sums to 1 in probability.
    """

    name: str
    states: Tensor
    log_p: Tensor

    def __repr__(self) -> str:
        return f"{self.name}: {len(self.states):,} states, entropy {self.entropy:.4f} nats"

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one image, (1, h, w)."""
        return tuple(self.states.shape[1:])

    @property
    def entropy(self) -> float:
        """H(p_D) = −Σ p_D log p_D in nats: no model's expected negative log-likelihood is lower."""
        return -(self.log_p.exp() * self.log_p.clamp_min(-1e300)).sum().item()

    def log_prob(self, x: Tensor) -> Tensor:
        """log p_D(x) in nats, ``(B, 1, h, w)`` to ``(B,)`` float64.

        Raises:
            ValueError: x is not a batch of binary images of this size.
        """
        check_events(x, self.event_shape, "binary", like=x, who=self.name)
        return self.log_p.to(x.device)[state_index(x)]

    def sample(self, n: int, *, generator: Generator = None) -> Tensor:
        """Draw n images x ∼ p_D, ``(n, 1, h, w)``.

        Raises:
            ValueError: n is not a positive integer.
        """
        p = self.log_p.exp()
        index = torch.multinomial(
            p, check_count(n, f"{self.name}.sample"), replacement=True, generator=generator
        )
        return self.states[index]

    def to(self, device: torch.device | str) -> "BinaryUniverse":
        """The same universe with its tensors on another device."""
        return BinaryUniverse(self.name, self.states.to(device), self.log_p.to(device))


def bars_and_stripes(side: int, flip: float = 0.02) -> BinaryUniverse:
    """Bars and stripes with pixel noise: structure that no product of pixels can express.

    A pattern has every row all black or all white, or every column; each of the K patterns is equally
    likely (K = 14 on 3×3, 30 on 4×4); then every pixel flips with probability ``flip``:

        p_D(x) = 1/K Σ_patterns flip^d (1 − flip)^(D − d),  d = Hamming distance of x to the pattern.

    MacKay, *Information Theory, Inference, and Learning Algorithms* (2003), chapter 43.

    Raises:
        ValueError: the side is not 2, 3 or 4, or flip is not in [0, 1].

    >>> bars_and_stripes(3, flip=0)
    bars and stripes 3×3: 512 states, entropy 2.6391 nats
    """
    if side not in (2, 3, 4) or isinstance(side, bool):
        raise ValueError(f"bars_and_stripes: expected a side of 2, 3 or 4, got {side!r}")
    flip = check_number(flip, "bars_and_stripes: flip", low=0, high=1)
    states = all_images(side, side)
    rows = all_images(1, side).view(-1, side, 1).expand(-1, side, side)
    patterns = torch.cat([rows, rows.mT]).flatten(1).unique(dim=0)
    x = states.flatten(1)
    distance = (x @ (1 - patterns.T) + (1 - x) @ patterns.T).double()  # (S, patterns)
    p = (flip**distance * (1 - flip) ** (side**2 - distance)).mean(1)
    return BinaryUniverse(f"bars and stripes {side}×{side}", states, (p / p.sum()).log())


@dataclass(frozen=True)
class PlaneDensity:
    """A known density on the plane: an even mixture of round Gaussians or of squares.

    Attributes:
        name: what it is called in plots.
        centres: the K centres, ``(K, 2)``.
        scale: the standard deviation of each Gaussian, or half the side of each square.
        shape: "gaussian" or "square".
        extent: the half-width of the window that shows the density.
    """

    name: str
    centres: Tensor
    scale: float
    shape: str = "gaussian"
    extent: float = 4.0
    event_shape = (2,)

    def __repr__(self) -> str:
        return f"{self.name}: a mixture of {len(self.centres)} {self.shape}s"

    def log_prob(self, x: Tensor) -> Tensor:
        """log p_D(x) in nats, ``(B, 2)`` to ``(B,)``; −∞ outside the squares.

        Raises:
            ValueError: x is not a batch of finite points.
        """
        check_events(x, (2,), "real", like=x, who=self.name)
        offset = (x[:, None] - self.centres.to(x)) / self.scale  # (B, K, 2)
        if self.shape == "gaussian":
            log_component = -0.5 * offset.square().sum(-1) - log(2 * pi * self.scale**2)
        else:  # half-open, so that neighbouring squares do not share an edge
            inside = ((offset >= -1) & (offset < 1)).all(-1)
            log_component = torch.where(inside, -log(4 * self.scale**2), -torch.inf)
        return log_component.logsumexp(1) - log(len(self.centres))

    def sample(self, n: int, *, generator: Generator = None) -> Tensor:
        """Draw n points x ∼ p_D, ``(n, 2)``.

        Raises:
            ValueError: n is not a positive integer.
        """
        n = check_count(n, f"{self.name}.sample")
        which = torch.randint(len(self.centres), (n,), generator=generator)
        if self.shape == "gaussian":
            noise = torch.randn(n, 2, generator=generator)
        else:
            noise = 2 * torch.rand(n, 2, generator=generator) - 1
        return self.centres[which] + self.scale * noise


def gaussians(modes: int = 8) -> PlaneDensity:
    """Round Gaussians on a circle: a model that forgets one of them drops a mode.

    >>> gaussians(8)
    8 Gaussians: a mixture of 8 gaussians
    """
    angle = 2 * pi * torch.arange(check_count(modes, "gaussians")) / modes
    centres = 2.5 * torch.stack([angle.cos(), angle.sin()], 1)
    return PlaneDensity(f"{modes} Gaussians", centres, 0.25)


def two_moons() -> PlaneDensity:
    """Two half circles that clasp each other, each a chain of 60 round Gaussians."""
    angle = pi * (torch.arange(60) + 0.5) / 60
    upper = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], 1)
    return PlaneDensity("two moons", 1.8 * torch.cat([upper, -upper]), 0.15)


def rings(count: int = 3) -> PlaneDensity:
    """Concentric rings, each a chain of Gaussians as dense as on the others: a hole in every mode."""
    chains = []
    for ring in range(1, check_count(count, "rings") + 1):
        angle = 2 * pi * torch.arange(40 * ring) / (40 * ring)
        chains.append(3.2 * ring / count * torch.stack([angle.cos(), angle.sin()], 1))
    return PlaneDensity(f"{count} rings", torch.cat(chains), 0.12)


def checkerboard() -> PlaneDensity:
    """The eight dark squares of a 4×4 board: flat inside, zero outside, sharp edges between."""
    cells = torch.cartesian_prod(torch.arange(4), torch.arange(4))
    centres = 2.0 * cells[cells.sum(1) % 2 == 0] - 3
    return PlaneDensity("checkerboard", centres, 1.0, "square", extent=4.5)


def line(points: int = 481) -> Tensor:
    """A fine grid from −6 to 6, ``(S,)`` float64: a finite universe on which integrals are sums."""
    return torch.linspace(-6, 6, check_count(points, "line"), dtype=torch.double)


def gaussian_on(x: Tensor, mean: float | Tensor, std: float | Tensor) -> Tensor:
    """Log-probabilities of a Gaussian on a grid, p(x_s) ∝ exp(−(x_s − mean)² / 2 std²): ``(S,)`` in nats.

    Differentiable in mean and std. An exponential family whose statistics are x and x².

    >>> round(gaussian_on(line(), 0.0, 1.0).exp().sum().item(), 9)
    1.0
    """
    return torch.log_softmax(-0.5 * ((x - mean) / std) ** 2, 0)


def two_modes(x: Tensor) -> Tensor:
    """Log-probabilities of an uneven mixture of two Gaussians on a grid: 0.65 at −2 and 0.35 at 2.2."""
    narrow, wide = gaussian_on(x, -2.0, 0.6), gaussian_on(x, 2.2, 0.8)
    return torch.logaddexp(log(0.65) + narrow, log(0.35) + wide)


PLANE: tuple[Callable[[], PlaneDensity], ...] = (gaussians, two_moons, rings, checkerboard)

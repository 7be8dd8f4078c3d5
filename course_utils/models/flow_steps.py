"""What flows are made of: invertible steps whose log |det| is known, and priors that are easy to sample.

A step maps ``(B, …)`` to ``(z, log_det)`` with log_det ``(B,)`` in nats; ``inverse`` maps z back. Steps
in a chain: the maps compose, the log-determinants add.
"""

from abc import ABC, abstractmethod
from math import log, pi
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, pixel_shuffle, pixel_unshuffle, softplus

from course_utils.checks import check_number
from course_utils.taxonomy import Support


class Step(nn.Module, ABC):
    """An invertible map of one shape to another with as many elements."""

    @abstractmethod
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z = f(x) and log |det ∂f/∂x|, ``(B,)`` in nats."""

    @abstractmethod
    def inverse(self, z: Tensor) -> Tensor:
        """x = f⁻¹(z)."""


def no_change(x: Tensor) -> Tensor:
    """The log-determinant of a map that preserves volume: zeros, ``(B,)``."""
    return x.new_zeros(len(x))


class Chain(Step):
    """Steps one after the other."""

    def __init__(self, *steps: Step) -> None:
        super().__init__()
        self.steps = nn.ModuleList(steps)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z = f_K(… f_1(x)), and the sum of the log-determinants."""
        total = no_change(x)
        for step in self.steps:
            x, log_det = step(x)
            total = total + log_det
        return x, total

    def inverse(self, z: Tensor) -> Tensor:
        """The inverses in the opposite order."""
        for step in reversed(self.steps):
            z = cast(Step, step).inverse(z)
        return z


class Logit(Step):
    r"""From the unit interval to the whole line: y = logit(α + (1 − 2α) x), elementwise.

        log |dy/dx| = log(1 − 2α) − log p − log(1 − p),   p = α + (1 − 2α) x.

    The log-determinant is counted, so that densities of flows are densities of grey values in [0, 1]
    and bits/dim are comparable (Dinh et al. 2017; Papamakarios et al. 2017). α in (0, ½) keeps 0 and 1
    finite; what the model puts beyond logit(α) and logit(1 − α) ``inverse`` sets to the nearer end.

    >>> y, log_det = Logit(0.25)(torch.tensor([[0.5]]))
    >>> y.item(), round(log_det.exp().item(), 3)  # ½ / (½ · ½)
    (0.0, 2.0)
    """

    def __init__(self, alpha: float = 1e-6) -> None:
        super().__init__()
        self.alpha = check_number(alpha, "Logit: alpha", low=1e-9, high=0.49)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """y, and the sum over the elements of log |dy/dx|."""
        y = torch.logit(self.alpha + (1 - 2 * self.alpha) * x)
        slope = log(1 - 2 * self.alpha) + softplus(y) + softplus(-y)
        return y, slope.flatten(1).sum(1)

    def inverse(self, z: Tensor) -> Tensor:
        """x = (σ(z) − α) / (1 − 2α), in [0, 1]."""
        return ((torch.sigmoid(z) - self.alpha) / (1 - 2 * self.alpha)).clamp(0, 1)


def to_real(event_shape: tuple[int, ...], alpha: float = 1e-6) -> tuple[Support, Step]:
    """The support of events of this shape, and the step that takes them to the whole line.

    Images (C, H, W) are dequantised grey values in [0, 1] and pass a `Logit`; vectors (D,), such as
    points of the plane, are real already: a chain without steps.
    """
    return ("real", Chain()) if len(event_shape) == 1 else ("unit", Logit(alpha))


class Squeezed(Chain):
    """Steps on an image whose 2×2 blocks of pixels are four channels: (C, H, W) seen as (4C, H/2, W/2)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z in the shape of x, and the log-determinant of the steps: elements only change places."""
        z, log_det = super().forward(pixel_unshuffle(x, 2))
        return pixel_shuffle(z, 2), log_det

    def inverse(self, z: Tensor) -> Tensor:
        """The steps undone, between the same changes of places."""
        return pixel_shuffle(super().inverse(pixel_unshuffle(z, 2)), 2)


class FactorOut(Step):
    """Multi-scale: half of the channels are latent variables already, only the rest goes deeper.

    z = [deeper(h_1), h_2] with h = [h_1, h_2] in halves (Dinh, Sohl-Dickstein & Bengio 2017).
    """

    def __init__(self, deeper: Step) -> None:
        super().__init__()
        self.deeper = deeper

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both halves in one tensor again, and the deeper steps' log-determinant."""
        first, rest = x.tensor_split([x.shape[1] // 2], 1)
        z, log_det = self.deeper(first)
        return torch.cat([z, rest], 1), log_det

    def inverse(self, z: Tensor) -> Tensor:
        """The deeper steps undone on the first half."""
        first, rest = z.tensor_split([z.shape[1] // 2], 1)
        return torch.cat([self.deeper.inverse(first), rest], 1)


class Normal(nn.Module):
    """The standard normal prior: log p(z) = −½ Σ z² − ½ D log 2π."""

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) in nats, ``(B, …)`` to ``(B,)``."""
        return (-0.5 * z.square() - 0.5 * log(2 * pi)).flatten(1).sum(1)

    def sample(self, shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw z of this shape, with the dtype and device of ``like``."""
        return torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)


class Logistic(nn.Module):
    """The standard logistic prior: log p(z) = Σ log σ(z) + log σ(−z), whose CDF is σ."""

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) in nats, ``(B, …)`` to ``(B,)``."""
        return (logsigmoid(z) + logsigmoid(-z)).flatten(1).sum(1)

    def sample(self, shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw z of this shape, with the dtype and device of ``like``: z = logit(u)."""
        u = torch.rand(shape, generator=generator, dtype=like.dtype, device=like.device)
        tiny = torch.finfo(like.dtype).eps / 4
        return torch.logit(u.clamp(tiny, 1 - 2 * tiny))


class ClassNormal(nn.Module):
    """A normal prior for each of K classes, N(μ_y, diag σ_y²); without a class, their even mixture."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(0.1 * torch.randn(classes, *shape))
        self.log_std = nn.Parameter(torch.zeros(classes, *shape))

    def by_class(self, z: Tensor) -> Tensor:
        """log p(z | y) in nats for every class, ``(B, …)`` to ``(B, K)``."""
        e = (z[:, None] - self.mean) * (-self.log_std).exp()
        return (-0.5 * e.square() - 0.5 * log(2 * pi) - self.log_std).flatten(2).sum(2)

    def log_prob(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(z | y), or log 1/K Σ_y p(z | y), in nats: ``(B, …)`` and ``(B,)`` to ``(B,)``."""
        every = self.by_class(z)
        return every.logsumexp(1) - log(len(self.mean)) if y is None else every.gather(1, y[:, None])[:, 0]

    def sample(
        self,
        shape: tuple[int, ...],
        like: Tensor,
        generator: torch.Generator | None,
        y: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Draw z of this shape, z = μ_y + T·σ_y·ε; y None: classes in equal parts."""
        if y is None:
            y = torch.randint(len(self.mean), shape[:1], generator=generator, device=like.device)
        e = torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)
        return self.mean[y] + temperature * self.log_std[y].exp() * e

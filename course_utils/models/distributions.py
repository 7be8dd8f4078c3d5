"""Distributions of independent elements, one for each example: what encoders and decoders give.

Parameters have the shape of the values, ``(B, …)``; ``log_prob`` is summed over all axes but the first: nats.
"""

from math import log, pi
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

STEEPEST = 15.0  # |log scale| of a logistic: beyond it float32 has neither its logs nor their gradients


class Gaussian(NamedTuple):
    """N(mean, diag exp(log_variance))."""

    mean: Tensor
    log_variance: Tensor

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-density, ``(B,)``."""
        squares = ((value - self.mean) * (-0.5 * self.log_variance).exp()).square()
        return -0.5 * (squares + self.log_variance + log(2 * pi)).flatten(1).sum(1)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """mean + σ·ε with ε ∼ N(0, I): gradients reach mean and σ (Kingma & Welling 2014)."""
        noise = torch.empty_like(self.mean).normal_(generator=generator)
        return self.mean + (0.5 * self.log_variance).exp() * noise

    def kl_from_standard(self) -> Tensor:
        """KL(N(mean, σ²)‖N(0, 1)) = ½ (mean² + σ² − 1 − log σ²) of each element, in nats: ``(B, …)``."""
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)


class Bernoulli(NamedTuple):
    """Values in {0, 1}, from the log-odds of 1."""

    logits: Tensor

    @property
    def mean(self) -> Tensor:
        """The probability of 1."""
        return torch.sigmoid(self.logits)

    def log_levels(self) -> Tensor:
        """log P of 0 and of 1, ``(B, …, 2)``."""
        return logsigmoid(torch.stack([-self.logits, self.logits], -1))

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-probability, ``(B,)``."""
        nats = binary_cross_entropy_with_logits(self.logits, value, reduction="none")
        return -nats.flatten(1).sum(1)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Zeros and ones."""
        return torch.bernoulli(self.mean, generator=generator)


class DiscretisedLogistic(NamedTuple):
    """Grey levels 0, 1/(L−1), …, 1: a logistic distribution cut into cells, one around each level.

    With F(t) = σ((t − location)/scale) and half a cell h = ½/(L−1),

        P(v) = F(v + h) − F(v − h),   P(0) = F(h),   P(1) = 1 − F(1 − h):

    the edges absorb the tails, so that probabilities sum to 1 (Kingma et al. 2016; Salimans et al.,
    *PixelCNN++*, 2017). The log of the scale is clamped to ±15, so that all logs and gradients are finite.

    >>> p = DiscretisedLogistic(torch.full((1, 1), 0.3), torch.zeros(1, 1), 5)
    >>> round(p.probabilities().sum().item(), 5)
    1.0
    """

    location: Tensor
    log_scale: Tensor
    levels: int

    @property
    def scale(self) -> Tensor:
        """The scale, in the shape of the location."""
        return self.log_scale.clamp(-STEEPEST, STEEPEST).exp()

    def grid(self) -> Tensor:
        """The levels, ``(L,)``."""
        like = self.location
        return torch.linspace(0, 1, self.levels, dtype=like.dtype, device=like.device)

    def log_probabilities(self, value: Tensor) -> Tensor:
        """log P of each element of the value, in its shape.

        Uses σ(a) − σ(b) = σ(a) σ(−b) (1 − e^{b−a}), which neither cancels nor underflows.
        """
        half, distance = 0.5 / (self.levels - 1), value - self.location
        upper, lower = (distance + half) / self.scale, (distance - half) / self.scale
        below, above = logsigmoid(upper), logsigmoid(-lower)
        cell = torch.log(-torch.expm1(-2 * half / self.scale))
        inside = below + above + cell
        return torch.where(value < half, below, torch.where(value > 1 - half, above, inside))

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-probability, ``(B,)``."""
        return self.log_probabilities(value).flatten(1).sum(1)

    def log_levels(self) -> Tensor:
        """log P of every level, ``(B, …, L)``: as ``log_probabilities``, with one logarithm for each edge."""
        half = 0.5 / (self.levels - 1)
        edges = (self.grid()[:-1] + half - self.location[..., None]) / self.scale[..., None]
        below = logsigmoid(edges)
        above = below - edges  # log σ(−a) = log σ(a) − a
        cell = torch.log(-torch.expm1(-2 * half / self.scale))[..., None]
        inside = below[..., 1:] + above[..., :-1] + cell
        return torch.cat([below[..., :1], inside, above[..., -1:]], -1)

    def probabilities(self) -> Tensor:
        """P of every level, ``(B, …, L)``."""
        return self.log_levels().exp()

    @property
    def mean(self) -> Tensor:
        """The mean grey value."""
        return self.probabilities() @ self.grid()

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Grey levels: a draw of the logistic distribution, rounded to the nearest."""
        uniform = torch.empty_like(self.location).uniform_(generator=generator)
        tiny = torch.finfo(uniform.dtype).tiny
        draw = self.location + self.scale * torch.logit(uniform.clamp_min(tiny))
        return (draw * (self.levels - 1)).round().clamp(0, self.levels - 1) / (self.levels - 1)

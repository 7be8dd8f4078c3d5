"""The branches of slide 14 whose p(x) can be computed, and their verbs."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from course_utils.checks import check_count, check_events, check_number, described
from course_utils.taxonomy.model import GenerativeModel


class ExplicitDensity(GenerativeModel):
    """The model defines p(x) by a formula and is trained by minimising a loss on data."""

    title = "Explicit density"
    about = "the model can compute p(x)"

    @abstractmethod
    def loss(self, x: Tensor) -> Tensor:
        """The scalar that training minimises, a mean over the batch, in nats."""


class TractableDensity(ExplicitDensity):
    """p(x) can be computed exactly; training is maximum likelihood."""

    title = "Tractable density"
    about = "can compute p(x)"
    density = "exact"

    def log_prob(self, x: Tensor) -> Tensor:
        """The exact log p_M(x) in nats, ``(B, *event_shape)`` to ``(B,)``.

        For "binary" support it is the log of a probability, for "unit" and "real" of a density.
        """
        return self._log_prob(self.check(x))

    @abstractmethod
    def _log_prob(self, x: Tensor) -> Tensor: ...

    def loss(self, x: Tensor) -> Tensor:
        """The negative log-likelihood E_x[−log p_M(x)] over the batch, in nats."""
        return -self.log_prob(x).mean()


class Autoregressive(TractableDensity):
    """p(x) = Π_i p(x_i | x_1 … x_{i−1}): every pixel is an observation, none is hidden."""

    title = "Autoregressive"
    about = "p(x) = Π p(xᵢ | x<ᵢ)"
    latent = False

    def conditionals(self, x: Tensor) -> Tensor:
        """p(x_i = 1 | x_{<i}) for every pixel of every example, in the shape of x.

        On L grey levels: the probability of each, in the shape of x with a last axis of L.
        """
        return self._conditionals(self.check(x))

    @abstractmethod
    def _conditionals(self, x: Tensor) -> Tensor: ...

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        **condition: Any,
    ) -> Tensor:
        """Draw n images pixel by pixel, exactly from p_M at temperature 1: ``(n, *event_shape)``.

        Every log-odds is divided by the temperature: towards 0 each pixel takes its likeliest value. The
        condition is what a conditional model takes: classes y, an image given.
        """
        who = f"{type(self).__name__}.sample"
        self._check_generator(generator)
        check_number(temperature, f"{who}: temperature", low=1e-6)
        return self._sample(check_count(n, who), generator, temperature, **condition)

    @torch.no_grad()
    def complete(
        self,
        x: Tensor,
        known: Tensor,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        **condition: Tensor | None,
    ) -> Tensor:
        """Draw the unknown pixels given the known ones, exactly from p_M(unknown | known).

        What stands in unknown pixels of x does not matter, within the support. ``known`` is bool, of
        ``event_shape``; the known pixels come first in the model's order, or else p(unknown | known) is no
        product of conditionals.
        """
        self._check_generator(generator)
        who, x = f"{type(self).__name__}.complete", self.check(x)
        check_number(temperature, f"{who}: temperature", low=1e-6)
        if not isinstance(known, Tensor) or known.dtype != torch.bool or known.shape != self.event_shape:
            want = f"known as a bool tensor of shape {self.event_shape}"
            raise ValueError(f"{who}: expected {want}, got {described(known)}")
        known = known.to(x.device).flatten()[self.order]
        start = int(known.sum())
        if not bool(known[:start].all()):
            raise ValueError(f"{who}: expected the known pixels first in the model's order, got one after")
        return self._sample(len(x), generator, temperature, x, start, **condition)

    def _sample(
        self,
        n: int,
        generator: torch.Generator | None,
        temperature: float = 1.0,
        known: Tensor | None = None,
        start: int = 0,
        **condition: Tensor | None,
    ) -> Tensor:
        like = self.reference
        u = torch.rand(n, self.dims, generator=generator, dtype=like.dtype, device=like.device)
        return self._draw(u, temperature, known, start, **condition)

    @property
    def order(self) -> Tensor:
        """The order in which pixels are visited, ``(D,)`` numbers of the flattened image: row by row."""
        return torch.arange(self.dims, device=self.reference.device)

    @abstractmethod
    def _draw(self, u: Tensor, temperature: float, known: Tensor | None, start: int) -> Tensor:
        """The images that uniform numbers choose: u ``(n, D)`` to ``(n, *event_shape)``.

        The i-th pixel in the order is 1 where u_i < p(x_i = 1 | x_{<i}), for grey levels the first level
        whose cumulative probability exceeds u_i; the first ``start`` pixels are those of ``known``.
        """


class Flow(TractableDensity):
    """x = decode(z) for an invertible map of z ∼ prior: log p(x) = log p(z) + log |det ∂z/∂x|.

    Attributes:
        prior: what z, of the shape of x, is drawn from: ``log_prob(z)`` in nats, ``sample(shape, like,
        generator)``.
    """

    title = "Normalising flow"
    about = "log p(x) = log p(z) + log |det ∂z/∂x|"
    latent = True
    prior: Any

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z = f(x), and log |det ∂f/∂x| as ``(B,)`` in nats."""
        return self._encode(self.check(x))

    @abstractmethod
    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]: ...

    def decode(self, z: Tensor) -> Tensor:
        """x = f⁻¹(z): ``(B, *event_shape)`` to the same."""
        who = f"{type(self).__name__}.decode"
        return self._decode(check_events(z, self.event_shape, "real", like=self.reference, who=who))

    @abstractmethod
    def _decode(self, z: Tensor) -> Tensor: ...

    def _log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self._encode(x)
        return self.prior.log_prob(z) + log_det

    def _sample(self, n: int, generator: torch.Generator | None) -> Tensor:
        return self._decode(self.prior.sample((n, *self.event_shape), self.reference, generator))

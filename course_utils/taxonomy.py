"""The tree of slide 14 as abstract classes: a verb exists only where the mathematics grants it.

::

    GenerativeModel                    sample(n)
    ├─ ExplicitDensity
    │  ├─ TractableDensity             log_prob(x), exact
    │  │  ├─ Autoregressive            conditionals(x)
    │  │  └─ Flow                      encode(x), decode(z)
    │  └─ ApproximateDensity
    │     ├─ Variational               elbo(x) ≤ log p(x)
    │     └─ ExplicitMarkovChain       free_energy(x), step(x)
    └─ ImplicitDensity
       ├─ ImplicitMarkovChain          step(x)
       └─ Direct                       generator, discriminator

Shapes: x is ``(B, *event_shape)``, for images ``(B, C, H, W)``. Every verb returns one value per
example, in nats; only ``loss`` is a scalar. Public verbs check their input and hand it to a method of
the same name with an underscore, which a leaf defines.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from math import prod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from course_utils.checks import check_count, check_events

Density = Literal["exact", "lower bound", "unnormalised", "none"]
Support = Literal["binary", "unit", "real"]


class GenerativeModel(nn.Module, ABC):
    """A distribution p_M over events x that can be sampled.

    Args:
        event_shape: the shape of one example: (C, H, W) for images, (2,) for points of the plane.

    Attributes:
        title: the name in the lecture's tree.
        support: which values x takes: "binary" {0, 1}, "unit" [0, 1], or "real".
        density: what the model can say about p(x): "exact", "lower bound", "unnormalised", "none".
        latent: slide 13: whether hidden variables generate the data (False: fully visible).
        fit_defaults: the settings with which ``training.fit`` trains this model unless told otherwise.
    """

    title: ClassVar[str] = "Generative models"
    about: ClassVar[str] = "can be sampled"
    density: ClassVar[Density] = "none"
    latent: ClassVar[bool | None] = None
    fit_defaults: ClassVar[dict[str, object]] = {}
    support: Support = "unit"

    def __init__(self, event_shape: tuple[int, ...]) -> None:
        super().__init__()
        shape = tuple(event_shape) if isinstance(event_shape, tuple | list | torch.Size) else ()
        if not shape or not all(isinstance(d, int) and not isinstance(d, bool) and d > 0 for d in shape):
            raise ValueError(
                f"{type(self).__name__}: expected event_shape as a tuple of positive integers "
                f"such as (1, 8, 8), got {event_shape!r}"
            )
        self.event_shape = shape

    @property
    def dims(self) -> int:
        """The number of dimensions D of one example."""
        return prod(self.event_shape)

    @property
    def reference(self) -> Tensor:
        """A tensor of the model: its device and dtype are those that inputs must have."""
        tensors = [*self.parameters(), *self.buffers()]
        return next((t for t in tensors if t.is_floating_point()), torch.empty(0))

    def check(self, x: Tensor) -> Tensor:
        """Return x if it is a batch this model lives on.

        Raises:
            ValueError: naming the model, what it expected and what came: type, shape, dtype, device
                or values (see ``support``).
        """
        return check_events(x, self.event_shape, self.support, like=self.reference, who=type(self).__name__)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Draw n samples x ∼ p_M.

        Args:
            n: how many.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Returns:
            ``(n, *event_shape)`` on the model's device.

        Raises:
            ValueError: n is not a positive integer.
        """
        return self._sample(check_count(n, f"{type(self).__name__}.sample"), generator)

    @abstractmethod
    def _sample(self, n: int, generator: torch.Generator | None) -> Tensor: ...


class MarkovChain(ABC):
    """A model whose samples come from running a chain x → x′ to its stationary law."""

    @abstractmethod
    def step(self, x: Tensor) -> Tensor:
        """One transition of the chain: ``(B, *event_shape)`` to the same shape."""


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

        Raises:
            ValueError: x has the wrong shape, dtype, device or values.
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
    about = "p(x) = Π p(xᵢ | x₁ … xᵢ₋₁)"
    latent = False

    def conditionals(self, x: Tensor) -> Tensor:
        """p(x_i = 1 | x_{<i}) for every pixel of every example, in the shape of x.

        Raises:
            ValueError: x has the wrong shape, dtype, device or values.
        """
        return self._conditionals(self.check(x))

    @abstractmethod
    def _conditionals(self, x: Tensor) -> Tensor: ...


class Flow(TractableDensity):
    """x = decode(z) for an invertible map: log p(x) = log p(z) + log |det ∂z/∂x|."""

    title = "Normalising flow"
    about = "log p(x) = log p(z) + log |det ∂z/∂x|"
    latent = True

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z = f(x), and log |det ∂f/∂x| as ``(B,)`` in nats.

        Raises:
            ValueError: x has the wrong shape, dtype, device or values.
        """
        return self._encode(self.check(x))

    @abstractmethod
    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]: ...

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """x = f⁻¹(z)."""


class ApproximateDensity(ExplicitDensity):
    """p(x) has a formula, but only a bound or an unnormalised value of it can be computed."""

    title = "Approximate density"
    about = "can compute an approximation to p(x)"
    latent = True


class Variational(ApproximateDensity):
    """A bound: elbo(x) = E_q[log p(x, z) − log q(z | x)] ≤ log p(x)."""

    title = "Variational"
    about = "ELBO(x) ≤ log p(x)"
    density = "lower bound"

    def elbo(self, x: Tensor) -> Tensor:
        """The evidence lower bound in nats, one sample of z per example: ``(B,)``.

        Raises:
            ValueError: x has the wrong shape, dtype, device or values.
        """
        return self._elbo(self.check(x))

    @abstractmethod
    def _elbo(self, x: Tensor) -> Tensor: ...

    def loss(self, x: Tensor) -> Tensor:
        """E_x[−ELBO(x)] over the batch, in nats: an upper bound on the negative log-likelihood."""
        return -self.elbo(x).mean()


class ExplicitMarkovChain(ApproximateDensity, MarkovChain):
    """An energy: log p(x) = −F(x) − log Z with Z out of reach; samples come from a chain."""

    title = "Markov chain"
    about = "log p(x) = −F(x) − log Z"
    density = "unnormalised"

    def free_energy(self, x: Tensor) -> Tensor:
        """F(x) in nats, ``(B,)``: −log p(x) up to the constant log Z.

        Raises:
            ValueError: x has the wrong shape, dtype, device or values.
        """
        return self._free_energy(self.check(x))

    @abstractmethod
    def _free_energy(self, x: Tensor) -> Tensor: ...


class ImplicitDensity(GenerativeModel):
    """The model does not compute p(x), but it can be sampled."""

    title = "Implicit density"
    about = "does not compute p(x), but can sample from it"
    latent = True


class ImplicitMarkovChain(ImplicitDensity, MarkovChain):
    """Only the transition x → x′ of a chain is learned."""

    title = "Markov chain"
    about = "a learned step x → x′"

    @abstractmethod
    def loss(self, x: Tensor) -> Tensor:
        """The scalar that training minimises, a mean over the batch."""


class Direct(ImplicitDensity):
    """x = generator(z) in one go, learned in a game against a discriminator."""

    title = "Direct"
    about = "x = G(z), learned in a game against D"

    generator: nn.Module
    discriminator: nn.Module


def children(node: type[GenerativeModel]) -> list[type[GenerativeModel]]:
    """The nodes right under this one, in the order of slide 14: the course's own classes only."""
    package = __name__.split(".")[0]
    return [c for c in node.__subclasses__() if c.__module__.split(".")[0] == package]


def leaves(node: type[GenerativeModel] = GenerativeModel) -> Iterator[type[GenerativeModel]]:
    """The systems on the tree, left to right: the classes that can be built."""
    if not getattr(node, "__abstractmethods__", None):
        yield node
    for child in children(node):
        yield from leaves(child)


def tree(node: type[GenerativeModel] = GenerativeModel, prefix: str = "") -> str:
    """Draw the tree under a node from the classes themselves, as text.

    >>> print(tree(ImplicitDensity))  # doctest: +ELLIPSIS
    Implicit density — does not compute p(x), but can sample from it
    ├─ Markov chain — a learned step x → x′...
    └─ Direct — x = G(z), learned in a game against D...
    """
    lines = [node.title if node.about == "" else f"{node.title} — {node.about}"] if not prefix else []
    below = children(node)
    for i, child in enumerate(below):
        last = i == len(below) - 1
        lines.append(f"{prefix}{'└─' if last else '├─'} {child.title} — {child.about}")
        subtree = tree(child, prefix + ("   " if last else "│  "))
        if subtree:
            lines.append(subtree)
    return "\n".join(lines)

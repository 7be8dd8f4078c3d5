"""The branch of slide 14 that bounds log p(x) from below, where the variational autoencoder hangs."""

from abc import abstractmethod
from math import log
from typing import Protocol

import torch
from torch import Tensor

from course_utils.checks import check_count, check_events
from course_utils.taxonomy.branches import ApproximateDensity
from course_utils.taxonomy.classes import ClassConditional

CODES_AT_ONCE = 4096


class Distribution(Protocol):
    """A distribution for each example of a batch, as an encoder or a decoder gives it."""

    @property
    def mean(self) -> Tensor:
        """The mean, in the shape of a value."""
        ...

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-probability or log-density in nats, ``(B,)``."""
        ...

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One value for each example."""
        ...


def log_mean_weight(log_w: Tensor) -> Tensor:
    """log 1/K Σ_k w_k from the logs of K weights, ``(K, …)`` to ``(…)``: never the mean of the logs.

    It goes through logsumexp: the weights themselves are too small for a float.

    Raises:
        ValueError: log_w is no float tensor of one or more weights.

    >>> log_mean_weight(torch.tensor([-1000.0, -1000.0])).item()
    -1000.0
    """
    if not isinstance(log_w, Tensor) or not log_w.is_floating_point() or log_w.dim() == 0 or len(log_w) == 0:
        came = f"{log_w.dtype} {tuple(log_w.shape)}" if isinstance(log_w, Tensor) else type(log_w).__name__
        raise ValueError(f"log_mean_weight: expected a float tensor (K, …) with K ≥ 1, got {came}")
    return log_w.logsumexp(0) - log(len(log_w))


class Variational(ApproximateDensity, ClassConditional):
    """A bound: elbo(x) = E_q[log p(x, z) − log q(z | x)] ≤ log p(x).

    What is hidden, z, is drawn from a prior p(z), and x from a decoder p(x | z). An encoder q(z | x)
    guesses which z an x came from; how far its guess is from p(z | x) is how far the bound is from log p(x).

    With ``classes`` everything is given a class y as well, and the bound is one on log p(x | y). Asked
    without y, all classes are equally likely, and a weight of each takes the place of p(x | y):

        log p(x) = log 1/C Σ_y E_q[w_y] ≥ E_q[log 1/C Σ_y w_y],   w_y = p(x, z_y | y) / q(z_y | x, y),

    by Jensen's inequality, for any q. (The mean of w_y is p(x | y). That of exp(ELBO_y), from a z_y and the
    KL in closed form, is not: its logarithm may lie above log p(x).)

    Attributes:
        latent_shape: the shape of z.
        classes: the number of classes y; None: no classes.
    """

    title = "Variational"
    about = "ELBO(x) ≤ log p(x)"
    density = "lower bound"
    latent_shape: tuple[int, ...]

    def elbo(self, x: Tensor, y: Tensor | None = None, *, generator: torch.Generator | None = None) -> Tensor:
        """The evidence lower bound in nats, estimated without bias from one z per example: ``(B,)``.

        A model with classes that is asked without y draws one z per example and class.

        Args:
            x: ``(B, *event_shape)``.
            y: the classes ``(B,)`` of a model with classes.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Raises:
            ValueError: x or y has the wrong shape, dtype, device or values, or the generator another device.
        """
        self._check_generator(generator)
        x, y = self.check(x), self._check_classes(y, len(x))
        if self.classes is None or y is not None:
            return self._elbo(x, y, generator)
        return self._over_classes(lambda y: self._log_weights(x, y, 1, generator)[0], len(x), None)

    @abstractmethod
    def _elbo(self, x: Tensor, y: Tensor | None, generator: torch.Generator | None) -> Tensor: ...

    @torch.no_grad()
    def importance_weighted_bound(
        self, x: Tensor, k: int, y: Tensor | None = None, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """L_k = E[log 1/k Σ_j p(x, z_j) / q(z_j | x)] with z_1 … z_k ∼ q, from one draw of them: ``(B,)``.

        ELBO = L_1 ≤ L_k ≤ L_{k+1} ≤ log p(x), which it tends to (Burda, Grosse & Salakhutdinov, ICLR 2016).
        In nats. A measure, without gradients; memory does not grow with k.

        Args:
            x, y, generator: as in ``elbo``.
            k: how many z per example.

        Raises:
            ValueError: k is not a positive integer; x, y or generator is not what it should be.
        """
        self._check_generator(generator)
        k = check_count(k, f"{type(self).__name__}.importance_weighted_bound: k")
        x, y = self.check(x), self._check_classes(y, len(x))
        at_once = max(1, CODES_AT_ONCE // len(x))
        parts = [min(at_once, k - done) for done in range(0, k, at_once)]

        def bound(y: Tensor | None) -> Tensor:
            return log_mean_weight(torch.cat([self._log_weights(x, y, part, generator) for part in parts]))

        return self._over_classes(bound, len(x), y)

    @abstractmethod
    def _log_weights(self, x: Tensor, y: Tensor | None, k: int, generator: torch.Generator | None) -> Tensor:
        """log p(x, z) − log q(z | x) at k draws of z ∼ q(z | x) for each x, in nats: ``(k, B)``."""

    def encode(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """The distribution q(z | x), or q(z | x, y).

        Raises:
            ValueError: x or y is not what it should be; y is missing in a model with classes.
        """
        x = self.check(x)
        return self._encode(x, self._check_classes(y, len(x), needed=True))

    @abstractmethod
    def _encode(self, x: Tensor, y: Tensor | None) -> Distribution: ...

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """The distribution p(x | z) of the pixels, or p(x | z, y): ``decode(z).mean`` is what to look at.

        Raises:
            ValueError: z is no batch ``(B, *latent_shape)`` of finite values; y as in ``encode``.
        """
        who = f"{type(self).__name__}.decode"
        z = check_events(z, self.latent_shape, "real", like=self.reference, who=who)
        return self._decode(z, self._check_classes(y, len(z), needed=True))

    @abstractmethod
    def _decode(self, z: Tensor, y: Tensor | None) -> Distribution: ...

    def loss(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """E_x[−ELBO(x)] over the batch, in nats: an upper bound on the negative log-likelihood."""
        return -self.elbo(x, y).mean()

    @torch.no_grad()
    def sample(self, n: int, *, y: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Draw n samples, z ∼ p(z) and then x ∼ p(x | z): ``(n, *event_shape)``.

        Args:
            n: how many.
            y: classes ``(n,)`` of a model with classes; None: any class, all equally likely.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Raises:
            ValueError: n is not a positive integer, or y or generator is not what it should be.
        """
        self._check_generator(generator)
        y = self._classes_of_samples(y, check_count(n, f"{type(self).__name__}.sample"), generator)
        return self._sample(n, generator, y)

    @abstractmethod
    def _sample(self, n: int, generator: torch.Generator | None, y: Tensor | None = None) -> Tensor: ...

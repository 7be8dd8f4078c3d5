"""The branches of slide 14 that know a bound on log p(x), or p(x) up to a constant, and their verbs."""

from abc import abstractmethod
from math import log
from typing import Protocol

import torch
from torch import Tensor

from course_utils.checks import check_count, check_events, described
from course_utils.taxonomy.model import ClassConditional, MarkovChain
from course_utils.taxonomy.tractable import ExplicitDensity

CODES_AT_ONCE = 4096


class ApproximateDensity(ExplicitDensity):
    """p(x) has a formula, but only a bound or an unnormalised value of it can be computed."""

    title = "Approximate density"
    about = "can compute an approximation to p(x)"
    latent = True


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
        raise ValueError(f"log_mean_weight: expected a float tensor (K, …), K ≥ 1, got {described(log_w)}")
    return log_w.logsumexp(0) - log(len(log_w))


class Variational(ClassConditional, ApproximateDensity):
    """A bound: elbo(x) = E_q[log p(x, z) − log q(z | x)] ≤ log p(x).

    What is hidden, z, is drawn from a prior p(z), and x from a decoder p(x | z). An encoder q(z | x)
    guesses which z an x came from; how far its guess is from p(z | x) is how far the bound is from log p(x).

    With ``classes`` everything is given a class y as well, and the bound is one on log p(x | y). Asked
    without y, all classes are equally likely, and a weight of each takes the place of p(x | y):

        log p(x) = log 1/C Σ_y E_q[w_y] ≥ E_q[log 1/C Σ_y w_y],   w_y = p(x, z_y | y) / q(z_y | x, y),

    by Jensen's inequality, for any q. (Not so with exp(ELBO_y) from the KL in closed form for w_y.)

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

        A model with classes that is asked without y ``(B,)`` draws one z per example and class.
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
        """The distribution q(z | x), or q(z | x, y)."""
        return self._encode(*self._check_pair(x, y))

    @abstractmethod
    def _encode(self, x: Tensor, y: Tensor | None) -> Distribution: ...

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """The distribution p(x | z) of the pixels, or p(x | z, y), for z ``(B, *latent_shape)``."""
        who = f"{type(self).__name__}.decode"
        z = check_events(z, self.latent_shape, "real", like=self.reference, who=who)
        return self._decode(z, self._check_classes(y, len(z), needed=True))

    @abstractmethod
    def _decode(self, z: Tensor, y: Tensor | None) -> Distribution: ...

    def loss(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """E_x[−ELBO(x)] over the batch, in nats: an upper bound on the negative log-likelihood."""
        return -self.elbo(x, y).mean()


class ExplicitMarkovChain(MarkovChain, ApproximateDensity):
    """An energy: log p(x) = −F(x) − log Z with Z out of reach; samples come from a chain.

    The stationary distribution of its ``step`` is p_M.
    """

    title = "Markov chain"
    about = "p(x) = exp(−F(x)) / Z"
    density = "unnormalised"

    def free_energy(self, x: Tensor) -> Tensor:
        """F(x) in nats, ``(B,)``: −log p(x) up to the constant log Z."""
        return self._free_energy(self.check(x))

    @abstractmethod
    def _free_energy(self, x: Tensor) -> Tensor: ...

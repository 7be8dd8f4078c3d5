"""The branch of slide 14 that knows p(x) up to a constant, where the Boltzmann machine hangs."""

from abc import abstractmethod

import torch
from torch import Tensor

from course_utils.checks import check_count
from course_utils.taxonomy.branches import ApproximateDensity
from course_utils.taxonomy.model import MarkovChain


class ExplicitMarkovChain(ApproximateDensity, MarkovChain):
    """An energy: log p(x) = −F(x) − log Z with Z out of reach; samples come from a chain.

    Attributes:
        mixing: how many steps of the chain lead from noise to a sample, unless told otherwise.
    """

    title = "Markov chain"
    about = "log p(x) = −F(x) − log Z"
    density = "unnormalised"
    mixing: int

    def free_energy(self, x: Tensor) -> Tensor:
        """F(x) in nats, ``(B,)``: −log p(x) up to the constant log Z.

        Raises:
            ValueError: x has the wrong shape, dtype, device or values.
        """
        return self._free_energy(self.check(x))

    @abstractmethod
    def _free_energy(self, x: Tensor) -> Tensor: ...

    @torch.no_grad()
    def step(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """One transition x → x′ of a chain whose stationary law is p_M, in the shape of x.

        Args:
            x: ``(B, *event_shape)``.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Raises:
            ValueError: x has the wrong shape, dtype, device or values.
        """
        return self._step(self.check(x), generator)

    @abstractmethod
    def _step(self, x: Tensor, generator: torch.Generator | None) -> Tensor: ...

    @torch.no_grad()
    def sample(self, n: int, *, steps: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """The ends of n independent chains: ``(n, *event_shape)``; p_M only as far as they have mixed.

        Args:
            n: how many.
            steps: of each chain, from noise; None: ``mixing``.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Raises:
            ValueError: n or steps is not a positive integer.
        """
        who = f"{type(self).__name__}.sample"
        steps = self.mixing if steps is None else check_count(steps, f"{who}: steps")
        return self._sample(check_count(n, who), generator, steps)

    @abstractmethod
    def _sample(self, n: int, generator: torch.Generator | None, steps: int) -> Tensor: ...

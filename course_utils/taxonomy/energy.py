"""The branch of slide 14 that knows p(x) up to a constant, where the Boltzmann machine hangs."""

from abc import abstractmethod

from torch import Tensor

from course_utils.taxonomy.branches import ApproximateDensity
from course_utils.taxonomy.model import MarkovChain


class ExplicitMarkovChain(MarkovChain, ApproximateDensity):
    """An energy: log p(x) = −F(x) − log Z with Z out of reach; samples come from a chain.

    The stationary distribution of its ``step`` is p_M.
    """

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

"""A deep energy: any network gives F(x), and on few pixels Z is a sum that can be taken."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from course_utils.checks import check_count, check_sizes
from course_utils.models.boltzmann import BoltzmannMachine, binary_states, flip_coins
from course_utils.nets.coders import layers
from course_utils.runtime import as_double
from course_utils.taxonomy import ExplicitMarkovChain, Support

LARGEST = 16  # pixels


class DeepEnergy(ExplicitMarkovChain):
    r"""An energy without hidden units: F(x) is a network, and nothing else is asked of it.

        p(x) = exp(−F(x)) / Z,   Z = Σ_x exp(−F(x)),   loss(θ) = E_x[F(x)] + log Z.

    In a restricted Boltzmann machine F is a sum of softplus, one for each hidden unit, since only then the
    sum over hidden units has a closed form. A network needs no such sum: it *is* F. What remains is Z,
    here over all 2^D images, with its exact gradient; on large images chains take its place, as in PCD.
    Y. LeCun, S. Chopra, R. Hadsell, M. Ranzato and F. Huang, *A Tutorial on Energy-Based Learning*, 2006;
    Y. Du and I. Mordatch, *Implicit Generation and Modeling with Energy-Based Models*, NeurIPS 2019.

    A step of the chain draws each pixel in turn given all others: p(x_i = 1 | rest) = σ(F with 0 − F with 1).

    Args:
        event_shape: any shape of at most 16 elements.
        hidden: sizes of the hidden layers.
        mixing: steps of the chain from noise to a sample.

    Shapes: x ``(B, *event_shape)`` with values in {0, 1}; ``free_energy`` ``(B,)`` in nats.

    Raises:
        ValueError: a setting is out of range, there are too many pixels, x is not binary.

    >>> model = DeepEnergy((1, 2, 2), hidden=(8,))
    >>> x = model.sample(5)
    >>> log_p = -model.free_energy(x) - model.log_partition()
    >>> log_p.shape
    torch.Size([5])
    """

    title = "Deep energy"
    about = "F(x) is a network (2006)"
    on_tree: ClassVar[bool] = False
    descends_from: ClassVar[type] = BoltzmannMachine
    support: Support = "binary"
    fit_defaults = {"lr": 1e-2, "epochs": 4, "batch_size": 250, "schedule": "cosine", "average": 0.99}

    def __init__(
        self, event_shape: tuple[int, ...], *, hidden: tuple[int, ...] = (64, 64), mixing: int = 100
    ) -> None:
        super().__init__(event_shape)
        if self.dims > LARGEST:
            raise ValueError(f"DeepEnergy: expected at most {LARGEST} pixels, got {self.event_shape}")
        sizes = check_sizes(hidden, "DeepEnergy: hidden")
        self.mixing = check_count(mixing, "DeepEnergy: mixing")
        self.net: nn.Module = layers([self.dims, *sizes, 1])

    def _free_energy(self, x: Tensor) -> Tensor:
        return self.net(2 * x.flatten(1) - 1)[:, 0]

    def loss(self, x: Tensor) -> Tensor:
        """The exact negative log-likelihood E_x[F(x)] + log Z in nats."""
        return self._free_energy(self.check(x)).mean() + self._log_partition()

    @torch.no_grad()
    def log_partition(self) -> Tensor:
        """log Z in nats, exactly: a scalar in float64."""
        return as_double(self._log_partition())

    def _log_partition(self) -> Tensor:
        return (-self._free_energy(binary_states(self.dims, like=self.reference))).logsumexp(0)

    def _step(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        v = x.flatten(1).clone()
        for i in range(self.dims):
            paper, ink = v.clone(), v.clone()
            paper[:, i], ink[:, i] = 0, 1
            log_odds = self._free_energy(paper) - self._free_energy(ink)
            v[:, i] = flip_coins(log_odds, generator)
        return v.view_as(x)

"""Games: several players who train in turn, each its own networks down its own loss."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn


@dataclass(frozen=True)
class Player:
    """One player of a game.

    Attributes:
        name: what its loss is called in the history.
        nets: the networks that it trains; two generators can be one player with one optimiser.
        loss: of the whole batch, as data and transform give it, to a scalar.
        every: it steps once in so many batches; the first player of a game steps in each.
        averaged: whether it keeps the running average of its weights (``Settings.average``).
    """

    name: str
    nets: tuple[nn.Module, ...]
    loss: Callable[..., Tensor]
    every: int = 1
    averaged: bool = False


class Game(ABC):
    """What ``fit`` asks of a model that has no loss of its own, since what one player gains another may lose.

    Attributes:
        paired: whether the tensors of the data belong together, example by example; else each is drawn on
            its own, as the two kinds of pictures of a CycleGAN are.
        probability: whether what is observed is a probability, and losses are in nats.
    """

    paired: ClassVar[bool] = True
    probability: bool = True

    @abstractmethod
    def players(self) -> Iterable[Player]:
        """The players in the order of their turns."""

    @abstractmethod
    def observe(self, *batch: Tensor) -> dict[str, Tensor]:
        """What to record of a held-out batch after each epoch: a scalar for each name."""

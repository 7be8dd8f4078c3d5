"""The branches of slide 14 that do not compute p(x), and the games in which some of them are learned."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from course_utils.taxonomy.model import ClassConditional, GenerativeModel, MarkovChain


class ImplicitDensity(GenerativeModel):
    """The model does not compute p(x), but it can be sampled."""

    title = "Implicit density"
    about = "does not compute p(x), but can sample from it"
    latent = True


class ImplicitMarkovChain(MarkovChain, ImplicitDensity):
    """Only the transition x → x′ of a chain is learned."""

    title = "Markov chain"
    about = "learned step x → x′"

    @abstractmethod
    def loss(self, x: Tensor) -> Tensor:
        """The scalar that training minimises, a mean over the batch."""


@dataclass(frozen=True)
class Player:
    """One player of a game."""

    name: str  # what its loss is called in the history
    nets: tuple[nn.Module, ...]  # that it trains; two generators can be one player with one optimiser
    loss: Callable[..., Tensor]  # of the whole batch, as data and transform give it, to a scalar
    every: int = 1  # it steps once in so many batches; the first player of a game steps in each
    averaged: bool = False  # whether it keeps the running average of its weights (``Settings.average``)


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


class Duel(Game):
    """A game of two: a generator G, and a discriminator D that tells what it makes from what is real.

    Attributes:
        discriminator_steps: how many steps D takes for each of G's.
    """

    generator: nn.Module
    discriminator: nn.Module
    discriminator_steps: int = 1
    generator_loss: Callable[..., Tensor]
    discriminator_loss: Callable[..., Tensor]

    def players(self) -> tuple[Player, ...]:
        """D, then G: it steps after every ``discriminator_steps`` of D's, and keeps its running average.

        An average forgets the turns that the players take around each other (Yazıcı et al., ICLR 2019).
        """
        every = self.discriminator_steps
        return (
            Player("discriminator", (self.discriminator,), self.discriminator_loss),
            Player("generator", (self.generator,), self.generator_loss, every, averaged=True),
        )


class Direct(Duel, ClassConditional, ImplicitDensity):
    """x = generator(z) in one go, learned in a game against a discriminator.

    There is no loss of the model, only one of each player: what one of them gains, the other may lose.

    Attributes:
        generator: the network G, noise ``(B, …)`` to events ``(B, *event_shape)``.
        discriminator: the network D, events to ``(B,)``; ``discriminate`` gives its answer.
        probability: whether D answers with the probability that x is real; else with a score.
    """

    title = "Direct"
    about = "x = G(z), learned in a game against D"

    def observe(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """D's mean answers to real examples, and to as many new samples (of the same classes)."""
        fake = self.sample(len(x), y=y)
        return {"real": self.discriminate(x, y).mean(), "fake": self.discriminate(fake, y).mean()}

    def discriminator_loss(
        self, x: Tensor, y: Tensor | None = None, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """What D minimises in its turn, a scalar: a mean over x and over as many new samples of G."""
        self._check_generator(generator)
        return self._discriminator_loss(*self._check_pair(x, y), generator)

    @abstractmethod
    def _discriminator_loss(
        self, x: Tensor, y: Tensor | None, generator: torch.Generator | None
    ) -> Tensor: ...

    def generator_loss(
        self, x: Tensor, y: Tensor | None = None, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """What G minimises in its turn, a scalar: a mean over as many new samples as x has examples.

        Plain GANs look at the number of x only.
        """
        self._check_generator(generator)
        return self._generator_loss(*self._check_pair(x, y), generator)

    @abstractmethod
    def _generator_loss(self, x: Tensor, y: Tensor | None, generator: torch.Generator | None) -> Tensor: ...

    def discriminate(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """D's answer for each example, ``(B,)``: the probability that x is real, or a critic's score."""
        return self._discriminate(*self._check_pair(x, y))

    @abstractmethod
    def _discriminate(self, x: Tensor, y: Tensor | None) -> Tensor: ...

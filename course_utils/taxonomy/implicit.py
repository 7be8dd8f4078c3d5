"""The branches of slide 14 that do not compute p(x): what can be sampled is all that is known of them."""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from course_utils.checks import check_count
from course_utils.taxonomy.classes import ClassConditional
from course_utils.taxonomy.game import Game, Player
from course_utils.taxonomy.model import GenerativeModel, MarkovChain


class ImplicitDensity(GenerativeModel):
    """The model does not compute p(x), but it can be sampled."""

    title = "Implicit density"
    about = "does not compute p(x), but can sample from it"
    latent = True


class ImplicitMarkovChain(MarkovChain, ImplicitDensity):
    """Only the transition x → x′ of a chain is learned."""

    title = "Markov chain"
    about = "a learned step x → x′"

    @abstractmethod
    def loss(self, x: Tensor) -> Tensor:
        """The scalar that training minimises, a mean over the batch."""


class Direct(Game, ImplicitDensity, ClassConditional):
    """x = generator(z) in one go, learned in a game against a discriminator.

    There is no loss of the model, only one of each player: what one of them gains, the other may lose.

    Attributes:
        generator: the network G, noise ``(B, …)`` to events ``(B, *event_shape)``.
        discriminator: the network D, events to ``(B,)``; ``discriminate`` gives its answer.
        discriminator_steps: how many steps D takes for each of G's.
        classes: the number of classes y that both players are told; None: no classes.
        probability: whether D answers with the probability that x is real; else with a score.
    """

    title = "Direct"
    about = "x = G(z), learned in a game against D"

    generator: nn.Module
    discriminator: nn.Module
    discriminator_steps: int = 1

    def players(self) -> tuple[Player, ...]:
        """D, then G: it steps after every ``discriminator_steps`` of D's, and keeps its running average.

        An average forgets the turns that the players take around each other (Yazıcı et al., ICLR 2019).
        """
        return (
            Player("discriminator", (self.discriminator,), self.discriminator_loss),
            Player(
                "generator",
                (self.generator,),
                self.generator_loss,
                every=self.discriminator_steps,
                averaged=True,
            ),
        )

    def observe(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """D's mean answers to real examples, and to as many new samples (of the same classes)."""
        fake = self.sample(len(x), y=y)
        return {"real": self.discriminate(x, y).mean(), "fake": self.discriminate(fake, y).mean()}

    def discriminator_loss(
        self, x: Tensor, y: Tensor | None = None, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """What D minimises when it is D's turn, a scalar: a mean over x and over as many new samples of G.

        Args:
            x: real events, ``(B, *event_shape)``.
            y: their classes ``(B,)``, in a model with classes.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Raises:
            ValueError: x, y or generator is not what it should be.
        """
        self._check_generator(generator)
        x = self.check(x)
        return self._discriminator_loss(x, self._check_classes(y, len(x), needed=True), generator)

    @abstractmethod
    def _discriminator_loss(
        self, x: Tensor, y: Tensor | None, generator: torch.Generator | None
    ) -> Tensor: ...

    def generator_loss(
        self, x: Tensor, y: Tensor | None = None, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """What G minimises when it is G's turn, a scalar: a mean over as many new samples as x has examples.

        Args:
            x: real events, ``(B, *event_shape)``; plain GANs look at their number only.
            y: which classes to draw ``(B,)``, in a model with classes.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Raises:
            ValueError: x, y or generator is not what it should be.
        """
        self._check_generator(generator)
        x = self.check(x)
        return self._generator_loss(x, self._check_classes(y, len(x), needed=True), generator)

    @abstractmethod
    def _generator_loss(self, x: Tensor, y: Tensor | None, generator: torch.Generator | None) -> Tensor: ...

    def discriminate(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """D's answer for each example, ``(B,)``: the probability that x is real, or a critic's score.

        Raises:
            ValueError: x or y is not what it should be.
        """
        x = self.check(x)
        return self._discriminate(x, self._check_classes(y, len(x), needed=True))

    @abstractmethod
    def _discriminate(self, x: Tensor, y: Tensor | None) -> Tensor: ...

    @torch.no_grad()
    def sample(self, n: int, *, y: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Draw n samples x = G(z), z ∼ p(z): ``(n, *event_shape)``.

        Args:
            n: how many.
            y: classes ``(n,)`` of a model with classes; None: any class, all equally likely.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Raises:
            ValueError: n is not a positive integer, or y or generator is not what it should be.
        """
        self._check_generator(generator)
        n = check_count(n, f"{type(self).__name__}.sample")
        y = self._classes_of_samples(y, n, generator)
        return self._sample(n, generator) if y is None else self._sample(n, generator, y)

    @abstractmethod
    def _sample(self, n: int, generator: torch.Generator | None, y: Tensor | None = None) -> Tensor: ...

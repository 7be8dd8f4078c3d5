"""The branches of slide 14 that do not compute p(x): what can be sampled is all that is known of them."""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from course_utils.checks import check_classes, check_count
from course_utils.taxonomy.model import GenerativeModel, MarkovChain


class ImplicitDensity(GenerativeModel):
    """The model does not compute p(x), but it can be sampled."""

    title = "Implicit density"
    about = "does not compute p(x), but can sample from it"
    latent = True


class ImplicitMarkovChain(ImplicitDensity, MarkovChain):
    """Only the transition x → x′ of a chain is learned.

    Attributes:
        mixing: how many steps of the chain lead from noise to a sample, unless told otherwise.
    """

    title = "Markov chain"
    about = "a learned step x → x′"
    mixing: int

    @abstractmethod
    def loss(self, x: Tensor) -> Tensor:
        """The scalar that training minimises, a mean over the batch."""

    @torch.no_grad()
    def step(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """One learned transition x → x′, in the shape of x: a chain on x alone, which remembers nothing else.

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


class Direct(ImplicitDensity):
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
    classes: int | None = None
    probability: bool = True

    def discriminator_loss(
        self, x: Tensor, y: Tensor | None = None, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """What D minimises when it is D's turn, a scalar: a mean over x and over as many new samples of G.

        Args:
            x: real events, ``(B, *event_shape)``.
            y: their classes ``(B,)``, in a model with classes.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Raises:
            ValueError: x or y is not what it should be.
        """
        x = self.check(x)
        return self._discriminator_loss(x, self._classes(y, len(x)), generator)

    @abstractmethod
    def _discriminator_loss(
        self, x: Tensor, y: Tensor | None, generator: torch.Generator | None
    ) -> Tensor: ...

    def generator_loss(
        self, n: int, y: Tensor | None = None, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """What G minimises when it is G's turn, a scalar: a mean over n new samples.

        Args:
            n: how many samples.
            y: which classes ``(n,)``, in a model with classes.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Raises:
            ValueError: n is not a positive integer, or y is not what it should be.
        """
        n = check_count(n, f"{type(self).__name__}.generator_loss: n")
        return self._generator_loss(n, self._classes(y, n), generator)

    @abstractmethod
    def _generator_loss(self, n: int, y: Tensor | None, generator: torch.Generator | None) -> Tensor: ...

    def discriminate(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """D's answer for each example, ``(B,)``: the probability that x is real, or a critic's score.

        Raises:
            ValueError: x or y is not what it should be.
        """
        x = self.check(x)
        return self._discriminate(x, self._classes(y, len(x)))

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
            ValueError: n is not a positive integer, or y is not what it should be.
        """
        n = check_count(n, f"{type(self).__name__}.sample")
        if self.classes is not None and y is None:
            y = torch.randint(self.classes, (n,), generator=generator, device=self.reference.device)
        y = self._classes(y, n)
        return self._sample(n, generator) if y is None else self._sample(n, generator, y)

    def _classes(self, y: Tensor | None, n: int) -> Tensor | None:
        who = type(self).__name__
        if (self.classes is None) != (y is None):
            want = "no classes y" if self.classes is None else f"classes y from 0 to {self.classes - 1}"
            raise ValueError(f"{who}: expected {want}, got {'None' if y is None else 'some'}")
        return None if y is None else check_classes(y, n, self.classes, like=self.reference, who=who)

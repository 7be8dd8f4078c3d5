"""The root of the tree, what every generative model has; and what some share on whatever branch."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from math import log, prod
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from course_utils.checks import check_classes, check_count, check_events, check_generator

Density = Literal["exact", "lower bound", "unnormalised", "none"]
Support = Literal["binary", "levels", "unit", "real"]


class GenerativeModel(nn.Module, ABC):
    """A distribution p_M over events x that can be sampled.

    It is born in eval mode: who measures a new or loaded model measures p_M, and not what dropout makes of
    it each time. Only the steps of ``training.fit`` put a model into train mode.

    Args:
        event_shape: the shape of one example: (C, H, W) for images, (2,) for points of the plane.

    Attributes:
        title: the name in the lecture's tree.
        support: which values x takes: "binary" {0, 1}, "levels" k/(L−1), "unit" [0, 1], or "real".
        levels: the number L of values of a pixel, where that is finite: 2 for "binary".
        density: what the model can say about p(x): "exact", "lower bound", "unnormalised", "none".
        latent: slide 13: whether hidden variables generate the data (False: fully visible).
        fit_defaults: the settings with which ``training.fit`` trains this model unless another is given.
    """

    title: ClassVar[str] = "Generative models"
    about: ClassVar[str] = "can be sampled"
    density: ClassVar[Density] = "none"
    latent: ClassVar[bool | None] = None
    fit_defaults: ClassVar[dict[str, object]] = {}
    support: Support = "unit"
    levels: int = 2

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = _ending_in_eval_mode(cls.__init__)

    def __init__(self, event_shape: tuple[int, ...]) -> None:
        super().__init__()
        shape = tuple(event_shape) if isinstance(event_shape, tuple | list | torch.Size) else ()
        if not shape or not all(isinstance(d, int) and not isinstance(d, bool) and d > 0 for d in shape):
            want = "event_shape as a tuple of positive integers such as (1, 8, 8)"
            raise ValueError(f"{type(self).__name__}: expected {want}, got {event_shape!r}")
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
        """Return x if it is a batch this model lives on: type, shape, dtype, device and values.

        In train mode values are not looked at: ``fit`` has seen them all, and each look waits for a GPU.

        Raises:
            ValueError: naming the model, what it expected and what came.
        """
        who, like = type(self).__name__, self.reference
        values = None if self.training else self.support
        return check_events(x, self.event_shape, values, like=like, who=who, levels=self.levels)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Draw n samples x ∼ p_M: ``(n, *event_shape)`` on the model's device.

        Raises:
            ValueError: n is not a positive integer, or the generator is none of the model's device.
        """
        self._check_generator(generator)
        return self._sample(check_count(n, f"{type(self).__name__}.sample"), generator)

    def _check_generator(self, generator: torch.Generator | None) -> None:
        """Raise a ValueError that names the model if it cannot use these random numbers."""
        check_generator(generator, self.reference.device, type(self).__name__)

    @abstractmethod
    def _sample(self, n: int, generator: torch.Generator | None) -> Tensor: ...


def _ending_in_eval_mode(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def wrapped(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        self.eval()

    return wrapped


class MarkovChain(ABC):
    """What a model adds whose samples come from running a chain x → x′ to its stationary distribution.

    It stands before the branch among the bases of a class, so that ``sample`` is that of a chain.

    Attributes:
        mixing: how many steps of the chain lead from noise to a sample, unless another is given.
    """

    mixing: int
    event_shape: tuple[int, ...]  # as every generative model has it
    reference: Tensor
    check: Callable[[Tensor], Tensor]
    _check_generator: Callable[[torch.Generator | None], None]

    @torch.no_grad()
    def step(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """One transition x → x′ of the chain, in the shape of x: on x alone, which remembers nothing else."""
        self._check_generator(generator)
        return self._step(self.check(x), generator)

    @abstractmethod
    def _step(self, x: Tensor, generator: torch.Generator | None) -> Tensor: ...

    @torch.no_grad()
    def sample(self, n: int, *, steps: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """The ends of n independent chains: ``(n, *event_shape)``; p_M only as far as they have mixed.

        Each takes so many ``steps`` from noise; None: ``mixing``.
        """
        who = f"{type(self).__name__}.sample"
        self._check_generator(generator)
        steps = self.mixing if steps is None else check_count(steps, f"{who}: steps")
        return self._sample(check_count(n, who), generator, steps)

    def _sample(self, n: int, generator: torch.Generator | None, steps: int) -> Tensor:
        x = self._start(n, generator)
        for _ in range(steps):
            x = self._step(x, generator)
        return x

    def _start(self, n: int, generator: torch.Generator | None) -> Tensor:
        """Where n chains begin: at noise, each pixel black or white."""
        like = self.reference
        u = torch.rand(n, *self.event_shape, generator=generator, dtype=like.dtype, device=like.device)
        return u.round()


class ClassConditional:
    """A model of p(x | y), if it is built with classes. Where y may be left out, and what that means:

    - A *measure* or ``sample`` without y is that of the mixture, p(x) = Σ_y p(x | y) / classes.
    - A *loss* needs y: what is trained is p(x | y), of examples whose class is known.
    - So does what has no meaning for a mixture: conditionals, a code of x, an answer of the discriminator.

    y are integers of any type, ``(B,)``, on the model's device. A model without classes takes none.

    Attributes:
        classes: the number of classes y; None: no classes.
    """

    classes: int | None = None
    reference: Tensor  # as every generative model has it
    training: bool
    check: Callable[[Tensor], Tensor]
    _check_generator: Callable[[torch.Generator | None], None]
    _sample: Callable[..., Tensor]

    @torch.no_grad()
    def sample(self, n: int, *, y: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Draw n samples x ∼ p_M, of classes y ``(n,)``, or of any class: ``(n, *event_shape)``."""
        y = self._classes_of_samples(y, check_count(n, f"{type(self).__name__}.sample"), generator)
        return self._sample(n, generator) if y is None else self._sample(n, generator, y)

    def _check_classes(self, y: Tensor | None, n: int, *, needed: bool = False) -> Tensor | None:
        """Return y if it is n classes of the model, or None where that may be; else raise a ValueError."""
        who = type(self).__name__
        if self.classes is None:
            if y is not None:
                raise ValueError(f"{who}: expected no classes y, since the model was built without, got some")
            return None
        if y is None:
            if needed:
                raise ValueError(f"{who}: expected classes y from 0 to {self.classes - 1}, got None")
            return None
        values = not self.training  # in train mode ``fit`` has looked already
        return check_classes(y, n, self.classes, like=self.reference, who=who, values=values)

    def _check_pair(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """A batch and its classes, where those are needed."""
        x = self.check(x)
        return x, self._check_classes(y, len(x), needed=True)

    def _classes_of_samples(
        self, y: Tensor | None, n: int, generator: torch.Generator | None
    ) -> Tensor | None:
        """The classes of n samples: y, or random ones in a model with classes that is given none."""
        self._check_generator(generator)
        y = self._check_classes(y, n)
        if self.classes is not None and y is None:
            y = torch.randint(self.classes, (n,), generator=generator, device=self.reference.device)
        return y

    def _over_classes(self, log_p: Callable[[Tensor | None], Tensor], n: int, y: Tensor | None) -> Tensor:
        """log p(x | y) of n examples or, without y, log Σ_y p(x | y) / classes: ``(n,)``."""
        if self.classes is None or y is not None:
            return log_p(y)
        every = torch.arange(self.classes, device=self.reference.device)
        given_y = torch.stack([log_p(one.expand(n)) for one in every])
        return given_y.logsumexp(0) - log(self.classes)

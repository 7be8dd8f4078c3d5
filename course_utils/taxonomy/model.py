"""The root of the tree: what every generative model has."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from math import prod
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from course_utils.checks import check_count, check_events, check_generator

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
        fit_defaults: the settings with which ``training.fit`` trains this model unless told otherwise.
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
            raise ValueError(
                f"{type(self).__name__}: expected event_shape as a tuple of positive integers "
                f"such as (1, 8, 8), got {event_shape!r}"
            )
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
        """Return x if it is a batch this model lives on.

        In train mode values are not looked at: ``fit`` has seen them all, and each look waits for a GPU.

        Raises:
            ValueError: naming the model, what it expected and what came: type, shape, dtype, device
                or values (see ``support``).
        """
        who, like = type(self).__name__, self.reference
        values = None if self.training else self.support
        return check_events(x, self.event_shape, values, like=like, who=who, levels=self.levels)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Draw n samples x ∼ p_M.

        Args:
            n: how many.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Returns:
            ``(n, *event_shape)`` on the model's device.

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
        mixing: how many steps of the chain lead from noise to a sample, unless told otherwise.
    """

    mixing: int
    check: Callable[[Tensor], Tensor]
    _check_generator: Callable[[torch.Generator | None], None]

    @torch.no_grad()
    def step(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """One transition x → x′ of the chain, in the shape of x: on x alone, which remembers nothing else.

        Args:
            x: ``(B, *event_shape)``.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Raises:
            ValueError: x has the wrong shape, dtype, device or values, or the generator another device.
        """
        self._check_generator(generator)
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
            ValueError: n or steps is not a positive integer, or the generator is none of the model's device.
        """
        who = f"{type(self).__name__}.sample"
        self._check_generator(generator)
        steps = self.mixing if steps is None else check_count(steps, f"{who}: steps")
        return self._sample(check_count(n, who), generator, steps)

    @abstractmethod
    def _sample(self, n: int, generator: torch.Generator | None, steps: int) -> Tensor: ...

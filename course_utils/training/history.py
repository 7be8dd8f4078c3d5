"""What happened in a training run or in a game, epoch by epoch."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REASONS = {
    "epochs": "all epochs done",
    "patience": "no better for {patience} epochs",
    "seconds": "time is up",
    "interrupted": "interrupted",
}


@dataclass(repr=False)
class Record(ABC):
    """What a training run and a game have in common. Epochs count from 1."""

    model: str  # the name of the model's class
    settings: dict[str, object] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)  # of each epoch by the clock, evaluation included
    lr: list[float] = field(default_factory=list)  # at the end of each epoch
    stopped: str = ""  # one of REASONS; empty while training runs
    best_epoch = 0

    def __post_init__(self) -> None:
        who, n, curves = type(self).__name__, self.epochs, [*self._curves(), self.seconds, self.lr]
        numbers = all(isinstance(value, int | float) for curve in curves for value in curve)
        if not numbers or {len(curve) for curve in curves} != {n}:
            raise ValueError(f"{who}: expected curves of one length, a number an epoch, got something else")
        if not 0 <= self.best_epoch <= n or self.stopped not in ("", *REASONS):
            got = f"{self.best_epoch} and {self.stopped!r}"
            raise ValueError(f"{who}: expected best_epoch in [0, {n}] and a reason to stop, got {got}")

    @property
    def epochs(self) -> int:
        """How many epochs were recorded."""
        return len(self.lr)

    def __repr__(self) -> str:
        reason = REASONS.get(self.stopped, "running").format(**{"patience": "", **self.settings})
        if not self.epochs:
            return f"{self.model}: no epoch finished (stopped: {reason})"
        epochs = f"{self.epochs} epoch{'s' if self.epochs > 1 else ''}"
        return f"{self.model}: {epochs}, {self._found()} (stopped: {reason})"

    @abstractmethod
    def _curves(self) -> list[list[float]]: ...

    @abstractmethod
    def _found(self) -> str: ...


@dataclass(repr=False)
class History(Record):
    """The course of a training run; losses are in nats.

    >>> History("NADE", stopped="epochs").after(train=18.0, valid=17.4, seconds=0.1, lr=1e-3)
    NADE: 1 epoch, best 1, held-out loss 17.40 nats (stopped: all epochs done)
    """

    train: list[float] = field(default_factory=list)  # mean of each epoch, while the weights were moving
    valid: list[float] = field(default_factory=list)  # held-out loss after each epoch
    best_epoch: int = 0  # whose weights the model has now; 0 if no epoch was finished
    best_valid: float = inf  # its held-out loss

    def _curves(self) -> list[list[float]]:
        return [self.train, self.valid]

    def after(self, *, train: float, valid: float, seconds: float, lr: float) -> "History":
        """This history with one epoch more."""
        better: Any = {"best_epoch": self.epochs + 1, "best_valid": valid} if valid < self.best_valid else {}
        curves = {"train": [*self.train, train], "valid": [*self.valid, valid]}
        return replace(self, seconds=[*self.seconds, seconds], lr=[*self.lr, lr], **curves, **better)

    def latest(self) -> str:
        """The last epoch in words."""
        return f"training {self.train[-1]:.2f}, held-out {self.valid[-1]:.2f} nats"

    def _found(self) -> str:
        return f"best {self.best_epoch}, held-out loss {self.best_valid:.2f} nats"

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw training and held-out loss against the epoch, with the best epoch marked."""
        from course_utils import plots

        return plots.history(self, ax=ax)


@dataclass(repr=False)
class GameHistory(Record):
    """The course of a game.

    No curve here says how good a generator is: each loss depends on how good the other player is. So
    there is no best epoch, and the weights that are kept are the last ones. A GAN's answers are D's means of
    "real" held-out examples and of "fake" ones, new samples.

    >>> history = GameHistory("GAN", stopped="epochs")
    >>> history.after(train={"generator": 0.8}, valid={"real": 0.6, "fake": 0.4}, seconds=0.1, lr=1e-3)
    GAN: 1 epoch, answers: real 0.60, fake 0.40 (stopped: all epochs done)
    """

    probability: bool = True  # that D answers with, and losses in nats; else a critic's scores, in units of x
    losses: dict[str, list[float]] = field(default_factory=dict)  # of each player, while the weights moved
    answers: dict[str, list[float]] = field(default_factory=dict)  # what ``observe`` gave after each epoch

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights the model has now: the last one, since no other is known to be better."""
        return self.epochs

    def _curves(self) -> list[list[float]]:
        return [*self.losses.values(), *self.answers.values()]

    def after(
        self, *, train: dict[str, float], valid: dict[str, float], seconds: float, lr: float
    ) -> "GameHistory":
        """This history with one epoch more: losses of the players, answers of the game."""
        losses = {name: [*self.losses.get(name, []), loss] for name, loss in train.items()}
        answers = {name: [*self.answers.get(name, []), answer] for name, answer in valid.items()}
        curves = {"seconds": [*self.seconds, seconds], "lr": [*self.lr, lr]}
        return replace(self, losses=losses, answers=answers, **curves)

    def latest(self) -> str:
        """The last epoch in words."""
        return "answers: " + ", ".join(f"{name} {curve[-1]:.2f}" for name, curve in self.answers.items())

    _found = latest

    def plot(self, ax: "tuple[Axes, Axes] | None" = None) -> "tuple[Axes, Axes]":
        """Draw the players' losses, and the answers to real and generated examples, against the epoch."""
        from course_utils import plots

        return plots.game(self, ax=ax)

"""What happened in a training run or in a game, epoch by epoch."""

from dataclasses import asdict, dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REASONS = {
    "epochs": "all epochs done",
    "patience": "no better for {patience} epochs",
    "seconds": "time is up",
    "interrupted": "interrupted",
}


def _in_words(model: str, epochs: int, found: str, stopped: str, settings: dict[str, object]) -> str:
    reason = REASONS.get(stopped, "running").format(**{"patience": "", **settings})
    if not epochs:
        return f"{model}: no epoch finished (stopped: {reason})"
    return f"{model}: {epochs} epoch{'s' if epochs > 1 else ''}, {found} (stopped: {reason})"


def _check(history: "History | GameHistory", *curves: list[float]) -> None:
    """Raise a ValueError unless curves have a number for each epoch, and the rest is of this run."""
    who, n = type(history).__name__, history.epochs
    numbers = all(isinstance(value, int | float) for curve in curves for value in curve)
    if not numbers or {len(curve) for curve in curves} != {n}:
        raise ValueError(f"{who}: expected curves of one length, a number an epoch, got something else")
    if not 0 <= history.best_epoch <= n or history.stopped not in ("", *REASONS):
        got = f"{history.best_epoch} and {history.stopped!r}"
        raise ValueError(f"{who}: expected best_epoch in [0, {n}] and a reason to have stopped, got {got}")


@dataclass(repr=False)
class History:
    """The course of a training run; losses are in nats. Epochs count from 1.

    Attributes:
        model: the name of the model's class.
        settings: the settings of the run by name.
        train: mean training loss of each epoch, taken while the weights were moving.
        valid: held-out loss after each epoch.
        seconds: wall-clock seconds of each epoch, evaluation included.
        lr: learning rate at the end of each epoch.
        best_epoch: the epoch whose weights the model has now; 0 if no epoch was finished.
        best_valid: its held-out loss.
        stopped: "epochs" (all done), "patience" (no better for that long), "seconds" (time is up)
            or "interrupted"; empty while training runs.

    >>> History("NADE", stopped="epochs").after(train=18.0, valid=17.4, seconds=0.1, lr=1e-3)
    NADE: 1 epoch, best 1, held-out loss 17.40 nats (stopped: all epochs done)
    """

    model: str
    settings: dict[str, object] = field(default_factory=dict)
    train: list[float] = field(default_factory=list)
    valid: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    best_epoch: int = 0
    best_valid: float = inf
    stopped: str = ""

    def __post_init__(self) -> None:
        _check(self, self.train, self.valid, self.seconds, self.lr)

    @property
    def epochs(self) -> int:
        """How many epochs were recorded."""
        return len(self.valid)

    def after(self, *, train: float, valid: float, seconds: float, lr: float) -> "History":
        """This history with one epoch more."""
        better = valid < self.best_valid
        return replace(
            self,
            train=[*self.train, train],
            valid=[*self.valid, valid],
            seconds=[*self.seconds, seconds],
            lr=[*self.lr, lr],
            best_epoch=self.epochs + 1 if better else self.best_epoch,
            best_valid=valid if better else self.best_valid,
        )

    def latest(self) -> str:
        """The last epoch in words."""
        return f"training {self.train[-1]:.2f}, held-out {self.valid[-1]:.2f} nats"

    def as_dict(self) -> dict[str, object]:
        """The history as plain data, from which ``History(**data)`` makes it again."""
        return asdict(self)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw training and held-out loss against the epoch, with the best epoch marked."""
        from course_utils import plots

        return plots.history(self, ax=ax)

    def __repr__(self) -> str:
        found = f"best {self.best_epoch}, held-out loss {self.best_valid:.2f} nats"
        return _in_words(self.model, self.epochs, found, self.stopped, self.settings)


@dataclass(repr=False)
class GameHistory:
    """The course of a game. Epochs count from 1.

    No curve here says how good a generator is: each loss depends on how good the other player is. So
    there is no best epoch, and the weights that are kept are the last ones.

    Attributes:
        model: the name of the model's class.
        settings: the settings of the run by name.
        probability: whether the discriminator answers with a probability and losses are in nats; else it
            is a critic, whose scores are in units of x.
        losses: the mean loss of each player, by its name, in each epoch, taken while the weights moved.
        answers: what ``observe`` gave after each epoch, by name: a GAN's are D's mean answers to "real"
            held-out examples and to "fake" ones, new samples.
        seconds: wall-clock seconds of each epoch, evaluation included.
        lr: learning rate at the end of each epoch.
        stopped: "epochs" (all done), "seconds" (time is up) or "interrupted"; empty while training runs.

    >>> history = GameHistory("GAN", stopped="epochs")
    >>> history.after(train={"generator": 0.8}, valid={"real": 0.6, "fake": 0.4}, seconds=0.1, lr=1e-3)
    GAN: 1 epoch, answers: real 0.60, fake 0.40 (stopped: all epochs done)
    """

    model: str
    settings: dict[str, object] = field(default_factory=dict)
    probability: bool = True
    losses: dict[str, list[float]] = field(default_factory=dict)
    answers: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    stopped: str = ""

    def __post_init__(self) -> None:
        _check(self, *self.losses.values(), *self.answers.values(), self.seconds, self.lr)

    @property
    def epochs(self) -> int:
        """How many epochs were recorded."""
        return len(self.lr)

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights the model has now: the last one, since no other is known to be better."""
        return self.epochs

    def after(
        self, *, train: dict[str, float], valid: dict[str, float], seconds: float, lr: float
    ) -> "GameHistory":
        """This history with one epoch more: losses of the players, answers of the game."""
        return replace(
            self,
            losses={name: [*self.losses.get(name, []), loss] for name, loss in train.items()},
            answers={name: [*self.answers.get(name, []), answer] for name, answer in valid.items()},
            seconds=[*self.seconds, seconds],
            lr=[*self.lr, lr],
        )

    def latest(self) -> str:
        """The last epoch in words."""
        return "answers: " + ", ".join(f"{name} {curve[-1]:.2f}" for name, curve in self.answers.items())

    def as_dict(self) -> dict[str, object]:
        """The history as plain data, from which ``GameHistory(**data)`` makes it again."""
        return asdict(self)

    def plot(self, ax: "tuple[Axes, Axes] | None" = None) -> "tuple[Axes, Axes]":
        """Draw the players' losses, and the answers to real and generated examples, against the epoch."""
        from course_utils import plots

        return plots.game(self, ax=ax)

    def __repr__(self) -> str:
        return _in_words(self.model, self.epochs, self.latest(), self.stopped, self.settings)

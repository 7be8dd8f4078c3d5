"""What happened in a training run, epoch by epoch."""

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
        cached: whether weights and history came from the cache, and nothing was trained.

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
    cached: bool = False

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
        reason = REASONS.get(self.stopped, "running").format(**{"patience": "", **self.settings})
        if not self.epochs:
            return f"{self.model}: no epoch finished (stopped: {reason})"
        return (
            f"{self.model}: {self.epochs} epoch{'s' if self.epochs > 1 else ''}, best {self.best_epoch}, "
            f"held-out loss {self.best_valid:.2f} nats (stopped: {reason})"
        )

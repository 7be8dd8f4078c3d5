"""What happened in a game of two players, epoch by epoch."""

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from course_utils.training.history import REASONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(repr=False)
class GameHistory:
    """The course of a game between a generator and a discriminator. Epochs count from 1.

    No curve here says how good the generator is: each loss depends on how good the other player is. So
    there is no best epoch, and the weights that are kept are the last ones.

    Attributes:
        model: the name of the model's class.
        settings: the settings of the run by name.
        probability: whether D answers with a probability and losses are in nats; else it is a critic,
            whose scores are in units of x.
        discriminator: mean loss of the discriminator in each epoch, taken while the weights were moving.
        generator: the same of the generator.
        real: D's mean answer to held-out real examples after each epoch.
        fake: D's mean answer to new samples after each epoch.
        seconds: wall-clock seconds of each epoch, evaluation included.
        lr: learning rate at the end of each epoch.
        stopped: "epochs" (all done), "seconds" (time is up) or "interrupted"; empty while training runs.
        cached: whether weights and history came from the cache, and nothing was trained.

    >>> GameHistory("GAN", stopped="epochs").after(train=(1.3, 0.8), valid=(0.6, 0.4), seconds=0.1, lr=1e-3)
    GAN: 1 epoch, D answers 0.60 to real and 0.40 to generated examples (stopped: all epochs done)
    """

    model: str
    settings: dict[str, object] = field(default_factory=dict)
    probability: bool = True
    discriminator: list[float] = field(default_factory=list)
    generator: list[float] = field(default_factory=list)
    real: list[float] = field(default_factory=list)
    fake: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    stopped: str = ""
    cached: bool = False

    @property
    def epochs(self) -> int:
        """How many epochs were recorded."""
        return len(self.real)

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights the model has now: the last one, since no other is known to be better."""
        return self.epochs

    def after(
        self, *, train: tuple[float, float], valid: tuple[float, float], seconds: float, lr: float
    ) -> "GameHistory":
        """This history with one epoch more: losses of D and of G, answers to real and to fake."""
        return replace(
            self,
            discriminator=[*self.discriminator, train[0]],
            generator=[*self.generator, train[1]],
            real=[*self.real, valid[0]],
            fake=[*self.fake, valid[1]],
            seconds=[*self.seconds, seconds],
            lr=[*self.lr, lr],
        )

    def as_dict(self) -> dict[str, object]:
        """The history as plain data, from which ``GameHistory(**data)`` makes it again."""
        return asdict(self)

    def latest(self) -> str:
        """The last epoch in words."""
        return f"D answers {self.real[-1]:.2f} to real and {self.fake[-1]:.2f} to generated examples"

    def plot(self, ax: "tuple[Axes, Axes] | None" = None) -> "tuple[Axes, Axes]":
        """Draw both players' losses, and D's answers to real and generated examples, against the epoch."""
        from course_utils import plots

        return plots.game(self, ax=ax)

    def __repr__(self) -> str:
        reason = REASONS.get(self.stopped, "running").format(**{"patience": "", **self.settings})
        if not self.epochs:
            return f"{self.model}: no epoch finished (stopped: {reason})"
        plural = "s" if self.epochs > 1 else ""
        return f"{self.model}: {self.epochs} epoch{plural}, {self.latest()} (stopped: {reason})"

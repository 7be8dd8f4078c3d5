"""One training run: its epochs, its evaluation, its best weights, and its state."""

import time
from collections.abc import Callable
from math import isfinite

import torch
from torch import Tensor, nn

from course_utils.training import streams
from course_utils.training.batches import Batch, Transform, cut, prepare
from course_utils.training.descent import Descent, scalar_loss
from course_utils.training.history import History
from course_utils.training.settings import Settings

EVALUATION_BATCH = 500
# steps between two looks at the losses: on an accelerator a look waits for all work under way
STEPS_TO_LOOK = {"cpu": 1, "cuda": 50, "mps": 50}

EpochsDone = Callable[[float], object]


class TrainingDiverged(RuntimeError):
    """A loss or a gradient became infinite or NaN. The model has its best weights back.

    Attributes:
        epoch: where it happened.
        batch: in which batch of the epoch, from 1; None: in the evaluation after it.
        lr: the learning rate then.
    """

    def __init__(self, message: str, *, epoch: int, batch: int | None, lr: float) -> None:
        super().__init__(message)
        self.epoch, self.batch, self.lr = epoch, batch, lr


class Run:
    """A model on its way down: the descent, the best weights so far, and the history.

    Args:
        model: on the device.
        settings: how to train.
        train: the training data, on the device.
        valid: the held-out data, on the device.
        transform: what every batch passes through before the loss; None: nothing.

    Raises:
        ValueError: the model has no parameters to train.
    """

    def __init__(
        self,
        model: nn.Module,
        settings: Settings,
        train: Batch,
        valid: Batch,
        transform: Transform | None = None,
    ) -> None:
        self.model, self.settings, self.train, self.valid = model, settings, train, valid
        self.transform = transform
        self.device = train[0].device
        self.descent = Descent(model, settings, self.device)
        self.history = History(type(model).__name__, settings.as_dict())
        self.best = _copy(model)

    def epoch(self, deadline: float, after_step: EpochsDone) -> bool:
        """Train for one epoch, evaluate, record; whether the epoch was completed before the deadline.

        Args:
            deadline: on the clock of ``time.perf_counter``.
            after_step: is told how many epochs are done, as a fraction.

        Raises:
            TrainingDiverged: a loss or a gradient is not finite.
        """
        begin, number = time.perf_counter(), self.history.epochs + 1
        train, steps, completed = self.train_epoch(number, deadline, after_step)
        if not self.finite():
            raise self.diverged("a gradient became infinite or nan", number, steps)
        with self.descent.averaged():
            valid = self.evaluate()
            seconds = time.perf_counter() - begin
            history = self.history.after(train=train, valid=valid, seconds=seconds, lr=self.descent.lr)
            best = _copy(self.model) if history.best_epoch == number else self.best
        # one statement: an interrupt must not part the best weights from the record of them
        self.history, self.best = history, best
        return completed

    def train_epoch(self, number: int, deadline: float, after_step: EpochsDone) -> tuple[float, int, bool]:
        """Steps over all batches, or until the deadline: mean loss, number of steps, whether they are all."""
        batches = self.start_epoch(number)
        total, pending = 0.0, []
        for i, indices in enumerate(batches, start=1):
            self.descent.set_lr(number - 1 + (i - 1) / len(batches))
            batch = tuple(part.index_select(0, indices) for part in self.train)
            batch = prepare(batch, self.transform)
            if number == i == 1 and hasattr(self.model, "initialise"):
                self.model.initialise(*batch)
            loss = self.descent.loss(batch)
            pending.append((loss.detach(), len(indices)))
            late = time.perf_counter() > deadline
            if len(pending) == STEPS_TO_LOOK[self.device.type] or late or i == len(batches):
                total += self._look(pending, number, i)
                pending.clear()
            self.descent.step(loss)
            after_step(number - 1 + i / len(batches))
            if late:
                break
        return total / sum(map(len, batches[:i])), i, i == len(batches)

    def start_epoch(self, number: int) -> tuple[Tensor, ...]:
        """The batches of an epoch as indices; model and random numbers are ready for it."""
        order = streams.permutation(len(self.train[0]), self.settings.seed, "order", number)
        streams.start(self.device, self.settings.seed, "training", number)
        self.model.train()
        return cut(order.to(self.device), self.settings.batch_size)

    def _look(self, pending: list[tuple[Tensor, int]], epoch: int, last: int) -> float:
        """The sum of the losses of the last batches over their examples, if all are finite.

        Norms of gradients would cost a tenth of a small model's step. But a gradient that is not finite
        spoils the weights, they spoil the next loss, and that tells which of the two it was.
        """
        losses, sizes = zip(*pending, strict=True)
        losses = torch.stack(losses).tolist() if len(losses) > 1 else [losses[0].item()]
        for batch, loss in enumerate(losses, start=last - len(losses) + 1):
            if not isfinite(loss):
                if last > 1 and batch == last and not self.descent.finite():
                    raise self.diverged("a gradient became infinite or nan", epoch, batch - 1)
                raise self.diverged(f"the training loss became {loss}", epoch, batch)
        return sum(loss * size for loss, size in zip(losses, sizes, strict=True))

    def finite(self) -> bool:
        """Whether all weights that are trained are finite."""
        return self.descent.finite()

    def kept(self) -> str:
        """Which weights the model has in the end, in words."""
        best = self.history.best_epoch
        return f"the weights of epoch {best}, its best," if best else "the weights from before training"

    def diverged(self, what: str, epoch: int, batch: int | None = None) -> TrainingDiverged:
        """The error to raise: what became infinite or NaN, where, and what to try."""
        where = f"epoch {epoch}" if batch is None else f"epoch {epoch}, batch {batch}"
        lr = self.descent.lr
        return TrainingDiverged(
            f"{self.history.model}: {what} in {where}, at lr {lr:.3g}. The model has {self.kept()} back. Try "
            f"lr={lr / 10:.1g}, or clip=1.0, or look in the loss for the log of 0 or an overflowing exp",
            epoch=epoch,
            batch=batch,
            lr=lr,
        )

    @torch.no_grad()
    def evaluate(self) -> float:
        """The held-out loss: the mean over examples, with the same random numbers every time."""
        self.model.eval()
        streams.start(self.device, self.settings.seed, "held-out")
        n = len(self.valid[0])
        verb = "held_out" if callable(getattr(self.model, "held_out", None)) else "loss"
        pieces = -(-n // max(EVALUATION_BATCH, self.settings.batch_size))
        batches = zip(*(part.tensor_split(pieces) for part in self.valid), strict=True)
        losses = [scalar_loss(self.model, prepare(b, self.transform), verb) * len(b[0]) for b in batches]
        loss = torch.stack(losses).sum().item() / n
        if not isfinite(loss):
            raise self.diverged(f"the held-out loss became {loss}", self.history.epochs + 1)
        return loss

    def reason_to_stop(self) -> str:
        """Why training is over ("epochs" or "patience"), or an empty string."""
        epochs = self.history.epochs
        if epochs >= self.settings.epochs:
            return "epochs"
        return "patience" if epochs - self.history.best_epoch >= self.settings.patience else ""

    def put_back(self) -> None:
        """Give the model its best weights: wholly, however impatiently somebody interrupts."""
        while True:
            try:
                self.model.load_state_dict(self.best)
                self.model.zero_grad()
                self.model.eval()
                return
            except KeyboardInterrupt:
                continue

    def interrupted(self) -> str:
        """Note an interrupt; the sentence to tell. Without a finished epoch, weights stay if finite."""
        self.history.stopped = "interrupted"
        have = self.kept().removesuffix(",")
        if not self.history.best_epoch and self.finite():
            self.best, have = _copy(self.model), "the weights it has reached in its first epoch"
        return f"{self.history.model}: interrupted; the model has {have}."

    def state(self) -> dict:
        """All that the next epochs depend on; random numbers are no part of it (see ``streams``)."""
        weights = {"model": _copy(self.model), "best": self.best}
        return weights | {"descent": self.descent.state(), "history": self.history.as_dict()}

    def load_state(self, state: dict) -> None:
        """Go back to a state."""
        self.model.load_state_dict(state["model"])
        self.descent.load_state(state["descent"])
        self.best, self.history = state["best"], type(self.history)(**state["history"])


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in model.state_dict().items()}

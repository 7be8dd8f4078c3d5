"""One training run: the steps, the evaluation, and the state that they change."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from math import cos, isfinite, pi

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from course_utils.training import streams
from course_utils.training.batches import Batch, cut
from course_utils.training.history import History
from course_utils.training.settings import Settings

EVALUATION_BATCH = 500
# steps between two looks at the losses: on an accelerator a look waits for all work under way
STEPS_TO_LOOK = {"cpu": 1, "cuda": 50, "mps": 50}


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
    """A model with its optimiser, its best weights so far, and the history.

    Args:
        model: on the device.
        settings: how to train.
        train: the training data, on the device.
        valid: the held-out data, on the device.

    Raises:
        ValueError: the model has no parameters to train.
    """

    def __init__(self, model: nn.Module, settings: Settings, train: Batch, valid: Batch) -> None:
        self.model, self.settings, self.train, self.valid = model, settings, train, valid
        self.device = train[0].device
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        if not self.parameters:
            raise ValueError(f"fit: expected {type(model).__name__} to have parameters to train, got none")
        self.optimiser = torch.optim.AdamW(
            self.parameters, lr=settings.lr, weight_decay=settings.weight_decay, fused=True
        )
        self.lr = settings.lr
        self.use_precision(_half(self.device) if settings.amp else None)
        self.history = History(type(model).__name__, settings.as_dict())
        self.best = _copy(model)

    def use_precision(self, half: torch.dtype | None) -> None:
        """Take steps in float32 (None), or with autocast to this type of 16 bits."""
        self.autocast = partial(torch.autocast, self.device.type, dtype=half) if half else nullcontext
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=half is torch.float16)

    def epoch(self, deadline: float, after_step: Callable[[float], object]) -> bool:
        """Train for one epoch, evaluate, record; whether the epoch was completed before the deadline."""
        begin, number = time.perf_counter(), self.history.epochs + 1
        train, steps, completed = self.train_epoch(number, deadline, after_step)
        if not self._finite():
            raise self._diverged("a gradient became infinite or nan", number, steps)
        valid = self.evaluate()
        if not isfinite(valid):
            raise self._diverged(f"the held-out loss became {valid}", number)
        seconds = time.perf_counter() - begin
        history = self.history.after(train=train, valid=valid, seconds=seconds, lr=self.lr)
        best = _copy(self.model) if history.best_epoch == number else self.best
        # one statement: an interrupt must not part the best weights from the record of them
        self.history, self.best = history, best
        return completed

    def train_epoch(
        self, number: int, deadline: float, after_step: Callable[[float], object]
    ) -> tuple[float, int, bool]:
        """Steps over all batches, or until the deadline: mean loss, number of steps, whether they are all."""
        seed, n = self.settings.seed, len(self.train[0])
        batches = cut(streams.permutation(n, seed, "order", number).to(self.device), self.settings.batch_size)
        streams.start(self.device, seed, "training", number)
        self.model.train()
        total, pending = 0.0, []
        for i, indices in enumerate(batches, start=1):
            self._set_lr(number - 1 + (i - 1) / len(batches))
            loss = self.loss(tuple(part.index_select(0, indices) for part in self.train))
            pending.append((loss.detach(), len(indices)))
            late = time.perf_counter() > deadline
            if len(pending) == STEPS_TO_LOOK[self.device.type] or late or i == len(batches):
                total += self._look(pending, number, i)
                pending.clear()
            self.descend(loss)
            after_step(1 / len(batches))
            if late:
                break
        return total / sum(map(len, batches[:i])), i, i == len(batches)

    def loss(self, batch: Batch) -> Tensor:
        """The loss of a batch in training, in mixed precision if wanted, with no gradients left over."""
        self.optimiser.zero_grad()
        with self.autocast():
            loss = _scalar(self.model, batch)
        if not loss.requires_grad:
            name = self.history.model
            raise ValueError(f"{name}.loss: expected it to depend on the parameters, got a constant")
        return loss

    def descend(self, loss: Tensor) -> None:
        """One step of the optimiser along the gradient of a loss."""
        self.scaler.scale(loss).backward()
        if isfinite(self.settings.clip):
            self.scaler.unscale_(self.optimiser)
            clip_grad_norm_(self.parameters, self.settings.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()

    def _look(self, pending: list[tuple[Tensor, int]], epoch: int, last: int) -> float:
        """The sum of the losses of the last batches over their examples, if all are finite.

        Norms of gradients would cost a tenth of a small model's step. But a gradient that is not finite
        spoils the weights, they spoil the next loss, and that tells which of the two it was.
        """
        losses, sizes = zip(*pending, strict=True)
        losses = torch.stack(losses).tolist() if len(losses) > 1 else [losses[0].item()]
        for batch, loss in enumerate(losses, start=last - len(losses) + 1):
            if not isfinite(loss):
                if last > 1 and batch == last and not self._finite():
                    raise self._diverged("a gradient became infinite or nan", epoch, batch - 1)
                raise self._diverged(f"the training loss became {loss}", epoch, batch)
        return sum(loss * size for loss, size in zip(losses, sizes, strict=True))

    def _finite(self) -> bool:
        return all(bool(p.isfinite().all()) for p in self.parameters)

    def _diverged(self, what: str, epoch: int, batch: int | None = None) -> TrainingDiverged:
        where = f"epoch {epoch}" if batch is None else f"epoch {epoch}, batch {batch}"
        best = self.history.best_epoch
        have = f"the weights of epoch {best}, its best," if best else "the weights from before training"
        return TrainingDiverged(
            f"{self.history.model}: {what} in {where}, at lr {self.lr:.3g}. The model has {have} back. Try "
            f"lr={self.lr / 10:.1g}, or clip=1.0, or look in the loss for the log of 0 or an overflowing exp",
            epoch=epoch,
            batch=batch,
            lr=self.lr,
        )

    def _set_lr(self, epochs_done: float) -> None:
        if self.settings.schedule == "cosine":
            self.lr = self.settings.lr * (1 + cos(pi * epochs_done / self.settings.epochs)) / 2
            self.optimiser.param_groups[0]["lr"] = self.lr

    @torch.no_grad()
    def evaluate(self) -> float:
        """The held-out loss: the mean over examples, with the same random numbers every time."""
        self.model.eval()
        streams.start(self.device, self.settings.seed, "held-out")
        n = len(self.valid[0])
        pieces = -(-n // max(EVALUATION_BATCH, self.settings.batch_size))
        batches = zip(*(part.tensor_split(pieces) for part in self.valid), strict=True)
        losses = [_scalar(self.model, batch) * len(batch[0]) for batch in batches]
        return torch.stack(losses).sum().item() / n

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
                self.optimiser.zero_grad()
                self.model.eval()
                return
            except KeyboardInterrupt:
                continue

    def interrupted(self) -> str:
        """Note an interrupt; the sentence to tell. Without a finished epoch, weights stay if finite."""
        self.history.stopped = "interrupted"
        best = self.history.best_epoch
        if best:
            return (
                f"{self.history.model}: interrupted; the model has its best weights so far, of epoch {best}."
            )
        if self._finite():
            self.best = _copy(self.model)
        return (
            f"{self.history.model}: interrupted in the first epoch; the model has the weights it has reached."
        )

    def state(self) -> dict:
        """All that the next epochs depend on; random numbers are no part of it (see ``streams``)."""
        return {
            "model": _copy(self.model),
            "best": self.best,
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "history": self.history.as_dict(),
        }

    def load_state(self, state: dict) -> None:
        """Go back to a state."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.best, self.history = state["best"], History(**state["history"])


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in model.state_dict().items()}


def _scalar(model: nn.Module, batch: Batch) -> Tensor:
    loss = model.loss(*batch)
    if not isinstance(loss, Tensor) or loss.dim() > 0:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"{type(model).__name__}.loss: expected a scalar tensor, got {got}")
    return loss


def _half(device: torch.device) -> torch.dtype | None:
    """The type of 16 bits for mixed precision on this device; None where there is no gain."""
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16

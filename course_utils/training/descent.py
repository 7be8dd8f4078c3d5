"""Steps down the gradient: the optimiser with its schedule, clipping and precision."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from math import cos, isfinite, pi

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from course_utils.training.batches import Batch
from course_utils.training.settings import Settings


class Descent:
    """Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019).

    Args:
        model: on the device.
        settings: lr, weight_decay, schedule, clip, average and amp count here.
        device: where the model is.

    Attributes:
        lr: the learning rate of the last step.

    Raises:
        ValueError: the model has no parameters to train.
    """

    def __init__(self, model: nn.Module, settings: Settings, device: torch.device) -> None:
        self.model, self.settings, self.device = model, settings, device
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        if not self.parameters:
            raise ValueError(f"fit: expected {type(model).__name__} to have parameters to train, got none")
        self.lr = settings.lr
        self.optimiser = torch.optim.AdamW(
            self.parameters, lr=self.lr, weight_decay=settings.weight_decay, fused=True
        )
        self.steps = 0
        self.averages = [p.detach().clone() for p in self.parameters] if settings.average else []
        self.use_precision(half_type(device) if settings.amp else None)

    def use_precision(self, half: torch.dtype | None) -> None:
        """Take steps in float32 (None), or with autocast to this type of 16 bits."""
        self.autocast = partial(torch.autocast, self.device.type, dtype=half) if half else nullcontext
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=half is torch.float16)

    def set_lr(self, epochs_done: float) -> None:
        """Set the learning rate for this place on the schedule."""
        if self.settings.schedule == "cosine":
            self.lr = self.settings.lr * (1 + cos(pi * epochs_done / self.settings.epochs)) / 2
            self.optimiser.param_groups[0]["lr"] = self.lr

    def loss(self, batch: Batch) -> Tensor:
        """The loss of a batch in training, with no gradients left over from before."""
        self.optimiser.zero_grad()
        with self.autocast():
            loss = scalar_loss(self.model, batch)
        if not loss.requires_grad:
            name = type(self.model).__name__
            raise ValueError(f"{name}.loss: expected it to depend on the parameters, got a constant")
        return loss

    def step(self, loss: Tensor) -> None:
        """One step along the gradient of a loss."""
        self.scaler.scale(loss).backward(inputs=self.parameters)
        if isfinite(self.settings.clip):
            self.scaler.unscale_(self.optimiser)
            clip_grad_norm_(self.parameters, self.settings.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.steps += 1
        if self.averages:
            # early on the average is short, so that it soon forgets the weights from before training
            share = min(self.settings.average, (1 + self.steps) / (10 + self.steps))
            torch._foreach_lerp_(self.averages, [p.detach() for p in self.parameters], 1 - share)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Lend the model the averages of its weights; where none are kept, its own."""
        if not self.averages:
            yield
            return
        own = [p.data for p in self.parameters]
        try:
            for p, mean in zip(self.parameters, self.averages, strict=True):
                p.data = mean
            yield
        finally:
            for p, weights in zip(self.parameters, own, strict=True):
                p.data = weights

    def finite(self) -> bool:
        """Whether all weights that are trained are finite."""
        return all(bool(p.isfinite().all()) for p in self.parameters)

    def state(self) -> dict:
        """What the next steps depend on besides the model; the schedule depends on the epoch alone."""
        averages = {"steps": self.steps, "averages": self.averages}
        return {"optimiser": self.optimiser.state_dict(), "scaler": self.scaler.state_dict()} | averages

    def load_state(self, state: dict) -> None:
        """Go back to a state."""
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.steps, self.averages = state["steps"], [mean.to(self.device) for mean in state["averages"]]


def scalar_loss(model: nn.Module, batch: Batch, verb: str = "loss") -> Tensor:
    """``model.loss(*batch)``, or another verb's value, if it is a scalar.

    Raises:
        ValueError: it is something else.
    """
    loss = getattr(model, verb)(*batch)
    if not isinstance(loss, Tensor) or loss.dim() > 0:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"{type(model).__name__}.{verb}: expected a scalar tensor, got {got}")
    return loss


def half_type(device: torch.device) -> torch.dtype | None:
    """The type of 16 bits for mixed precision on this device; None where there is no gain.

    >>> half_type(torch.device("cpu"))
    """
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16

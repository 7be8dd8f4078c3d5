"""Steps down the gradient: one player's optimiser, with its schedule, clipping, average and precision."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from inspect import unwrap
from math import cos, isfinite, pi

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from course_utils.checks import described
from course_utils.taxonomy import Player
from course_utils.training import ranks
from course_utils.training.data import Batch
from course_utils.training.settings import Settings

# in a game the other player moves too: a long memory of gradients misleads (Radford et al. 2016)
BETAS, BETAS_OF_A_GAME = (0.9, 0.999), (0.5, 0.9)


class TrainingDiverged(RuntimeError):
    """A loss or a gradient became infinite or NaN. The model has its best weights back.

    Attributes:
        epoch: where it happened.
        batch: in which batch of the epoch, from 1; None: in the evaluation after it.
        lr: the learning rate then.
    """

    def __init__(self, what: str, kept: str, *, epoch: int, batch: int | None, lr: float) -> None:
        where = f"epoch {epoch}" if batch is None else f"epoch {epoch}, batch {batch}"
        super().__init__(
            f"{what} in {where}, at lr {lr:.3g}. The model has {kept} back. Try lr={lr / 10:.1g}, or "
            "clip=1.0, or look in the loss for the log of 0 or an overflowing exp"
        )
        self.epoch, self.batch, self.lr = epoch, batch, lr


class AdamW(torch.optim.AdamW):
    """torch's own, whose first step in a process does not wait for the import of torch's compiler.

    For a compiler that the course does not use, torch wraps these methods; the first call of one imports it:
    800 modules, 2 to 10 seconds.
    """

    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))
    zero_grad = unwrap(torch.optim.AdamW.zero_grad)
    add_param_group = unwrap(torch.optim.AdamW.add_param_group)
    state_dict = unwrap(torch.optim.AdamW.state_dict)
    load_state_dict = unwrap(torch.optim.AdamW.load_state_dict)


class Optimiser:
    """Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019), for one player.

    The weights of its player go down its loss; all others, if it is a game, are held still. It counts its
    ``steps``; ``lr`` is the learning rate of the last.
    """

    def __init__(
        self, player: Player, settings: Settings, device: torch.device, model: str, *, game: bool
    ) -> None:
        self.player, self.settings, self.device = player, settings, device
        self.who = f"{model}.{player.name}_loss" if game else f"{model}.{player.name}"
        self.parameters = [p for net in player.nets for p in net.parameters() if p.requires_grad]
        if not self.parameters:
            of = f"the {player.name} of {model}" if game else model
            raise ValueError(f"fit: expected {of} to have parameters to train, got none")
        self.lr, self.steps = settings.lr, 0
        betas = BETAS_OF_A_GAME if game else BETAS
        self.adam = AdamW(
            self.parameters, lr=self.lr, betas=betas, weight_decay=settings.weight_decay, fused=True
        )
        keeps = player.averaged and settings.average
        self.averages = [p.detach().clone() for p in self.parameters] if keeps else []
        half = None  # where there is no gain in 16 bits
        if settings.amp and device.type == "cuda":
            bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
            half = torch.bfloat16 if bf16 else torch.float16
        self.use_precision(half)

    def use_precision(self, half: torch.dtype | None) -> None:
        """Take steps in float32 (None), or with autocast to this type of 16 bits."""
        self.autocast = partial(torch.autocast, self.device.type, dtype=half) if half else nullcontext
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=half is torch.float16)

    def set_lr(self, epochs_done: float) -> None:
        """Set the learning rate for this place on the schedule."""
        if self.settings.schedule == "cosine":
            self.lr = self.settings.lr * (1 + cos(pi * epochs_done / self.settings.epochs)) / 2
            self.adam.param_groups[0]["lr"] = self.lr

    def value(self, batch: Batch) -> Tensor:
        """The player's loss of a batch, a scalar."""
        with self.autocast():
            return scalar(self.player.loss, self.who, batch)

    def loss(self, batch: Batch) -> Tensor:
        """The same in training, with no gradients left over from before."""
        self.adam.zero_grad()
        loss = self.value(batch)
        if not loss.requires_grad:
            raise ValueError(f"{self.who}: expected it to depend on the parameters, got a constant")
        return loss

    def step(self, loss: Tensor) -> None:
        """One step along the gradient of a loss."""
        self.scaler.scale(loss).backward(inputs=self.parameters)
        ranks.add_gradients(self.parameters)
        if isfinite(self.settings.clip):
            self.scaler.unscale_(self.adam)
            clip_grad_norm_(self.parameters, self.settings.clip)
        self.scaler.step(self.adam)
        self.scaler.update()
        self.steps += 1
        if self.averages:
            # early on the average is short, so that it soon forgets the weights from before training
            share = min(self.settings.average, (1 + self.steps) / (10 + self.steps))
            torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
                self.averages, [p.detach() for p in self.parameters], 1 - share
            )

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Lend the player the averages of its weights; where none are kept, its own."""
        own = [p.data for p in self.parameters]
        try:
            for p, mean in zip(self.parameters, self.averages, strict=False):
                p.data = mean
            yield
        finally:
            for p, weights in zip(self.parameters, own, strict=True):
                p.data = weights

    def finite(self) -> bool:
        """Whether all weights that are trained are finite: one look at the device."""
        return bool(torch.stack([p.isfinite().all() for p in self.parameters]).all())

    def state(self) -> dict:
        """What the next steps depend on besides the model; the schedule depends on the epoch alone."""
        adam, scaler = self.adam.state_dict()["state"], self.scaler.state_dict()
        return {"adam": adam, "scaler": scaler, "steps": self.steps, "averages": self.averages}

    def load_state(self, state: dict) -> None:
        """Go back to a state, if it is one of these parameters."""
        groups = self.adam.state_dict()["param_groups"]
        self.adam.load_state_dict({"state": state["adam"], "param_groups": groups})
        form = [{"step": torch.Size(), "exp_avg": p.shape, "exp_avg_sq": p.shape} for p in self.parameters]
        found = [{k: v.shape for k, v in self.adam.state[p].items()} for p in self.parameters]
        if len(state["adam"]) > len(form) or found != (form if state["steps"] > 0 else [{} for _ in form]):
            raise ValueError("expected Adam's moments of these parameters, got others")
        if len(state["averages"]) != len(self.averages):
            raise ValueError("expected an average of each weight that keeps one, got others")
        self.scaler.load_state_dict(state["scaler"])
        self.steps, self.averages = state["steps"], [mean.to(self.device) for mean in state["averages"]]


def scalar(loss: Callable[..., Tensor], who: str, batch: Batch) -> Tensor:
    """The loss of a batch, if it is a scalar; else a ValueError."""
    value = loss(*batch)
    if not isinstance(value, Tensor) or value.dim() > 0:
        raise ValueError(f"{who}: expected a scalar tensor, got {described(value)}")
    return value

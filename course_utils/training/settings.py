"""The settings of a training run: what the caller says, else what the model likes, else the defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import inf
from typing import Any

from torch import nn

from course_utils.checks import check_choice, check_count, check_number, check_seed
from course_utils.taxonomy import Game

LARGEST = 1e12


@dataclass(frozen=True)
class Settings:
    """Everything but data and weights that decides what ``fit`` does; the values here are the defaults.

    Attributes:
        epochs: how often every example is seen, at most.
        batch_size: examples a step, at most: an epoch is cut into nearly equal batches.
        lr: the step size of Adam.
        weight_decay: decoupled weight decay (AdamW). 0: plain Adam.
        schedule: "constant", or "cosine" from lr down to 0 over all epochs.
        clip: the largest norm a gradient keeps. inf: no clipping.
        average: how much of the running average of the weights stays at each step, such as 0.99: held-out
            data are measured with the average, and it is what the model keeps (Polyak & Juditsky 1992).
            0: no average, the weights of the last step.
        patience: epochs without a better held-out loss before training stops. inf: never stop.
        seed: the start of every random number of the run.
        amp: mixed precision (on CUDA only).
    """

    epochs: int = 200
    batch_size: int = 100
    lr: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "constant"
    clip: float = inf
    average: float = 0.0
    patience: float = 20
    seed: int = 0
    amp: bool = False

    def __post_init__(self) -> None:
        check_count(self.epochs, "fit: epochs")
        check_count(self.batch_size, "fit: batch_size")
        check_number(self.lr, "fit: lr", low=0, high=LARGEST)
        check_number(self.weight_decay, "fit: weight_decay", low=0, high=LARGEST)
        check_number(self.average, "fit: average", low=0, high=1)
        if not _endless(self.clip):
            check_number(self.clip, "fit: clip", low=0, high=LARGEST)
        if not _endless(self.patience):
            check_count(self.patience, "fit: patience")
        if self.lr == 0 or self.clip == 0:
            raise ValueError(f"fit: expected lr > 0 and clip > 0, got lr {self.lr} and clip {self.clip}")
        if self.average == 1:
            raise ValueError("fit: expected average < 1, got 1: the average would never move")
        check_choice(self.schedule, "fit: schedule", ("constant", "cosine"))
        check_seed(self.seed, "fit")
        if not isinstance(self.amp, bool):
            raise ValueError(f"fit: expected amp to be True or False, got {self.amp!r}")


def _endless(value: object) -> bool:
    return isinstance(value, float) and value == inf


PREFERENCES = tuple(f.name for f in fields(Settings) if f.name not in ("seed", "amp"))


def choose(model: nn.Module, given: Mapping[str, Any]) -> Settings:
    """Settings from what was given (None: not), then ``fit_defaults`` of the model, then the defaults."""
    own: dict[str, Any] = getattr(type(model), "fit_defaults", {})
    unknown = [key for key in own if key not in PREFERENCES]
    if unknown:
        who, got = f"{type(model).__name__}.fit_defaults", ", ".join(map(str, unknown))
        raise ValueError(f"{who}: expected settings out of {', '.join(PREFERENCES)}; got {got}")
    return Settings(**(own | {key: value for key, value in given.items() if value is not None}))


def check_options(
    model: nn.Module,
    transform: object,
    on_epoch: object,
    patience: float | None,
    seconds: float | None,
    progress: bool,
    checkpoint: str | os.PathLike[str] | None,
    checkpoint_every: float,
) -> None:
    """Raise a ValueError unless what ``fit`` is given besides data and settings is what it should be."""
    name, game = type(model).__name__, isinstance(model, Game)
    if not game and not (isinstance(model, nn.Module) and callable(getattr(model, "loss", None))):
        raise ValueError(f"fit: expected a model with a loss, such as NADE((1, 8, 8)), got {name}")
    if game and patience is not None:
        raise ValueError(
            f"fit: expected no patience for {name}, got {patience!r}: a game has no held-out loss"
        )
    if seconds is not None:
        check_number(seconds, "fit: seconds", low=0)
    check_number(checkpoint_every, "fit: checkpoint_every", low=0)
    for word, function in (("transform", transform), ("on_epoch", on_epoch)):
        if function is not None and not callable(function):
            raise ValueError(f"fit: expected {word} to be a function, got {function!r}")
    if checkpoint is not None and not (isinstance(checkpoint, str | os.PathLike) and os.fspath(checkpoint)):
        raise ValueError(f"fit: expected checkpoint to be a path, got {checkpoint!r}")
    if not isinstance(progress, bool):
        raise ValueError(f"fit: expected progress to be True or False, got {progress!r}")

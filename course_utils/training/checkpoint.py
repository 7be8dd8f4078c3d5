"""A file from which an unfinished training run goes on, bit for bit, and no other run does."""

import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from course_utils import storage
from course_utils.training import ranks
from course_utils.training.settings import Settings

if TYPE_CHECKING:
    from course_utils.training.fitting import Training

KIND = "checkpoint of a training run, version 3"
WAY_OUT = "Give another path, or delete the file to start anew"
PLAIN = (bool, int, float, str, type(None))


class Checkpoint:
    """Keeps the state of a run, which is known by its ``identity``, in a file: every so many seconds."""

    def __init__(self, path: str | os.PathLike[str], identity: dict[str, str], every: float) -> None:
        self.path, self.identity, self.every = Path(path), identity, every
        self.written = time.perf_counter()

    def resume(self, training: "Training") -> None:
        """Put the run where the file left it, if there is a file; it fits as a whole or changes nothing.

        Raises:
            ValueError: the file is damaged, no checkpoint, or belongs to another run (says what differs).
        """
        if not self.path.exists():
            return
        payload = storage.read(self.path)
        known = payload.get("kind") == KIND and "state" in payload
        if not known or not isinstance(payload.get("identity"), dict):
            raise ValueError(f"fit: expected a checkpoint of this course at {self.path}: give another path")
        differences = compare({k: str(v) for k, v in payload["identity"].items()}, self.identity)
        if differences:
            why = f"belongs to another run: {'; '.join(differences[:5])}. {WAY_OUT}"
            raise ValueError(f"fit: the checkpoint {self.path} {why}")
        before = training.state()
        try:
            _fits(payload["state"], before, "state")
            training.load_state(payload["state"])
        except Exception as error:  # what is in a file can raise anything
            training.load_state(before)
            why = f"{error}".splitlines()[0][:200] if f"{error}" else type(error).__name__
            why = f"holds what this run cannot go on from ({why}). {WAY_OUT}"
            raise ValueError(f"fit: the checkpoint {self.path} {why}") from error

    def save(self, training: "Training", *, now: bool = False) -> None:
        """Write the state of the run, unless the last writing was a moment ago."""
        if now or time.perf_counter() - self.written >= self.every:
            content = {"kind": KIND, "identity": self.identity, "state": training.state()}
            storage.write(self.path, content)
            self.written = time.perf_counter()


def copied_weights(model: nn.Module) -> dict[str, Tensor]:
    """The ``state_dict`` of a model, apart from the weights that go on moving."""
    return {key: value.detach().clone() for key, value in model.state_dict().items()}


def _fits(found: object, own: object, where: str) -> None:
    """Raise a ValueError where the state in a file has not the form of the run's own, or is not finite.

    What is empty before the first step (Adam's moments, the epochs of the history) is known by its kind only.
    """
    if isinstance(own, Tensor) and isinstance(found, Tensor):
        if (found.shape, found.dtype) != (own.shape, own.dtype) or not bool(found.isfinite().all()):
            raise ValueError(f"{where} is no finite tensor {tuple(own.shape)} of {own.dtype}")
    elif isinstance(own, dict) and isinstance(found, dict):
        if own and set(found) != set(own):
            raise ValueError(f"{where} has {sorted(map(str, set(found) ^ set(own)))[:3]} missing or too many")
        for key, value in found.items():
            _fits(value, own.get(key, value), f"{where}[{key!r}]")
    elif type(found) is not type(own) or found != found:
        raise ValueError(f"{where} is {found!r:.40}, of {type(found).__name__}, not {type(own).__name__}")
    elif isinstance(own, list) and isinstance(found, list):
        if own and len(own) != len(found):
            raise ValueError(f"{where} has {len(found)} entries, not {len(own)}")
        for k, value in enumerate(found):
            _fits(value, own[k] if own else 0.0, f"{where}[{k}]")


def identity(
    model: nn.Module, settings: Settings, transform: object, train: Iterable[Tensor], valid: Iterable[Tensor]
) -> dict[str, str]:
    """Everything by name that determines the result of a run, in a form that can be compared and read.

    The model's class and plain hyper-parameters, the form of its weights, the settings; the data by their
    SHA-256. Code is not looked at: who changes it while a run is unfinished gives a new path.
    """
    forms = [(name, tuple(p.shape), str(p.dtype), p.requires_grad) for name, p in model.named_parameters()]
    found = {"model": type(model).__name__, "parameters": repr(forms)}
    for name, part in model.named_modules():
        for key, value in vars(part).items():
            if not key.startswith("_") and key != "training" and _plain(value):
                found[f"{name}.{key}" if name else key] = repr(value)
    found |= {key: repr(value) for key, value in asdict(settings).items()}
    found |= {"processes": f"{ranks.count()}"} if ranks.count() > 1 else {}
    found["transform"] = getattr(transform, "__qualname__", type(transform).__qualname__)
    return found | {"training data": _digest(train), "held-out data": _digest(valid)}


def _plain(value: object) -> bool:
    return isinstance(value, PLAIN) or (isinstance(value, tuple | list) and all(map(_plain, value)))


def _digest(tensors: Iterable[Tensor]) -> str:
    digest = sha256()
    for tensor in tensors:
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{tuple(plain.shape)} {plain.dtype} ".encode())
        digest.update(plain.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def compare(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """What differs between two runs, in words."""
    found = []
    for key in [*old, *(key for key in new if key not in old)]:
        before, after = old.get(key, "absent"), new.get(key, "absent")
        if before != after:
            short = max(len(before), len(after)) < 40
            found.append(f"{key} was {before} and is {after}" if short else f"{key} differs")
    return found

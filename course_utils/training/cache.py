"""Trained weights, kept: a run that was made before is read from a file instead of made again."""

from hashlib import sha256
from pathlib import Path

import torch
from torch import nn

from course_utils import storage
from course_utils.training.game_history import GameHistory
from course_utils.training.history import History
from course_utils.training.identity import Identity

Record = History | GameHistory


def place(folder: str | Path, identity: Identity) -> Path:
    """The file that answers for this run, named by the model and the SHA-256 of the identity."""
    key = sha256(repr(sorted(identity.items())).encode()).hexdigest()
    return Path(folder) / f"{identity['model']}-{key}.pt"


def load(path: Path, model: nn.Module, kind: type[Record]) -> Record | None:
    """Give the model the weights in the file, and return the history of this kind; None if there is no file.

    A damaged file is named in one printed line and counts as none.
    """
    if not path.exists():
        return None
    try:
        payload = storage.read(path)
        model.load_state_dict(payload["weights"])
        return kind(**payload["history"] | {"cached": True})
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        print(f"{error} Training runs again.")
        return None


def store(path: Path, weights: dict[str, torch.Tensor], history: Record) -> None:
    """Keep the weights and the history of a finished run."""
    storage.write(path, {"weights": weights, "history": history.as_dict()})

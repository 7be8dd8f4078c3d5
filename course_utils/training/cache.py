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

    A file that is damaged or does not fit is named in one printed line and counts as none: the model keeps
    the weights it has.
    """
    if not path.exists():
        return None
    own = {key: value.clone() for key, value in model.state_dict().items()}
    try:
        payload = storage.read(path)
        history = kind(**payload["history"] | {"cached": True})
        model.load_state_dict(payload["weights"])
        return history
    except storage.CorruptFileError as error:
        print(f"{error} Training runs again.")
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        model.load_state_dict(own)  # some of the file's may be in it already
        why = f"{error}".splitlines()[0]
        print(f"{path}: what this file holds does not fit the model ({why}). Training runs again.")
    return None


def store(path: Path, weights: dict[str, torch.Tensor], history: Record) -> None:
    """Keep the weights and the history of a finished run; where they cannot be written, print why."""
    try:
        storage.write(path, {"weights": weights, "history": history.as_dict()})
    except OSError as error:
        print(f"{error}. The model is trained, but this run is not kept.")

"""A file from which an unfinished training run goes on, bit for bit."""

import os
import time
from pathlib import Path

from course_utils import storage
from course_utils.training.identity import Identity
from course_utils.training.run import Run

KIND = "checkpoint of a training run, version 1"


class Checkpoint:
    """Keeps the state of a run in a file, and gives it only to the run it belongs to.

    Args:
        path: the file.
        identity: what determines the run.
        every: seconds between two writings, at least.
    """

    def __init__(self, path: str | os.PathLike[str], identity: Identity, every: float) -> None:
        self.path = Path(path)
        self.identity = identity
        self.every = every
        self.written = time.perf_counter()

    def resume(self, run: Run) -> None:
        """Put the run where the file left it, if there is a file.

        Raises:
            ValueError: the file is damaged, no checkpoint, or belongs to another run (says what differs).
        """
        if not self.path.exists():
            return
        payload = storage.read(self.path)
        if payload.get("kind") != KIND or not {"identity", "state"} <= set(payload):
            raise ValueError(f"fit: expected a checkpoint of this course at {self.path}: give another path")
        differences = compare(payload["identity"], self.identity)
        if differences:
            raise ValueError(
                f"fit: the checkpoint {self.path} belongs to another run: {'; '.join(differences)}. "
                "Give another path, or delete the file to start anew"
            )
        run.load_state(payload["state"])

    def save(self, run: Run, *, now: bool = False) -> None:
        """Write the state of the run, unless the last writing was a moment ago."""
        if now or time.perf_counter() - self.written >= self.every:
            storage.write(self.path, {"kind": KIND, "identity": self.identity, "state": run.state()})
            self.written = time.perf_counter()


def compare(old: Identity, new: Identity) -> list[str]:
    """What differs between two runs, in words.

    >>> compare({"lr": "0.1", "code": "a" * 64}, {"lr": "0.2", "code": "b" * 64})
    ['lr was 0.1 and is 0.2', 'code differs']
    """
    found = []
    for key in [*old, *(key for key in new if key not in old)]:
        before, after = old.get(key, "absent"), new.get(key, "absent")
        if before != after:
            short = max(len(before), len(after)) < 40
            found.append(f"{key} was {before} and is {after}" if short else f"{key} differs")
    return found

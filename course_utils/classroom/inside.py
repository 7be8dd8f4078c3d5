"""What runs inside the process of one submission: its cells, one after the other, and a note of each check.

    python -m course_utils.classroom.inside NOTEBOOK NOTES CELL_SECONDS MEMORY_MB [FORBIDDEN …]

Notes are lines of JSON: {"exercise", "outcome", "text"}, {"cell", "error"}, and at the end {"done": true}.
"""

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

# events of Python's audit that a submission has no need of; what the prefix says, all of its family does
DENIED = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.kill",
    "ctypes.",
    "resource.prlimit",
)
CHANGES = (
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.chown",
    "os.utime",
    "os.setxattr",
    "os.removexattr",
    "os.truncate",
    "sqlite3.connect",
)
LOOKS = ("os.listdir", "os.scandir")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
HARMLESS = ("socket.__new__", "socket.gethostname")  # asyncio makes pairs of sockets
LONGEST = 2000


class OutOfTime(BaseException):
    """A cell has had its seconds."""


class Notes:
    """A file of lines that are there even if the process is killed in the next moment."""

    def __init__(self, path: Path) -> None:
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, **note: Any) -> None:
        """Add a line."""
        os.write(self.file, json.dumps(note).encode() + b"\n")


def limit(megabytes: int) -> None:
    """Bound memory and the size of files, where the system can (not on Windows)."""
    try:
        import resource
    except ImportError:
        return
    bounds = {"RLIMIT_DATA": megabytes << 20, "RLIMIT_FSIZE": 100 << 20, "RLIMIT_CORE": 0}
    for name, bound in bounds.items():
        resource.setrlimit(getattr(resource, name), (bound, bound))


def guard(own: Path, forbidden: tuple[Path, ...]) -> None:
    """From here on: no network, no other process, no change outside one folder, no look into some.

    An audit hook stays to the end of the process and cannot be taken out.
    """

    def inside(path: object, folder: Path) -> bool:
        try:
            return Path(os.fsdecode(path)).resolve().is_relative_to(folder)
        except (TypeError, ValueError):
            return False

    def away(path: object) -> None:
        if any(inside(path, folder) for folder in forbidden) and not inside(path, own):
            raise PermissionError("marking: other submissions are not to be read")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if isinstance(path, int) or path is None:
                return
            writes = isinstance(flags, int) and flags & WRITING
            if writes and os.fsdecode(path) != os.devnull and not inside(path, own):
                raise PermissionError(f"marking: writing outside the own folder is not allowed: {path}")
            away(path)
        elif event in LOOKS:
            away(args[0] if args[0] is not None else os.getcwd())
        elif event.startswith(DENIED) and not event.startswith(HARMLESS):
            raise PermissionError(f"marking: {event} is not allowed")
        elif event.startswith(CHANGES) and not all(
            inside(a, own) for a in args if isinstance(a, str | bytes)
        ):
            raise PermissionError(f"marking: {event} outside the own folder is not allowed")

    sys.addaudithook(hook)


def timed(run: Callable[[], None], seconds: float) -> None:
    """Call a function, and interrupt it when its time is over, again and again if it does not listen."""
    if not hasattr(signal, "setitimer"):
        run()
        return

    def over(*_: object) -> None:
        raise OutOfTime(f"not done after {seconds:g} s")

    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(argv: list[str]) -> None:
    """Run the notebook's cells of code; one that fails does not keep the others from running."""
    notebook, notes = nbformat.read(argv[0], as_version=4), Notes(Path(argv[1]))
    seconds, megabytes, forbidden = float(argv[2]), int(argv[3]), tuple(map(Path, argv[4:]))
    # all that is slow or large comes before the limits: what the course itself needs is not counted
    from IPython.core.interactiveshell import InteractiveShell

    from course_utils import plots  # noqa: F401
    from course_utils.exercises.engine import Exercise, Verdict, checking

    def heard(exercise: Exercise, verdict: Verdict) -> None:
        notes.write(exercise=exercise.name, outcome=verdict.outcome, text=verdict.text[:LONGEST])

    checking.listeners.append(heard)
    shell = InteractiveShell.instance()
    tempfile.tempdir = os.getcwd()
    limit(megabytes)
    guard(Path.cwd().resolve(), forbidden)
    for i, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        outcome = None
        try:

            def run(source: str = cell.source) -> None:
                nonlocal outcome
                outcome = shell.run_cell(source, store_history=False)

            timed(run, seconds)
            error = outcome.error_before_exec or outcome.error_in_exec
        except BaseException as raised:
            error = raised
        if error is not None:
            text = f"{type(error).__name__}: {error}"[:LONGEST]
            notes.write(cell=cell.get("id", str(i)), error=text)
    notes.write(done=True)
    os._exit(0)  # threads, exit handlers and the like of a submission are not waited for


if __name__ == "__main__":
    main(sys.argv[1:])

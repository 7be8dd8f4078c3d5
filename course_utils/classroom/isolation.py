"""One submission in a process of its own: watched, and ended when it takes too long or too much."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from course_utils.checks import check_count, check_number
from course_utils.classroom.walls import walled

MOMENT = 0.1
LARGEST_NOTES = 1_000_000
FLOOR = 1000  # megabytes that Python has with the course's packages, before the first cell
BARE = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Limits:
    """What a submission may take.

    Attributes:
        cell: wall-clock seconds for a cell.
        total: wall-clock seconds for the whole notebook, the start of Python included.
        memory: megabytes of memory.

    Raises:
        ValueError: a limit is not positive.
    """

    cell: float = 20.0
    total: float = 120.0
    memory: int = 2000

    def __post_init__(self) -> None:
        check_number(self.cell, "mark: seconds of a cell", low=0.1)
        check_number(self.total, "mark: seconds of a notebook", low=0.1)
        check_count(self.memory, "mark: megabytes")


@dataclass
class Outcome:
    """What became of one run.

    Attributes:
        notes: what was written down inside, in order.
        ended: how it ended: "finished", "out of time", "out of memory", or "died".
        seconds: wall-clock time.
    """

    notes: list[dict] = field(default_factory=list)
    ended: str = "finished"
    seconds: float = 0.0


def run(
    notebook: Path, limits: Limits, *, forbidden: Sequence[Path] = (), room: Path | None = None
) -> Outcome:
    """Run a copy of a notebook alone in an empty folder, and return what it noted.

    Args:
        notebook: the submission; it is not changed.
        limits: what it may take.
        forbidden: folders that it must not read, such as that of the other submissions.
        room: where its folder is made, beside those of others that run; None: where the system likes.
    """
    with tempfile.TemporaryDirectory(dir=room, ignore_cleanup_errors=True) as name:
        own = Path(name).resolve()
        folder, notes = own / "work", own / "notes"
        folder.mkdir()
        notes.touch()
        copy = shutil.copyfile(notebook, own / "submission.ipynb")
        hidden = [path.resolve() for path in (*forbidden, *([room] if room else []))]
        given = [copy, notes, limits.cell, limits.memory, *hidden]
        inner = [sys.executable, "-m", "course_utils.classroom.inside", *map(str, given)]
        command = walled(inner, own, hidden)
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        ended = _watch(process, limits, started)
        found = _read(notes)
        if ended == "finished" and not any(note.get("done") is True for note in found):
            ended = "died"
        return Outcome(found, ended, time.monotonic() - started)


def _watch(process: subprocess.Popen, limits: Limits, started: float) -> str:
    """Wait for the end, or make one."""
    try:
        while process.poll() is None:
            if time.monotonic() - started > limits.total:
                return "out of time"
            if _megabytes(process.pid) > limits.memory + FLOOR:
                return "out of memory"
            time.sleep(MOMENT)
        return "finished"
    finally:
        _end(process)


def _megabytes(pid: int) -> float:
    """The memory of a process and of all that it started."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for each in [parent, *parent.children(recursive=True)]:
            total += each.memory_info().rss
    except psutil.Error:
        pass
    return total / 2**20


def _end(process: subprocess.Popen) -> None:
    """Kill the process, all that it started, and its whole group, if there is something left."""
    try:
        descendants = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        descendants = []
    for each in descendants:
        with suppress(psutil.Error):
            each.kill()
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.kill()
    process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Little of the surroundings: no keys and tokens; settings and caches of nobody."""
    kept = {key: os.environ[key] for key in BARE if key in os.environ}
    root = Path(__file__).resolve().parents[2]
    return kept | {
        "HOME": str(folder),
        "USERPROFILE": str(folder),
        "IPYTHONDIR": str(folder),
        "MPLBACKEND": "agg",
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),  # lists of fonts
        "OMP_NUM_THREADS": "1",
        "COURSE_DEVICE": "cpu",
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
    }


def _read(notes: Path) -> list[dict]:
    """The notes, without lines that are none."""
    found = []
    try:
        with notes.open("rb") as file:
            lines = file.read(LARGEST_NOTES).splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            note = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(note, dict):
            found.append(note)
    return found

"""One submission alone in bubblewrap: no network, no files but the course and Python, and limits.

bubblewrap (``bwrap``, https://github.com/containers/bubblewrap) starts a process in Linux namespaces of its
own. A submission finds the course and Python to read, a scratch folder in memory, no network, no home, no
other process; it ends with the marker, whatever ends that. Without it one may *trust* the submissions: then
limits of time and memory are all that stands between them and the machine.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Event
from time import monotonic
from typing import IO, NamedTuple

import psutil

from course_utils.checks import check_count, check_number
from course_utils.classroom.submission import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SCRATCH, SCRATCH_BYTES = "/tmp/work", 256 << 20
SYSTEM = ("bin", "sbin", "lib", "lib64")  # folders, or links into /usr
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime")
INSTALL = "install it (sudo apt install bubblewrap, or dnf, or pacman -S), version 0.8 or newer"
RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")  # Ubuntu's, from 23.10 on
ALLOW = f"Ubuntu forbids it; until the next boot, sudo sysctl -w kernel.{RESTRICTED.name}=0 allows it"
PYTHON_MEGABYTES = 1000  # that Python has with the course's packages, before the first cell
PROCESSES, MOMENT = 50, 0.5
MOST_NOTES, MOST_STDERR = 1_000_000, 10_000  # bytes


@dataclass(frozen=True)
class Limits:
    """What a submission may take: CPU seconds for a cell and for all with Python's start, and megabytes.

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


class Outcome(NamedTuple):
    """How a run ended, why if it did not finish, after how many CPU seconds, and what was noted in it."""

    ended: str
    reason: str = ""
    seconds: float = 0.0
    notes: Sequence[dict] = ()


@cache
def missing() -> str:
    """Why no sandbox can be had here; empty if one can."""
    if shutil.which("bwrap") is None:
        return f"bubblewrap is not here: {INSTALL}" if sys.platform == "linux" else "bubblewrap needs Linux"
    trial = [*bubblewrap(), sys.executable, "-c", "open('a', 'w').write('b')"]
    ran = subprocess.run(trial, capture_output=True, text=True, check=False, env=environment(SCRATCH))
    if ran.returncode == 0:
        return ""
    kept = RESTRICTED.is_file() and RESTRICTED.read_text().strip() == "1"
    return f"bubblewrap does not run here ({last_line(ran.stderr)}): {ALLOW if kept else INSTALL}"


def run(
    notebook: IO[bytes], exercises: Sequence[str], limits: Limits, *, trust: bool, stop: Event
) -> Outcome:
    """Run a submission, given as an open file, in a sandbox or on trust, until it ends or ``stop`` is set."""
    task = json.dumps({"exercises": exercises, **asdict(limits)})
    inner = [sys.executable, "-m", "course_utils.classroom.submission", task]
    scratch = TemporaryDirectory(ignore_cleanup_errors=True)
    with scratch as folder, TemporaryFile() as notes, TemporaryFile() as stderr:
        command = inner if trust else [*bubblewrap(), *inner]
        streams = {"stdin": notebook, "stdout": notes, "stderr": stderr}
        env = environment(folder if trust else SCRATCH)
        process = subprocess.Popen(command, cwd=folder, env=env, start_new_session=True, **streams)
        try:
            ended, reason, seconds = watch(process, limits, stop)
        finally:
            with suppress(AttributeError, ProcessLookupError, PermissionError):  # Windows has no groups
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
        notes.seek(0)
        found = parse(notes.read(MOST_NOTES))
        if ended == "finished" and {"done": True} not in found:
            stderr.seek(max(0, stderr.seek(0, os.SEEK_END) - MOST_STDERR))
            ended, reason = death(process.returncode, stderr.read().decode("utf-8", "replace"))
        return Outcome(ended, reason, seconds, found)


def bubblewrap() -> list[str]:
    """bwrap with what a submission may see; the course may lie anywhere, so may Python."""
    words = ["bwrap", *"--unshare-all --unshare-user --disable-userns --uid 1000 --gid 1000".split()]
    words += "--cap-drop ALL --die-with-parent --new-session".split()
    words += "--proc /proc --dev /dev --remount-ro /dev --ro-bind /usr /usr".split()
    for folder in ("/tmp", "/run", "/dev/shm"):
        words += ["--size", str(SCRATCH_BYTES), "--tmpfs", folder]
    for path in (Path("/", name) for name in SYSTEM):
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    python = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1]]
    seen = {*python, *(path.resolve() for path in python), ROOT / "course_utils", ROOT / "data"}
    seen |= {*(Path("/etc", name) for name in SETTINGS), Path("/nix/store"), Path("/sys/devices/system/cpu")}
    seen |= {Path(place) for place in own_data().values()}
    for path in sorted(path for path in seen if not path.is_relative_to("/usr")):
        words += ["--ro-bind-try", str(path), str(path)]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "matplotlib")
    for path in Path(os.environ.get("MPLCONFIGDIR") or cache).glob("fontlist-*.json"):  # slow to make anew
        words += ["--ro-bind", str(path), f"{SCRATCH}/.config/{path.name}"]
    return [*words, "--dir", SCRATCH, "--chdir", SCRATCH, "--remount-ro", "/"]


def own_data() -> dict[str, str]:
    """The variable that says where the data of the course lie, if it is set."""
    place = os.environ.get("COURSE_DATA")
    return {"COURSE_DATA": os.path.abspath(place)} if place else {}


def environment(home: str) -> dict[str, str]:
    """Little of the surroundings: no keys and tokens; settings and caches of nobody."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
    kept = own_data() | {key: os.environ[key] for key in ("SYSTEMROOT",) if key in os.environ}  # of Windows
    kept |= dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR"), home)
    kept |= {"PATH": path, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    kept |= {"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    kept |= {"MPLCONFIGDIR": str(Path(home, ".config")), "MPLBACKEND": "agg"}
    return kept | {"OMP_NUM_THREADS": "1", "COURSE_DEVICE": "cpu"}


def watch(process: subprocess.Popen, limits: Limits, stop: Event) -> tuple[str, str, float]:
    """Wait until the process ends or has had enough; how it ended, why, and its CPU seconds."""
    started, seconds = monotonic(), 0.0
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(MOMENT)
            return "finished", "", seconds
        seconds, megabytes, processes = taken(process.pid)
        if stop.is_set():
            return "interrupted", "", seconds
        if seconds > limits.total or monotonic() - started > PATIENCE * limits.total:
            return "out of time", f"not done after {seconds:.0f} s of CPU time", seconds
        if megabytes > limits.memory + PYTHON_MEGABYTES or processes > PROCESSES:
            return "out of memory", f"{megabytes:.0f} MB in {processes} processes", seconds


def taken(pid: int) -> tuple[float, float, int]:
    """CPU seconds and megabytes that a process and all that it started have taken; how many they are."""
    seconds, size, processes = 0.0, 0, 0
    with suppress(psutil.Error):
        for each in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            with suppress(psutil.Error):  # it has just ended
                seconds += sum(each.cpu_times()[:4])  # its own, and those of children that have ended
                size, processes = size + each.memory_info().rss, processes + 1
    return seconds, size / 2**20, processes


def parse(lines: bytes) -> list[dict]:
    """The notes, without lines that are none."""
    found = []
    for line in lines.splitlines():
        with suppress(ValueError, RecursionError):
            found.append(json.loads(line))
    return [note for note in found if isinstance(note, dict)]


def death(code: int, stderr: str) -> tuple[str, str]:
    """How a run ended that has not said that it is done, and why."""
    number = -code if code < 0 else code - 128  # bubblewrap adds 128 to the signal
    name = signal.Signals(number).name if number in {*signal.Signals} else f"status {code}"
    return "out of time" if name == "SIGXCPU" else "died", last_line(stderr) or f"ended with {name}"


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")

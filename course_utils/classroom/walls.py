"""What the system can put around a process: no network, no other process in sight, a disk to read only.

On Linux namespaces do it, where they are allowed to a user; they hold whatever the process runs, C or Python.
Elsewhere only Python's audit, see ``inside``, stands between a submission and the rest.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

NETWORK = ("unshare", "--user", "--map-root-user", "--net", "--")
ALL = (*NETWORK[:-1], "--pid", "--ipc", "--mount", "--fork", "--kill-child", "--")
# OWN HIDDEN … -- COMMAND …: hide folders, make all of the disk read-only but OWN/notes, and OWN/work a disk
# of its own in memory; at last give up the power to undo it
SCRIPT = r"""
set -eu
own=$1
shift
cd "$own"
mount -t proc proc /proc 2>/dev/null || true
while [ "$1" != -- ]; do
  [ ! -d "$1" ] || mount -t tmpfs -o size=1m none "$1"
  shift
done
shift
mkdir -p "$own"
mount --no-canonicalize --bind . "$own"
mount --bind "$own/notes" "$own/notes"
while read -r _ at _; do
  at=$(printf '%b' "$at")
  [ "$at" = "$own/notes" ] || mount -o remount,bind,ro "$at" 2>/dev/null || true
done </proc/self/mounts
mount -t tmpfs -o size=256m,nr_inodes=10k none "$own/work"
cd "$own/work"
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"
"""
HELD = 'test ! -e ../../other && test ! -w .. && test ! -w "$0" && test ! -w "${HOME:-/}"'
PROOF = f"{HELD} && echo in > file && echo in > ../notes"


def walled(command: Sequence[str], own: Path, hidden: Sequence[Path] = ()) -> list[str]:
    """The command that runs another within the walls that there are.

    Args:
        command: what to run.
        own: a folder with an empty file ``notes`` and an empty folder ``work``, in which it runs.
        hidden: folders that it shall not see; ``own`` may lie in one.
    """
    if walls() == "all":
        return [*ALL, "sh", "-c", SCRIPT, "sh", str(own), *map(str, hidden), "--", *command]
    return [*(NETWORK if walls() == "network" else ()), *command]


@cache
def walls() -> str:
    """What this system has and allows: "all", "network" (only that is cut off), or "none"."""
    if shutil.which("unshare") is None:
        return "none"
    with tempfile.TemporaryDirectory() as name:
        room = Path(name).resolve()
        own = room / "own"
        (own / "work").mkdir(parents=True)
        (own / "notes").touch()
        (room / "other").touch()
        trial = ["sh", "-c", SCRIPT, "sh", str(own), str(room), "--", "sh", "-c", PROOF, __file__]
        if _runs([*ALL, *trial]) and (own / "notes").read_text() == "in\n":
            return "all"
    return "network" if _runs([*NETWORK, "true"]) else "none"


def _runs(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False

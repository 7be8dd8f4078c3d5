"""The command that executes the notebooks of the course and stores their outputs."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.reader import NotJSONError

from course_utils.notebooks.comparison import keep_stored
from course_utils.notebooks.execution import NotebookError, execute
from course_utils.storage import write_bytes

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"


@dataclass(frozen=True)
class Refreshed:
    """What refreshing one notebook did: seconds on the wall, 1000 bytes of its file, whether that is another."""

    path: Path
    seconds: float
    kilobytes: float
    changed: bool

    def __str__(self) -> str:
        verdict = "changed" if self.changed else "unchanged"
        return f"{self.path.name:<48} {self.seconds:6.1f} s {self.kilobytes:7.1f} kB  {verdict}"


def find(name: str | int | Path, folder: Path = FOLDER, who: str = "refresh") -> Path:
    """The notebook that a path, a name (``03_generative_models``) or a number (``03``, ``3``) stands for.

    Raises:
        ValueError: no notebook, or more than one, goes by this name; the message lists those there are.
    """
    path = Path(str(name))
    if path.suffix == ".ipynb" and path.is_file():
        return path
    there, stem = sorted(folder.glob("*.ipynb")), path.name.removesuffix(".ipynb")
    number = f"{int(stem):02d}" if stem.isdecimal() else ""
    found = [p for p in there if p.stem == stem or (number and p.stem.split("_")[0] == number)]
    if len(found) != 1:
        known = ", ".join(p.stem for p in there) or "none is here"
        raise ValueError(f"{who}: expected the name or number of one notebook ({known}), got {str(name)!r}")
    return found[0]


def refresh(path: Path, *, write: bool = True) -> Refreshed:
    """Execute a notebook in its own folder, write it back if it changed, and print a line about it.

    ``write=False`` executes and reports, and leaves the file alone.

    Raises:
        NotebookError: it did not run clean (see ``execute``), or was saved meanwhile; it is not written.
        ValueError: it is not valid.
    """
    before, start = path.read_bytes(), time.perf_counter()
    try:
        stored = nbformat.reads(before.decode(), as_version=4)
        nbformat.validate(stored)
    except (NotJSONError, UnicodeDecodeError, nbformat.ValidationError) as error:
        raise ValueError(f"refresh: expected a valid notebook in {path.name}, got {error}") from error
    new = execute(stored, path.parent, name=path.name)
    seconds = time.perf_counter() - start
    keep_stored(new, stored)
    after = (nbformat.writes(new).rstrip("\n") + "\n").encode()
    if write and after != before:
        if path.read_bytes() != before:
            raise NotebookError(f"{path.name}: saved by somebody else while it ran, so it is not written")
        mode = path.stat().st_mode
        write_bytes(path, after).chmod(mode)
    done = Refreshed(path, seconds, len(after) / 1000, after != before)
    print(done, flush=True)
    return done


def main(argv: Sequence[str] | None = None) -> int:
    """Execute notebooks and store their outputs; return 1 where one failed, or ``--check`` found one out of date."""
    parser = argparse.ArgumentParser(prog="python -m course_utils refresh", description=main.__doc__)
    parser.add_argument("names", nargs="*", help="paths, names or numbers; none: every notebook")
    parser.add_argument("--check", action="store_true", help="execute and report, write nothing")
    arguments = parser.parse_args(argv)
    try:
        chosen = [find(name) for name in arguments.names] or sorted(FOLDER.glob("*.ipynb"))
    except ValueError as error:
        parser.error(str(error))
    done, failed = [], 0
    for path in chosen:
        try:
            done.append(refresh(path, write=not arguments.check))
        except (NotebookError, ValueError, OSError) as error:
            failed += 1
            print(f"{path.name:<48} FAILED\n{error}", file=sys.stderr, flush=True)
    changed = sum(one.changed for one in done)
    print(
        f"{len(chosen)} notebooks, {sum(one.seconds for one in done):.1f} s, "
        f"{sum(one.kilobytes for one in done):.1f} kB: {changed} changed, {failed} failed"
    )
    return 1 if failed or (arguments.check and changed) else 0

"""A class of submissions: who gets how many marks, and for what."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

from course_utils.classroom.isolation import Limits, Outcome, run
from course_utils.exercises.engine.stubs import exercises_of
from course_utils.notebooks import find

OUTCOMES = ("right", "wrong", "not attempted", "broken check")
MISSING = "not checked"
LARGEST = 20_000_000  # bytes of a notebook
MOST = 100  # errors in a report
COURSE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Mark:
    """What one student's submission came to.

    Attributes:
        student: the name of the file, or of its folder and the file, without its ending.
        outcomes: of each exercise: "right", "wrong", "not attempted", "broken check", or "not checked".
        texts: what ``check`` said last of each exercise.
        errors: the cells that failed, and how.
        ended: "finished", "out of time", "out of memory", "died", or "no notebook".
        seconds: how long it ran.
    """

    student: str
    outcomes: dict[str, str]
    texts: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    ended: str = "finished"
    seconds: float = 0.0

    @property
    def marks(self) -> int:
        """One for each exercise that is right."""
        return list(self.outcomes.values()).count("right")


def mark(
    folder: Path | str,
    notebook: str | Path = "21",
    *,
    limits: Limits | None = None,
    jobs: int | None = None,
    hidden: Sequence[Path | str] = (),
    on_mark: Callable[[Mark], object] = lambda each: None,
) -> list[Mark]:
    """Run every notebook in a folder, and below it, alone; mark the exercises of one of the course's.

    Args:
        folder: the submissions, a notebook each.
        notebook: the name or number of the notebook of the course that was handed out.
        limits: what a submission may take; None: the defaults.
        jobs: how many run side by side; None: one on each core.
        hidden: folders that no submission may read, beside the one with the submissions.
        on_mark: is told of each when it is done.

    Returns:
        a mark for each, in the order of names.

    Raises:
        ValueError: there is no such folder or no notebook in it, it holds the course or Python itself, or
            the notebook has no exercises.
    """
    folder, wanted = Path(folder), exercises_of(nbformat.read(find(notebook), as_version=4))
    papers = sorted(_papers(folder)) if folder.is_dir() else []
    if not papers:
        raise ValueError(f"mark: expected a folder with notebooks, got {folder}")
    if not wanted:
        raise ValueError(f"mark: expected a notebook with exercises, got {notebook}")
    if _holds_the_course(folder):
        raise ValueError(f"mark: expected a folder of submissions alone, got {folder} with the course in it")
    away = (folder, *(path for path in map(Path, hidden) if not _holds_the_course(path)))
    with (
        ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool,
        TemporaryDirectory(ignore_cleanup_errors=True) as room,
    ):
        one = partial(_one, folder, wanted, limits or Limits(), on_mark, away, Path(room))
        return list(pool.map(one, papers))


def _holds_the_course(folder: Path) -> bool:
    """Whether a submission could not run without it."""
    needed = COURSE, Path(sys.prefix).resolve()
    return any(path.is_relative_to(folder.resolve()) for path in needed)


def _papers(folder: Path) -> Iterator[Path]:
    """The notebooks in a folder and below it, without Jupyter's own copies."""
    for path in folder.rglob("*.ipynb"):
        if (path.is_file() or path.is_symlink()) and ".ipynb_checkpoints" not in path.parts:
            yield path


def _one(
    folder: Path,
    wanted: list[str],
    limits: Limits,
    on_mark: Callable[[Mark], object],
    away: tuple[Path, ...],
    room: Path,
    paper: Path,
) -> Mark:
    student = clean(paper.relative_to(folder).with_suffix("").as_posix())
    reason = _no_notebook(paper)
    if reason:
        done = Mark(student, dict.fromkeys(wanted, MISSING), errors={"file": reason}, ended="no notebook")
    else:
        try:
            done = _from_notes(student, wanted, run(paper, limits, forbidden=away, room=room))
        except Exception as error:  # whatever one submission brings about, the others are marked
            why = clean(f"{type(error).__name__}: {error}")
            done = Mark(student, dict.fromkeys(wanted, MISSING), errors={"marking": why}, ended="died")
    on_mark(done)
    return done


def _no_notebook(paper: Path) -> str:
    """Why a file is no notebook; empty if it is one. Whatever lies there, reading it raises nothing."""
    try:
        if paper.is_symlink():
            return "it is a link, not a file"
        if paper.stat().st_size > LARGEST:
            return f"it has more than {LARGEST:,} bytes"
        nbformat.read(paper, as_version=4)
    except Exception as error:  # not JSON, nested too deep, of no version, of another shape, ...
        return clean(f"{type(error).__name__}: {str(error)[:200]}")
    return ""


def _from_notes(student: str, wanted: list[str], came: Outcome) -> Mark:
    """What the notes of a run amount to: the last check of an exercise counts."""
    outcomes, texts, errors = dict.fromkeys(wanted, MISSING), {}, {}
    for note in came.notes:
        name, outcome = note.get("exercise"), note.get("outcome")
        if isinstance(name, str) and name in outcomes and outcome in OUTCOMES:
            outcomes[name], texts[name] = outcome, clean(note.get("text", ""), "\n")
        elif "error" in note and len(errors) < MOST:
            errors[clean(note.get("cell"))] = clean(note["error"])
    return Mark(student, outcomes, texts, errors, came.ended, came.seconds)


def clean(text: object, allowed: str = "") -> str:
    r"""A text as it may be printed and written anywhere: what cannot be printed is escaped.

    >>> clean("a\x1b[2J\ud800é")
    'a\\x1b[2J\\ud800é'
    """
    return "".join(c if c.isprintable() or c in allowed else ascii(c)[1:-1] for c in str(text))

"""A class of submissions: who gets how many marks, and for what."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nbformat
from nbformat.reader import NotJSONError

from course_utils.exercises.stubs import exercises_of
from course_utils.marking.isolation import Limits, Outcome, run
from course_utils.notebooks import find

OUTCOMES = ("right", "wrong", "not attempted", "broken check")
MISSING = "not checked"


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
    on_mark: Callable[[Mark], object] = lambda each: None,
) -> list[Mark]:
    """Run every notebook in a folder, and below it, alone; mark the exercises of one of the course's.

    Args:
        folder: the submissions, a notebook each.
        notebook: the name or number of the notebook of the course that was handed out.
        limits: what a submission may take; None: the defaults.
        jobs: how many run side by side; None: one on each core.
        on_mark: is told of each when it is done.

    Returns:
        a mark for each, in the order of names.

    Raises:
        ValueError: there is no such folder or no notebook in it, or the notebook has no exercises.
    """
    folder, wanted = Path(folder), exercises_of(nbformat.read(find(notebook), as_version=4))
    papers = sorted(_papers(folder)) if folder.is_dir() else []
    if not papers:
        raise ValueError(f"mark: expected a folder with notebooks, got {folder}")
    if not wanted:
        raise ValueError(f"mark: expected a notebook with exercises, got {notebook}")
    one = partial(_one, folder, wanted, limits or Limits(), on_mark)
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        return list(pool.map(one, papers))


def _papers(folder: Path) -> Iterator[Path]:
    """The notebooks in a folder and below it, without Jupyter's own copies."""
    for path in folder.rglob("*.ipynb"):
        if path.is_file() and ".ipynb_checkpoints" not in path.parts:
            yield path


def _one(
    folder: Path, wanted: list[str], limits: Limits, on_mark: Callable[[Mark], object], paper: Path
) -> Mark:
    student = paper.relative_to(folder).with_suffix("").as_posix()
    try:
        nbformat.read(paper, as_version=4)
    except (NotJSONError, nbformat.ValidationError, UnicodeDecodeError, KeyError, AttributeError, OSError):
        done = Mark(student, dict.fromkeys(wanted, MISSING), ended="no notebook")
    else:
        done = _from_notes(student, wanted, run(paper, limits, forbidden=(folder,)))
    on_mark(done)
    return done


def _from_notes(student: str, wanted: list[str], came: Outcome) -> Mark:
    """What the notes of a run amount to: the last check of an exercise counts."""
    outcomes, texts, errors = dict.fromkeys(wanted, MISSING), {}, {}
    for note in came.notes:
        name, outcome = note.get("exercise"), note.get("outcome")
        if name in outcomes and outcome in OUTCOMES:
            outcomes[name], texts[name] = outcome, str(note.get("text", ""))
        elif "error" in note:
            errors[str(note.get("cell"))] = str(note["error"])
    return Mark(student, outcomes, texts, errors, came.ended, came.seconds)

"""A class of submissions: who gets how many marks, and for what."""

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import IO

import nbformat

from course_utils.checks import check_count
from course_utils.classroom.sandbox import ROOT, Limits, Outcome, missing, run
from course_utils.classroom.submission import LARGEST_FILE
from course_utils.exercises.engine.stubs import exercises_of
from course_utils.notebooks import find

OUTCOMES = ("right", "wrong", "not attempted", "broken check")
MISSING = "not checked"
MOST_ERRORS = 100  # in a report
IGNORED = (".", "__MACOSX", "Thumbs.db", "desktop.ini")  # how the names begin of what no student hands in


@dataclass(frozen=True)
class Mark:
    """What one student's submission came to.

    Attributes:
        student: the name of the file and of its folders, without its ending; no two have the same.
        outcomes: of each exercise: "right", "wrong", "not attempted", "broken check", or "not checked".
        texts: what ``check`` said last of each exercise.
        errors: the cells that failed, and how.
        ended: "finished", "a cell out of time", "out of time", "out of memory", "died", or "not marked".
        reason: why, if it did not finish.
        seconds: of CPU time.
    """

    student: str
    outcomes: dict[str, str]
    texts: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    ended: str = "finished"
    reason: str = ""
    seconds: float = 0.0

    @property
    def marks(self) -> int:
        """One for each exercise that is right."""
        return list(self.outcomes.values()).count("right")

    @property
    def odd(self) -> bool:
        """Whether a teacher should look into it."""
        return self.ended != "finished" or "broken check" in self.outcomes.values()


def mark(
    folder: Path | str,
    notebook: str | Path = "21",
    *,
    limits: Limits | None = None,
    jobs: int | None = None,
    trust: bool = False,
) -> Iterator[Mark]:
    """Run every notebook in a folder, and below it, alone; iterate over the marks as they come.

    Args:
        folder: the submissions; a file that is no notebook gets a mark too, which says so.
        notebook: the name or number of the notebook of the course that was handed out.
        limits: what a submission may take; None: the defaults.
        jobs: how many run side by side; None: one on each core.
        trust: run without a sandbox, with limits of time and memory only.

    Raises:
        ValueError: there is no such folder or no notebook in it, it holds the course, the notebook has no
            exercises, ``jobs`` is not positive, or there is no sandbox and no trust; the message says what
            to install.
    """
    folder, wanted = Path(folder), exercises_of(nbformat.read(find(notebook, who="mark"), as_version=4))
    papers, limits, stop = submissions(folder), limits or Limits(), Event()
    if not any(path.suffix == ".ipynb" for path in papers.values()):
        raise ValueError(f"mark: expected a folder with notebooks, got {folder}")
    if not wanted:
        raise ValueError(f"mark: expected a notebook with exercises, got {notebook}")
    if ROOT.is_relative_to(folder.resolve()):
        raise ValueError(f"mark: expected a folder of submissions alone, got {folder} with the course in it")
    if jobs is not None:
        check_count(jobs, "mark: jobs")
    if not trust and missing():
        raise ValueError(f"mark: expected a sandbox, got none: {missing()}; or --trust the submissions")

    def one(student: str) -> Mark:
        try:
            with opened(papers[student]) as file:
                return marked(student, wanted, run(file, wanted, limits, trust=trust, stop=stop))
        except Exception as error:  # whatever one submission brings about, the others are marked
            why = clean(error if type(error) is ValueError else f"{type(error).__name__}: {error}")
            return Mark(student, dict.fromkeys(wanted, MISSING), ended="not marked", reason=why)

    def marks() -> Iterator[Mark]:
        pool = ThreadPoolExecutor(jobs or os.cpu_count() or 1)
        try:
            yield from (done.result() for done in as_completed([pool.submit(one, each) for each in papers]))
        finally:  # also after Ctrl-C: those that run are ended, the others not begun
            stop.set()
            pool.shutdown(cancel_futures=True)

    return marks()


def submissions(folder: Path) -> dict[str, Path]:
    """All files in a folder and below it by the student's name; a folder that is a link counts as a file.

    Names that look alike, such as é as one letter or as two, are told apart by their escapes.
    """
    paths = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(IGNORED)]
        links = [name for name in folders if Path(place, name).is_symlink()]
        paths += [Path(place, name) for name in files + links if not name.startswith(IGNORED)]
    raw = [path.relative_to(folder).as_posix().removesuffix(".ipynb") for path in paths]
    count = Counter(map(alike, raw))
    names = (clean(name) if count[alike(name)] == 1 else ascii(name)[1:-1] for name in raw)
    return dict(zip(names, paths, strict=True))


def alike(name: str) -> str:
    """What two names share that a disk or a reader may take for one."""
    return unicodedata.normalize("NFC", clean(name)).casefold()


def opened(paper: Path) -> IO[bytes]:
    """A submission's file, open; no pipe is waited for, no link followed.

    Raises:
        ValueError: it is no notebook's file; the message says why.
    """
    if paper.suffix != ".ipynb" or paper.is_symlink():
        raise ValueError("expected a file whose name ends in .ipynb" + ", not a link" * paper.is_symlink())
    flags = [getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY")]
    file = open(os.open(paper, os.O_RDONLY | sum(flags)), "rb")
    facts = os.fstat(file.fileno())
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST_FILE:
        file.close()
        raise ValueError(f"expected a plain file of at most {LARGEST_FILE >> 20} MB")
    return file


def marked(student: str, wanted: Sequence[str], came: Outcome) -> Mark:
    """What the notes of a run amount to: the last check of an exercise counts."""
    outcomes, texts, errors = dict.fromkeys(wanted, MISSING), {}, {}
    ended, reason = came.ended, came.reason
    for note in came.notes:
        name, outcome = note.get("exercise"), note.get("outcome")
        if isinstance(name, str) and name in outcomes and outcome in OUTCOMES:
            outcomes[name], texts[name] = outcome, clean(note.get("text", ""), "\n")
        elif "error" in note and len(errors) < MOST_ERRORS:
            errors[clean(note.get("cell"))] = clean(note["error"])
        if "unreadable" in note:
            ended, reason = "not marked", note["unreadable"]
        elif note.get("late") and ended == "finished":
            ended, reason = "a cell out of time", note.get("cell")
    return Mark(student, outcomes, texts, errors, ended, clean(reason), came.seconds)


def clean(text: object, allowed: str = "") -> str:
    r"""A text as it may be printed and written anywhere: what cannot be printed is escaped.

    >>> clean("a\x1b[2J\ud800é")
    'a\\x1b[2J\\ud800é'
    """
    return "".join(c if c.isprintable() or c in allowed else ascii(c)[1:-1] for c in str(text))

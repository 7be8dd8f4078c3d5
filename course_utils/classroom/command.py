"""The command ``mark``: a folder of submissions in, a table of marks and a report for each student out."""

import argparse
import csv
import io
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from course_utils.classroom.gradebook import Gradebook, fill
from course_utils.classroom.marking import Mark, alike, clean, mark, submissions
from course_utils.classroom.report import SIGNS, feedback, report, results
from course_utils.classroom.sandbox import Limits
from course_utils.storage import write_bytes

FORMULA = ("=", "+", "-", "@")  # how a spreadsheet's formulas begin
TABLE = "marks.csv"


def main(argv: Sequence[str] | None = None) -> int:
    """Mark a folder of submitted notebooks; 1: there is something to look into, 2: it could not begin."""
    given = parser().parse_args(argv)
    papers = submissions(given.folder).items()
    places = {name: clean(path.relative_to(given.folder).as_posix()) for name, path in papers}
    notebooks = [Mark(name, {}) for name, place in places.items() if place.endswith(".ipynb")]
    try:
        if given.results and given.folder.is_dir() and len(notebooks) != 1:
            write_bytes(given.results, results(notebooks))
            raise ValueError(f"mark: expected one notebook for --results, got {len(notebooks)}")
        limits = Limits(given.cell_seconds, given.seconds, given.megabytes)
        book = Gradebook(given.gradebook, given.assignment) if given.gradebook else None
        marks = mark(given.folder, given.notebook, limits=limits, jobs=given.jobs, trust=given.trust)
        kept = Marks(given.out)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        for done in marks:
            signs = "".join(SIGNS[outcome] for outcome in done.outcomes.values())
            say(f"{done.student:<32} {signs} {done.marks:3} of {len(signs)}  {ended(done)}")
            kept.add(done)
    except KeyboardInterrupt:
        say("interrupted: no grades are filled in" if book else "interrupted")
        book = given.results = None
    if kept.trouble:
        say(f"{TABLE} could not be written: {kept.trouble}. This is it:\n{kept.table()}")
    say(f"{len(kept.marks)} submissions; marks and reports are in {given.out}")
    odd = [f"{each.student}: {ended(each)}" for each in kept.marks if each.odd]
    try:
        if given.results:
            done = [each for each in kept.marks if each.student == notebooks[0].student]
            write_bytes(given.results, results(done))
        if book:
            odd += grades(book, kept.marks, places, given.out)
    except OSError as error:
        odd.append(f"the grades: {error}")
    for each in odd:
        say(f"look into {each}")
    return int(bool(odd or kept.trouble))


def parser() -> argparse.ArgumentParser:
    """What can be said after ``mark``."""
    taken = argparse.ArgumentParser(prog="python -m course_utils mark", description=main.__doc__)
    taken.add_argument("folder", type=Path, help="the submissions, one notebook each, in it or below it")
    taken.add_argument("--notebook", default="21", help="which notebook was handed out (default: 21)")
    taken.add_argument("--out", type=Path, default=Path("marks"), help="where to write (default: marks)")
    taken.add_argument("--gradebook", type=Path, help="what Moodle or Canvas exports, to be filled")
    taken.add_argument("--assignment", default="", help="the column of Canvas's (default: the only one)")
    taken.add_argument("--results", type=Path, help="Gradescope's results.json, to write for one notebook")
    taken.add_argument("--trust", action="store_true", help="no sandbox: in a container, or among friends")
    taken.add_argument("--cell-seconds", type=float, default=Limits.cell, help="of CPU time for a cell")
    taken.add_argument("--seconds", type=float, default=Limits.total, help="of CPU time for a notebook")
    taken.add_argument("--megabytes", type=int, default=Limits.memory, help="of memory for a notebook")
    taken.add_argument("--jobs", type=int, default=None, help="side by side (default: one on each core)")
    return taken


def grades(book: Gradebook, marks: Sequence[Mark], places: Mapping[str, str], out: Path) -> list[str]:
    """Fill an export, and put feedback to upload beside the reports; return what to look into."""
    path, filled = fill(book, marks, places)
    for note in filled.notes:
        say(note)
    say(f"{len(filled.counted)} of {len(book.rows)} students have their grades in {path}")
    say(f"feedback to upload is in {write_bytes(out / 'feedback.zip', feedback(filled.counted))}")
    return filled.odd


def ended(done: Mark) -> str:
    """How it ended, and why."""
    return f"{done.ended}: {done.reason}" if done.reason else done.ended


def say(text: str) -> None:
    """Print what the terminal can show: a strange name is no reason to stop."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


class Marks:
    """The marks so far, in a folder: whenever marking stops, those that have come are there.

    A table that lies there from before is renamed by its date, not replaced.

    Raises:
        ValueError: it is a file.
        OSError: one cannot write there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.before = folder, True
        self.marks: list[Mark] = []
        self.files: set[str] = set()
        self.trouble: OSError | None = None  # why the table on the disk is not the last one
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"mark: expected a folder for the marks, got the file {folder}")
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / ".trial", b" ").unlink()

    def add(self, done: Mark) -> None:
        """Keep a mark, and write it down; a table that could not be written is written with the next mark."""
        place = self.folder / TABLE
        self.marks = sorted([*self.marks, done], key=lambda each: each.student)
        try:
            if self.before and place.exists():
                date = time.strftime("%Y-%m-%d-%H%M%S", time.localtime(place.stat().st_mtime))
                os.replace(place, place.with_stem(f"{place.stem}-{date}"))
            self.before = False
            write_bytes(place, self.table().encode("utf-8-sig"))
            write_bytes(self.folder / self.file(done.student), "\n".join(report(done)).encode())
            self.trouble = None
        except OSError as error:
            self.trouble = error

    def table(self) -> str:
        """All marks as comma-separated values."""
        exercises, file = list(self.marks[0].outcomes), io.StringIO(newline="")
        rows = csv.writer(file)
        rows.writerow(["student", "marks", "of", "ended", "reason", "CPU seconds", *exercises])
        for each in self.marks:
            student, reason = (f"'{x}" if x.startswith(FORMULA) else x for x in (each.student, each.reason))
            facts = [student, each.marks, len(exercises), each.ended, reason, round(each.seconds)]
            rows.writerow([*facts, *each.outcomes.values()])
        return file.getvalue()

    def file(self, student: str) -> str:
        """A name for a student's report that no other has, and that every disk takes."""
        stem = re.sub(r'[<>:"|?*\\]', "_", student.replace("/", "--"))[:60]
        names = (f"{stem}{f'-{i}' * (i > 1)}.md" for i in count(1))
        name = next(name for name in names if alike(name) not in self.files)
        self.files.add(alike(name))
        return name

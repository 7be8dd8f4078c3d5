"""The command ``mark``: a folder of submissions in, a table of marks and a report for each student out."""

import argparse
import csv
import io
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from html import escape
from itertools import count
from pathlib import Path

from course_utils.classroom.marking import Mark, alike, mark
from course_utils.classroom.sandbox import Limits
from course_utils.storage import write_bytes

SIGNS = {"right": "✓", "wrong": "✗", "not attempted": "–", "broken check": "!", "not checked": "–"}
FORMULA = ("=", "+", "-", "@")  # how a spreadsheet's formulas begin
TABLE = "marks.csv"


def main(argv: Sequence[str] | None = None) -> int:
    """Mark a folder of submitted notebooks; 1: there is something to look into, 2: it could not begin."""
    parser = argparse.ArgumentParser(prog="python -m course_utils mark", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="the submissions, one notebook each, in it or below it")
    parser.add_argument("--notebook", default="21", help="which notebook was handed out (default: 21)")
    parser.add_argument("--out", type=Path, default=Path("marks"), help="where to write (default: marks)")
    parser.add_argument("--trust", action="store_true", help="no sandbox: in a container, or among friends")
    parser.add_argument("--cell-seconds", type=float, default=Limits.cell, help="of CPU time for a cell")
    parser.add_argument("--seconds", type=float, default=Limits.total, help="of CPU time for a notebook")
    parser.add_argument("--megabytes", type=int, default=Limits.memory, help="of memory for a notebook")
    parser.add_argument("--jobs", type=int, default=None, help="side by side (default: one on each core)")
    given = parser.parse_args(argv)
    try:
        limits = Limits(given.cell_seconds, given.seconds, given.megabytes)
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
        say("interrupted")
    if kept.trouble:
        say(f"{TABLE} could not be written: {kept.trouble}. This is it:\n{kept.table()}")
    say(f"{len(kept.marks)} submissions; marks and reports are in {given.out}")
    odd = [each for each in kept.marks if each.odd]
    for each in odd:
        say(f"look into {each.student}: {ended(each)}")
    return int(bool(odd or kept.trouble))


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
        OSError: one cannot write there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.before = folder, True
        self.marks: list[Mark] = []
        self.files: set[str] = set()
        self.trouble: OSError | None = None  # why the table on the disk is not the last one
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


def report(done: Mark) -> Iterator[str]:
    """A student's report in Markdown, line by line; no markup in it is a student's."""
    yield f"# {escape(done.student)}: {done.marks} of {len(done.outcomes)}\n"
    if done.ended != "finished":
        yield f"The notebook did not run to its end: {done.ended}. What was checked before counts."
        yield quoted(done.reason)
    for name, outcome in done.outcomes.items():
        yield f"## {SIGNS[outcome]} {name}: {outcome}\n"
        yield quoted(done.texts.get(name, ""))
    if done.errors:
        yield "## Cells that failed\n"
        yield quoted("\n".join(f"{cell}: {error[:300]}" for cell, error in done.errors.items()))


def quoted(text: str) -> str:
    """A text that is shown as it stands."""
    return f"<pre>\n{escape(text, quote=False)}\n</pre>\n" if text else ""

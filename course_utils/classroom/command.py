"""The command that marks a class, and what it writes: a table, and a report for each student."""

import argparse
import csv
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

from course_utils.classroom.classroom import Mark, mark
from course_utils.classroom.isolation import Limits
from course_utils.classroom.walls import walls

SIGNS = {"right": "✓", "wrong": "✗", "not attempted": "–", "broken check": "!", "not checked": "–"}
WALLS = {
    "all": "each in namespaces of its own: no network, no other process, the disk read-only",
    "network": "each in an empty network of its own; for the rest, Python's audit",
    "none": "Python's audit alone: this system offers no namespaces",
}
FORMULA = ("=", "+", "-", "@", "\t")  # how a spreadsheet's formulas begin


def main(argv: Sequence[str] | None = None) -> int:
    """Mark a folder of submitted notebooks; 1 if a submission did not finish or a check broke."""
    parser = argparse.ArgumentParser(prog="python -m course_utils mark", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="the submissions, one notebook each, in it or below it")
    parser.add_argument("--notebook", default="21", help="which notebook was handed out (default: 21)")
    parser.add_argument("--out", type=Path, default=Path("marks"), help="where to write (default: marks)")
    parser.add_argument("--cell-seconds", type=float, default=Limits.cell, help="for a cell")
    parser.add_argument("--seconds", type=float, default=Limits.total, help="for a notebook")
    parser.add_argument("--megabytes", type=int, default=Limits.memory, help="of memory for a notebook")
    parser.add_argument("--jobs", type=int, default=None, help="side by side (default: one on each core)")
    given = parser.parse_args(argv)
    limits = Limits(given.cell_seconds, given.seconds, given.megabytes)
    _say(f"walls: {WALLS[walls()]}")
    try:
        marks = mark(
            given.folder, given.notebook, limits=limits, jobs=given.jobs, hidden=[given.out], on_mark=_tell
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    write(marks, given.out)
    _say(f"{len(marks)} submissions; marks and reports are in {given.out}")
    odd = [each for each in marks if each.ended != "finished" or "broken check" in each.outcomes.values()]
    for each in odd:
        _say(f"look into {each.student}: {each.ended}")
    return int(bool(odd))


def _tell(done: Mark) -> None:
    signs = "".join(SIGNS[outcome] for outcome in done.outcomes.values())
    _say(f"{done.student:<32} {signs} {done.marks:3} of {len(signs)}  {done.ended}")


def _say(line: str) -> None:
    """Print what the terminal can show: a strange name is no reason to stop."""
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)


def write(marks: Sequence[Mark], out: Path) -> None:
    """Write marks.csv and a report for each student into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    names = list(marks[0].outcomes)
    with (out / "marks.csv").open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.writer(file)
        table.writerow(["student", "marks", "of", "ended", "seconds", *names])
        for each in marks:
            facts = [_text(each.student), each.marks, len(names), each.ended, f"{each.seconds:.0f}"]
            table.writerow(facts + [each.outcomes[name] for name in names])
    taken: set[str] = set()
    for each in marks:
        (out / _file(each.student, taken)).write_text("\n".join(report(each)) + "\n", "utf-8")


def _file(student: str, taken: set[str]) -> str:
    """A name for a student's report that no other has, and that every disk takes."""
    plain = re.sub(r'[<>:"|?*\\]', "_", student.replace("/", "--"))[:60]
    name = next(name for i in count(1) if (name := f"{plain}{f'-{i}' * (i > 1)}.md").casefold() not in taken)
    taken.add(name.casefold())
    return name


def _text(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def report(done: Mark) -> Iterable[str]:
    """A student's report in Markdown, line by line."""
    yield f"# {done.student}: {done.marks} of {len(done.outcomes)}"
    yield ""
    if done.ended != "finished":
        yield f"The notebook did not run to its end: {done.ended}. What was checked before counts."
        yield ""
    for name, outcome in done.outcomes.items():
        yield f"## {SIGNS[outcome]} {name}: {outcome}"
        yield ""
        if done.texts.get(name):
            yield from ("    " + line for line in done.texts[name].splitlines())
            yield ""
    if done.errors:
        yield "## Cells that failed"
        yield ""
        yield from (f"- `{cell}`: {' '.join(error.split())[:300]}" for cell, error in done.errors.items())

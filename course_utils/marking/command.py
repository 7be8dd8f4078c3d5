"""The command that marks a class, and what it writes: a table, and a report for each student."""

import argparse
import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from course_utils.marking.classroom import Mark, mark
from course_utils.marking.isolation import Limits, without_network

SIGNS = {"right": "✓", "wrong": "✗", "not attempted": "–", "broken check": "!", "not checked": "–"}
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
    how = "a network of its own, which is empty" if without_network() else "Python's audit of sockets"
    print(f"no network: {how}", flush=True)
    try:
        marks = mark(given.folder, given.notebook, limits=limits, jobs=given.jobs, on_mark=_tell)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    write(marks, given.out)
    print(f"{len(marks)} submissions; marks and reports are in {given.out}")
    odd = [each for each in marks if each.ended != "finished" or "broken check" in each.outcomes.values()]
    for each in odd:
        print(f"look into {each.student}: {each.ended}")
    return int(bool(odd))


def _tell(done: Mark) -> None:
    signs = "".join(SIGNS[outcome] for outcome in done.outcomes.values())
    print(f"{done.student:<32} {signs} {done.marks:3} of {len(signs)}  {done.ended}", flush=True)


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
    for each in marks:
        (out / f"{each.student.replace('/', '--')}.md").write_text("\n".join(report(each)) + "\n", "utf-8")


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

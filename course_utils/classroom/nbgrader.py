"""The command ``nbgrader``: a notebook's exercises as an assignment for nbgrader, which need not be here.

nbgrader (https://nbgrader.readthedocs.io) hands notebooks out, collects and marks them; what it wants to know
stands in the metadata of cells.
"""

import argparse
import sys
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from course_utils.exercises.engine.stubs import exercises_of, stubs
from course_utils.notebooks import find
from course_utils.storage import write_bytes

TEST = """\
# {name}: a point from nbgrader, here, before check hands a right answer back
from course_utils.exercises.engine.checking import verdicts

verdict = verdicts(["{name}"], globals())["{name}"]
assert verdict, "{name} has no value"
assert verdict.outcome == "right", verdict.text
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write a source assignment into a course folder of nbgrader's; 2: it could not be written."""
    parser = argparse.ArgumentParser(prog="python -m course_utils nbgrader", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="the course folder: where nbgrader_config.py lies, or will")
    parser.add_argument("--notebook", default="21", help="which notebook to hand out (default: 21)")
    given = parser.parse_args(argv)
    try:
        path = find(given.notebook, who="nbgrader")
        made = nbformat.writes(assignment(nbformat.read(path, as_version=4)))
        place = given.folder / "source" / path.stem / path.name
        if place.exists():
            raise ValueError(f"nbgrader: expected no assignment of this name, got {place}")
        write_bytes(place, made.encode())
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{place}\nnext, in {given.folder}: nbgrader generate_assignment {path.stem}")
    return 0


def assignment(notebook: NotebookNode) -> NotebookNode:
    """A copy without outputs, with a locked cell of one point after each exercise, before its ``check``.

    Such a cell may fail without ending a run of all cells, as it does for all that is still to be done.

    Raises:
        ValueError: there are no exercises.
    """
    if not exercises_of(notebook):
        raise ValueError("nbgrader: expected a notebook with exercises, got one without")
    made = deepcopy(notebook)
    made.cells = []
    for cell in deepcopy(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        made.cells += [cell, *(graded(name) for name in stubs(cell))]
    return made


def graded(name: str) -> NotebookNode:
    """The cell that has nbgrader's point for an exercise."""
    facts = {"schema_version": 3, "grade_id": name, "points": 1, "cell_type": "code"}
    facts |= {"grade": True, "locked": True, "solution": False, "task": False}
    metadata = {"nbgrader": facts, "tags": ["raises-exception"]}
    return new_code_cell(TEST.format(name=name), id=f"graded-{name}"[:64], metadata=metadata)

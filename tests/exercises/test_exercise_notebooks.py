"""Notebooks leave their exercises to the student, and go on with the solutions as with none.

An untouched exercise hands back the reference, so that running a notebook as it is (which the rest of the
suite does) runs it solved: one is solved in its cells, functions and values, for the way from what
``solution`` prints; a second time in the sandbox.
"""

import ast
from collections import Counter
from inspect import signature
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from solved import solved, verdicts

from course_utils.exercises.engine.checking import catalogue
from course_utils.exercises.engine.stubs import stubs
from course_utils.notebooks import execute
from course_utils.notebooks.command import FOLDER

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
STUBS = """# two exercises in one cell
def ink(x):
    return ...  # your turn

pixels = ...
ink = check(ink)"""


@pytest.fixture(scope="module")
def read() -> dict[Path, NotebookNode]:
    return {path: nbformat.read(path, as_version=4) for path in NOTEBOOKS}


def exercise(source: str, *tags: str, name: str = "exercise"):
    return new_code_cell(source, id=name, metadata={"tags": list(tags)})


def test_stubs_are_the_exercises_of_tagged_cells_without_the_checks():
    assert list(stubs(exercise(STUBS, "exercise"))) == ["ink", "pixels"]
    assert stubs(exercise(STUBS)) == {}


@pytest.mark.slow
def test_solutions_are_right_where_stubs_are_not_attempted_and_nothing_else_is_changed(tmp_path: Path):
    setup = "import torch\nfrom torch import Tensor\nfrom course_utils.exercises import check"
    checked = 'pixels = check(pixels, "pixels")'
    tried = [exercise(STUBS, "exercise", name="stubs"), exercise(checked, name="checked")]
    copied, names = solved(new_notebook(cells=tried))
    lines = copied.cells[0].source.splitlines()
    assert (lines[0], lines[-1], copied.cells[1].source) == (
        STUBS.splitlines()[0],
        "ink = check(ink)",
        checked,
    )
    copied.cells[0].id, copied.cells[1].id = "solved", "checked-again"
    run = execute(new_notebook(cells=[exercise(setup), *tried, *copied.cells]), tmp_path)
    before, after = (verdicts(new_notebook(cells=run.cells[i : i + 2]), names) for i in (1, 3))
    assert [said.split(" yet")[0] for said in before.values()] == ["not attempted"] * 2
    assert [said.split(".")[0] for said in after.values()] == ["right"] * 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_leaves_every_exercise_to_the_student(path: Path, read):
    _, names = solved(read[path])
    assert names
    left = verdicts(read[path], names)
    assert {name: said for name, said in left.items() if "not attempted" not in said} == {}
    for cell in read[path].cells:
        for name, statement in stubs(cell).items():
            exercise = catalogue()[name]
            assert exercise.value != isinstance(statement, ast.FunctionDef), name
            if not exercise.value:
                assert [arg.arg for arg in statement.args.args] == [*signature(exercise.reference).parameters]


@pytest.mark.slow
def test_a_notebook_runs_with_every_exercise_solved(read):
    path = FOLDER / "21_homework.ipynb"
    notebook, names = solved(read[path])
    assert {catalogue()[name].value for name in names} == {True, False}
    said = verdicts(execute(notebook, path.parent, name=path.name), names)
    assert {name: verdict for name, verdict in said.items() if not verdict.startswith("right.")} == {}


def test_every_exercise_stands_in_one_notebook(read):
    used = Counter(name for notebook in read.values() for name in solved(notebook)[1])
    assert {name: used[name] for name in catalogue() if used[name] != 1} == {}

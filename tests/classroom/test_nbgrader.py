"""An assignment for nbgrader: what its cells say, and that nbgrader, where it is at hand, gives the marks."""

import importlib.util
import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_notebook
from places import ROOT
from solved import answer, solved

from course_utils.classroom.nbgrader import assignment, main
from course_utils.classroom.submission import Cells
from course_utils.exercises.engine import checking
from course_utils.exercises.engine.stubs import exercises_of, stubs
from course_utils.notebooks.command import FOLDER

HOMEWORK = nbformat.read(FOLDER / "21_homework.ipynb", as_version=4)
WRONG = "def split_kl(log_p, log_q):\n    return log_p.sum(), log_q.sum()"


def points(notebook) -> list[str]:
    """The exercises that have a cell with a point, in their order."""
    return [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_exercise_has_one_locked_point_between_its_stub_and_its_check(path):
    notebook = nbformat.read(path, as_version=4)
    made = assignment(notebook)
    nbformat.validate(made)
    assert points(made) == exercises_of(notebook) != []
    for name in points(made):
        sources = [cell.source for cell in made.cells]
        point = next(i for i, source in enumerate(sources) if source.startswith(f"# {name}: "))
        assert any(name in stubs(cell) for cell in made.cells[:point])
        assert all(f"{name} = check({name}" not in source for source in sources[:point])
    facts = {"schema_version": 3, "points": 1, "cell_type": "code", "grade": True, "locked": True}
    facts |= {"solution": False, "task": False}
    for cell in made.cells:
        assert cell.cell_type != "code" or (cell.outputs, cell.execution_count) == ([], None)
        if own := cell.metadata.get("nbgrader"):
            assert own == facts | {"grade_id": own.grade_id} and cell.metadata.tags == ["raises-exception"]
    assert [cell.source for cell in made.cells if "nbgrader" not in cell.metadata] == [
        cell.source for cell in notebook.cells
    ]


def passes(name: str, before: str, monkeypatch) -> bool:
    """Whether the cell with the point runs without an error after a cell."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(checking, "_verdicts", {})
    cells, made = Cells(), assignment(HOMEWORK)
    cells.run(f"from course_utils.exercises import check\n{before}")
    try:
        cells.run(next(cell.source for cell in made.cells if cell.source.startswith(f"# {name}: ")))
    except AssertionError:
        return False
    return True


def test_the_cell_passes_for_a_right_answer_alone_even_after_check_has_handed_one_back(monkeypatch):
    untouched = "def split_kl(log_p, log_q):\n    return ..."
    for before, right in (("", False), (untouched, False), (WRONG, False), (answer("split_kl"), True)):
        assert passes("split_kl", before, monkeypatch) == right
        if before:
            assert passes("split_kl", f"{before}\nsplit_kl = check(split_kl)", monkeypatch) == right
    values = (("...", False), ("'first'", False), ("'second'", True))
    for value, right in values:
        assert passes("sum_with_theta", f"sum_with_theta = {value}", monkeypatch) == right


def test_the_command_writes_where_nbgrader_looks_and_never_over_an_assignment(tmp_path, capsys):
    assert main([str(tmp_path / "course")]) == 0
    place = tmp_path / "course" / "source" / "21_homework" / "21_homework.ipynb"
    assert nbformat.read(place, as_version=4) == assignment(HOMEWORK)
    assert "nbgrader generate_assignment 21_homework" in capsys.readouterr().out
    place.write_text("mine")
    assert main([str(tmp_path / "course")]) == 2 and place.read_text() == "mine"
    assert capsys.readouterr().err == f"nbgrader: expected no assignment of this name, got {place}\n"
    assert main([str(tmp_path / "course"), "--notebook", "99"]) == 2
    assert "expected the name or number of one notebook" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file")]) == 2 and "file" in capsys.readouterr().err


def test_a_notebook_without_exercises_is_no_assignment():
    with pytest.raises(ValueError, match="nbgrader: expected a notebook with exercises, got one without"):
        assignment(new_notebook())


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("nbgrader") is None,
    reason="nbgrader is not here: uv run --extra test --with nbgrader==0.9.6 pytest -n0 "
    "tests/classroom/test_nbgrader.py",
)
def test_nbgrader_marks_an_untouched_a_right_and_a_half_right_notebook(tmp_path):
    def nbgrader(*words: str) -> None:
        line = [sys.executable, "-m", "nbgrader", *words, "--Execute.timeout=600"]
        settings = os.environ | {"PYTHONPATH": str(ROOT), "COURSE_DEVICE": "cpu"}
        ran = subprocess.run(line, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr[-2000:]

    assert main([str(tmp_path)]) == 0
    nbgrader("generate_assignment", "21_homework")
    released = nbformat.read(tmp_path / "release" / "21_homework" / "21_homework.ipynb", as_version=4)
    right, names = solved(released)
    half = nbformat.from_dict(right)
    for cell in half.cells:
        if "def split_kl" in cell.source:
            cell.source = WRONG
    for student, notebook in {"untouched": released, "right": right, "half": half}.items():
        place = tmp_path / "submitted" / student / "21_homework" / "21_homework.ipynb"
        place.parent.mkdir(parents=True)
        nbformat.write(notebook, place)
    nbgrader("autograde", "21_homework")
    from nbgrader.api import Gradebook

    expected = {"untouched": {*()}, "right": {*names}, "half": {*names} - {"split_kl"}}
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
        for student, passed in expected.items():
            (notebook,) = book.find_submission("21_homework", student).notebooks
            assert {grade.name: grade.auto_score for grade in notebook.grades} == {
                name: float(name in passed) for name in names
            }

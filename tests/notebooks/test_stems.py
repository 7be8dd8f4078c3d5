"""A notebook, its exercises, its explorers and the answers they are tested on have one name: its stem."""

from importlib import import_module
from pathlib import Path

import nbformat
import pytest
import wrong_answers
from explorer_inputs import imported

from course_utils import exercises, explorers
from course_utils.exercises.engine.checking import catalogue
from course_utils.exercises.engine.stubs import exercises_of
from course_utils.notebooks.command import FOLDER

NOTEBOOKS = {path.stem[3:]: path for path in sorted(FOLDER.glob("*.ipynb"))}


@pytest.mark.parametrize(
    "package", [exercises, explorers, wrong_answers], ids=lambda package: package.__name__
)
def test_the_modules_are_named_by_the_notebooks(package):
    entries = Path(package.__path__[0]).iterdir()
    found = {entry.stem for entry in entries if entry.suffix == ".py" or (entry / "__init__.py").exists()}
    assert found - {"__init__", "engine"} == NOTEBOOKS.keys()


@pytest.mark.parametrize("stem", NOTEBOOKS)
def test_a_notebook_takes_its_own_explorers_and_exercises(stem):
    assert {module for module, _ in imported("course_utils.explorers")[stem]} == {
        f"{explorers.__name__}.{stem}"
    }
    assert {module for module, _ in imported("course_utils.exercises")[stem]} == {exercises.__name__}
    for name in exercises_of(nbformat.read(NOTEBOOKS[stem], as_version=4)):
        assert catalogue()[name].reference.__module__ == f"{exercises.__name__}.{stem}"
        assert name in import_module(f"wrong_answers.{stem}").ANSWERS

"""All that the course prints, on terminals that know few letters: question marks, never an error."""

import io
import os
import subprocess
import sys
from importlib import reload

import pytest

import course_utils
import course_utils.models  # the systems take their places on the tree
from course_utils import taxonomy
from course_utils.__main__ import main
from course_utils.datasets import digits
from course_utils.exercises import check, hint, solution
from course_utils.exercises.engine import checking
from course_utils.universe import bars_and_stripes


def say_everything() -> None:
    print(taxonomy.tree())
    print(digits("unit"), bars_and_stripes)
    for name, exercise in checking.catalogue().items():
        solution(name)
        for _ in exercise.hints:
            hint(name)
        check(..., name)
        check(exercise.right, name)
        check(None, name)
        check(lambda *args: float("nan"), name)
    assert main([]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_terminal_that_knows_few_letters_gets_question_marks(encoding, monkeypatch):
    monkeypatch.setattr(checking, "_shown", {})
    monkeypatch.setattr(checking, "_verdicts", {})
    raw = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
        reload(course_utils)  # what an import does in a Python that was started there
        say_everything()
        sys.stdout.flush()
        out = raw.getvalue().decode(encoding)
    assert "All is well" in out and "�" not in out
    assert ("p(x) = Π" in out) == (encoding == "utf-8")


@pytest.mark.slow
def test_python_started_on_such_a_terminal_says_its_question_marks_there():
    env = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    line = [sys.executable, "-c", "from course_utils import taxonomy, models; print(taxonomy.tree())"]
    told = subprocess.run(line, env=env, capture_output=True)
    assert told.returncode == 0 and not told.stderr and b"?" in told.stdout

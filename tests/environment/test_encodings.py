"""All that the course prints, on terminals that know few letters: question marks, never an error."""

import os
import subprocess
import sys

import pytest

SAYS = """
import course_utils.models
from course_utils import taxonomy
from course_utils.datasets import digits
from course_utils.exercises import check, hint, solution
from course_utils.exercises.engine.checking import catalogue
from course_utils.universe import bars_and_stripes
print(taxonomy.tree())
print(digits("unit"), bars_and_stripes)
for name, exercise in catalogue().items():
    solution(name)
    for _ in exercise.hints:
        hint(name)
    check(..., name)
    check(exercise.right, name)
    check(None, name)
    check(lambda *args: float("nan"), name)
print("the end")
"""


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize("line", [["-c", SAYS], ["-m", "course_utils"]], ids=["lesson", "command"])
def test_a_terminal_that_knows_few_letters_gets_question_marks(line, encoding):
    env = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    told = subprocess.run([sys.executable, *line], env=env, capture_output=True)
    assert told.returncode == 0 and not told.stderr
    out = told.stdout.decode(encoding)
    assert ("the end" in out or "All is well" in out) and "�" not in out
    if line[0] == "-c":
        assert ("p(x) = Π" in out) == (encoding == "utf-8")

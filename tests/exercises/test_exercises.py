import inspect

import numpy as np
import pytest
import torch
from wrong_answers import table

from course_utils.exercises import check, hint, solution
from course_utils.exercises.engine import checking, judge
from course_utils.exercises.engine.checking import catalogue, standalone

TABLE = table()
CASES = [
    pytest.param(name, answer, outcome, id=f"{name}-{kind}{i}")
    for name, answers in TABLE.items()
    for kind, outcome in (("wrong", "wrong"), ("right", "right"), ("untouched", "not attempted"))
    for i, answer in enumerate(getattr(answers, kind))
]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(checking, "_shown", {})
    monkeypatch.setattr(checking, "_verdicts", {})


def test_every_exercise_was_tried_on_wrong_right_and_untouched_answers():
    assert TABLE.keys() == catalogue().keys() and len(catalogue()) == len(checking.made)  # no name twice
    for name, answers in TABLE.items():
        assert len(answers.wrong) >= 3 and answers.right and answers.untouched, name


@pytest.mark.parametrize(("name", "answer", "outcome"), CASES)
def test_verdict(name, answer, outcome):
    exercise = catalogue()[name]
    verdict = judge(exercise, answer)
    assert verdict.outcome == outcome, verdict.text
    if outcome == "right":
        again = judge(exercise, verdict.answer)
        assert again.outcome == "right", again.text
    else:
        assert verdict.answer is exercise.right
        assert all(len(line) <= 200 for line in verdict.text.splitlines())


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_the_reference_is_right_and_each_hint_is_a_sentence(name):
    exercise = catalogue()[name]
    assert judge(exercise, exercise.right).outcome == "right" and exercise.hints and exercise.properties
    assert all(text.strip() == text and text[-1] in ".?:!" for text in exercise.hints)
    assert all(tested.says[-1] not in ".?!" for tested in exercise.properties)


def test_check_prints_and_hands_back_something_right(capsys):
    def ink(x):
        return x.sum()

    back = check(ink)
    assert back is catalogue()["ink"].reference
    assert capsys.readouterr().out.startswith("ink: wrong.")
    assert check(back) is back and "this is the reference" in capsys.readouterr().out
    assert check(64, "pixels") == 64 and "pixels: right. Verified:" in capsys.readouterr().out
    assert check(..., "pixels") == 64 and "Hint 1 of" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(name for name, exercise in catalogue().items() if exercise.value))
@pytest.mark.parametrize("first", ["a wrong answer", ...])
def test_a_value_handed_out_is_no_answer_and_the_same_value_typed_is_one(name, first, capsys, monkeypatch):
    outcomes = []
    monkeypatch.setattr(checking, "listeners", [lambda _, verdict: outcomes.append(verdict.outcome)])
    v = check(first, name)
    for _ in range(3):
        assert (v := check(v, name)) == catalogue()[name].reference()
        assert "this is the reference" in capsys.readouterr().out
    assert "this is the reference" not in (check("another", name), capsys.readouterr().out)[1]
    check(v, name)
    typed = eval(repr(catalogue()[name].reference()))
    assert check(typed, name) == typed
    assert outcomes == ["not attempted" if first is ... else "wrong", "wrong", "right"]


def test_marks_are_the_last_verdict_or_that_on_what_was_never_checked(capsys):
    ink = catalogue()["ink"].reference
    never = {"ink": lambda x: ink(x), "pixels": 64, "argument": "ABCDEF", "auroc": ...}
    found = checking.verdicts([*never, "iou"], never).values()
    outcomes = [verdict and verdict.outcome for verdict in found]
    assert outcomes == ["right", "right", "wrong", "not attempted", None]

    def mark(**namespace):
        return checking.verdicts(["pixels"], namespace)["pixels"].outcome

    v = check(63, "pixels")
    assert mark(pixels=v) == "wrong"
    check(check(v, "pixels"), "pixels")
    assert mark() == "wrong"
    check(64, "pixels")
    assert mark() == "right"
    with pytest.raises(ValueError, match="verdicts: expected one of the exercises"):
        checking.verdicts(["entropie"], {})


def test_hints_come_one_after_another_and_start_after_the_one_that_check_gave(capsys):
    hints = catalogue()["ink"].hints
    check(None, "ink")
    capsys.readouterr()
    for text in (hints[1], hints[2], 'solution("ink")', hints[0]):
        hint("ink")
        assert text in capsys.readouterr().out
    hint(check(lambda x: x, "ink"))  # by the function handed back
    assert hints[1] in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_the_solution_is_the_reference_and_runs_where_it_is_pasted(name, capsys):
    exercise = catalogue()[name]
    solution(name)
    shown = capsys.readouterr().out
    scope = {}
    exec(shown, scope)
    answer = scope[name]() if exercise.value else scope[name]
    written = shown[shown.index(f"def {name}(") :].rstrip()
    assert inspect.getsource(exercise.reference).rstrip().endswith(written) and "@exercise" not in shown
    assert judge(exercise, answer).outcome == "right"


SCALE: float = 2.0
LEFT, RIGHT = 1, 2


def doubled(x: "torch.Tensor", ANSWERS=3) -> torch.Tensor:
    return SCALE * x + np.zeros(1)[0] + len(table()) * 0 + RIGHT * 0


def test_a_solution_brings_the_imports_and_neighbours_that_it_uses_and_no_others():
    own = [f"from {__name__} import {name}" for name in ("RIGHT", "SCALE")]
    others = ["import numpy as np", "import torch", "from wrong_answers import table"]
    lines = standalone(doubled).partition("def doubled")[0].splitlines()
    assert [line for line in lines if line] == [*others[:2], *own, others[2]]


@pytest.mark.parametrize("verb", [check, hint, solution])
@pytest.mark.parametrize("unknown", ["entropie", len, 3])
def test_unknown_exercises_are_named_with_those_that_there_are(verb, unknown):
    with pytest.raises(ValueError, match=rf"{verb.__name__}: expected one of the exercises .*ink.*pixels"):
        verb(1, "entropie") if (verb, unknown) == (check, "entropie") else verb(unknown)

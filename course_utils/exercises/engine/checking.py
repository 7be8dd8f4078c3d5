"""What a student calls: check, hint, solution; and the last verdict on each exercise, as for marks."""

import ast
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from inspect import getsource
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from course_utils import exercises
from course_utils.exercises.engine import Exercise, Verdict, judge, made

listeners: list[Callable[[Exercise, Verdict], object]] = []  # each is called with every verdict of check
_verdicts: dict[str, Verdict] = {}  # the last of each exercise
_shown: dict[str, int] = {}  # how many hints of each exercise were shown


@cache
def catalogue() -> dict[str, Exercise]:
    """Every exercise of the course by its name, which is no other's: those in the modules of this package."""
    for entry in iter_modules(exercises.__path__):
        import_module(f"{exercises.__name__}.{entry.name}")
    return {each.name: each for each in made}


def find(exercise: Any, who: str) -> Exercise:
    """The exercise of this name, or of this function's name; else a ValueError names those that there are."""
    name = exercise if isinstance(exercise, str) else getattr(exercise, "__name__", None)
    if not isinstance(name, str) or name not in catalogue():
        got = repr(name) if isinstance(name, str) else f"{type(exercise).__name__} without a name"
        raise ValueError(f"{who}: expected one of the exercises {', '.join(sorted(catalogue()))}, got {got}")
    return catalogue()[name]


def check(answer: Any, name: str | None = None) -> Any:
    """Say whether an answer is right, and return something right in every case.

    Args:
        answer: a function of the exercise's name, or a value.
        name: the exercise; None: the function's own name.

    Returns:
        the answer if it is right; otherwise the reference, so that the notebook goes on.

    Raises:
        ValueError: there is no exercise of this name.

    >>> def ink(x): ...
    >>> ink = check(ink)
    ink: not attempted yet, so the reference is used from here on.
      Hint 1 of 3: ...
    """
    exercise = find(answer if name is None else name, "check")
    if answer is exercise.right:
        print(f"{exercise.name}: this is the reference. To check your own answer, run its cell again.")
        return answer
    verdict = _verdicts[exercise.name] = judge(exercise, answer)
    if verdict.outcome == "not attempted":
        _shown[exercise.name] = max(1, _shown.get(exercise.name, 0))
    for listener in listeners:
        listener(exercise, verdict)
    print(verdict.text)
    return verdict.answer


def verdicts(names: Iterable[str], namespace: Mapping[str, Any]) -> dict[str, Verdict | None]:
    """The last verdict of ``check`` on each of these exercises in this process, for marks.

    Where no check of one ran, the value that its name has in the namespace, the notebook's variables after
    the last cell, is judged: a cell of checks may be gone, the answer stands. None: there is no such value.

    Raises:
        ValueError: there is no exercise of one of these names.
    """
    found: dict[str, Verdict | None] = {}
    for name in names:
        exercise, answer = find(name, "verdicts"), namespace.get(name)
        found[name] = _verdicts.get(name) or (None if name not in namespace else judge(exercise, answer))
    return found


def hint(exercise: Any) -> None:
    """Print the next hint of an exercise, given by its name or by the function; after the last, start again.

    Raises:
        ValueError: there is no exercise of this name.
    """
    found = find(exercise, "hint")
    shown = _shown.get(found.name, 0)
    if shown == len(found.hints):
        print(f'{found.name}: that was the last hint. solution("{found.name}") shows an answer.')
        shown = 0
    else:
        print(f"Hint {shown + 1} of {len(found.hints)}: {found.hints[shown]}")
        shown += 1
    _shown[found.name] = shown


def solution(exercise: Any) -> None:
    """Print the reference of an exercise, given by its name or by the function; it runs where it is pasted.

    Raises:
        ValueError: there is no exercise of this name.
    """
    print(standalone(find(exercise, "solution").reference))


def standalone(function: Callable[..., Any]) -> str:
    """The source of a function of a module, under imports of what it uses, so that it runs anywhere."""
    source, scope = getsource(function).rstrip(), function.__globals__
    first = ast.parse(source).body[0].lineno  # what decorates the function stands above
    source = "\n".join(source.splitlines()[first - 1 :])
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    used = names.intersection(scope).difference(function.__code__.co_varnames, [function.__name__])
    imports = [_import(name, scope[name], function.__module__) for name in used]
    lines = sorted(imports, key=lambda line: (line.startswith("from"), line))
    return "\n".join([*lines, "", "", source] if lines else [source])


def _import(name: str, value: Any, module: str) -> str:
    if isinstance(value, ModuleType):
        return f"import {value.__name__}" + ("" if name == value.__name__ else f" as {name}")
    home = getattr(value, "__module__", None) or module
    return f"from {home if getattr(sys.modules[home], name, None) is value else module} import {name}"

"""What students may answer, a module for each notebook: tests judge the checks by it.

Each module has ``ANSWERS``: the name of an exercise and its ``Answers``.
"""

from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any


@dataclass(frozen=True)
class Answers:
    wrong: tuple[Any, ...]  # at least three that a student might well give
    right: tuple[Any, ...]  # other ways to be right than the reference's
    untouched: tuple[Any, ...] = (lambda *args: ..., ..., None)


def table() -> dict[str, Answers]:
    found: dict[str, Answers] = {}
    for entry in iter_modules(__path__):
        answers = import_module(f"{__name__}.{entry.name}").ANSWERS
        assert not found.keys() & answers.keys()
        found |= answers
    return found

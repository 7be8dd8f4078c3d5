"""Exercises as data: one reference, hints, and properties that any right answer has."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar

import torch

from course_utils.exercises.engine.answer import Answer, Untouched, explain, in_form, is_nothing
from course_utils.exercises.engine.comparison import Wrong, agree, as_tensor, clip, short

Outcome = Literal["not attempted", "wrong", "right", "broken check"]
Cases = Mapping[str, tuple[Any, ...]]  # the arguments of each case, by a name that says what to see
NO_INPUT: Cases = {"": ()}  # of a value
ROUNDING = 1e-6


@dataclass(frozen=True)
class Property:
    """A sentence about every right answer, without a full stop, and its test.

    The test takes the answer (a value is a function of nothing) and raises ``Wrong`` where it does not hold.
    """

    says: str
    test: Callable[[Answer], None]


class Exercise:
    """One exercise of a notebook; the name of its reference is its name.

    Args:
        reference: the one right answer that is kept: the function itself or, for an exercise whose
            answer is a value, a function of no arguments that returns the value.
        parts: hints, as texts, from the first nudge to nearly all of it; then properties, in the order in
            which they are tested: theorems first, agreement with the reference last.
        value: whether the answer is a value.
        cast: turns an answer into the form of the reference, where words may be written in several ways.
    """

    def __init__(
        self,
        reference: Callable[..., Any],
        *parts: str | Property,
        value: bool = False,
        cast: Callable[[Any], Any] | None = None,
    ) -> None:
        self.name: str = reference.__name__
        self.hints = tuple(part for part in parts if isinstance(part, str))
        self.properties = tuple(part for part in parts if isinstance(part, Property))
        self.reference, self.value, self.cast = reference, value, cast

    @cached_property
    def right(self) -> Any:
        """What is handed back in place of an answer that is not right: always the same object.

        Of a value it is one that no student can type, so that an answer is known from what was handed out.
        """
        return distinct(self.reference()) if self.value else self.reference


Function = TypeVar("Function", bound=Callable[..., Any])
made: list[Exercise] = []  # every exercise of the modules that are imported


def exercise(
    *parts: str | Property, value: bool = False, cast: Callable[[Any], Any] | None = None
) -> Callable[[Function], Function]:
    """The decorator that makes an exercise of its reference; the arguments are those of ``Exercise``."""

    def make(reference: Function) -> Function:
        made.append(Exercise(reference, *parts, value=value, cast=cast))
        return reference

    return make


def distinct(value: Any) -> Any:
    """A value that equals another but is never the same object, not even for small integers.

    >>> distinct(64) == 64, distinct(64) is distinct(64), distinct("JS")
    (True, False, 'JS')
    """
    kind = type(value)
    return type(kind.__name__, (kind,), {})(value) if kind in (int, float, str) else deepcopy(value)


@dataclass(frozen=True)
class Verdict:
    """What became of an answer: the outcome, the text a student reads, and what to go on with."""

    outcome: Outcome
    text: str
    answer: Any


def holds(says: str, test: Callable[..., Any], expected: str, cases: Cases = NO_INPUT) -> Property:
    """The property that ``test(came, *args)`` is true of what the answer returns in every case.

    ``expected`` says in words what should have come.
    """

    def run(answer: Answer) -> None:
        for name, args in cases.items():
            came = answer(*args, case=name)
            if not test(came, *args):
                raise Wrong(short(came), expected=expected, given=answer.given)

    return Property(says, run)


def within(low: float, high: float, cases: Cases, *, says: str) -> Property:
    """The property that all numbers of what the answer returns lie in [low, high], up to rounding."""

    def test(came: Any, *args: Any) -> bool:
        numbers = [torch.as_tensor(x).double() for x in (came if isinstance(came, tuple) else (came,))]
        return all(bool(((x >= low - ROUNDING) & (x <= high + ROUNDING)).all()) for x in numbers)

    return holds(says, test, f"numbers from {low:g} to {high:g}", cases)


def agrees(
    cases: Cases = NO_INPUT,
    right: Callable[..., Any] | None = None,
    *,
    says: str = "it agrees with the reference",
    tolerance: float = 1e-4,
) -> Property:
    """The property that the answer returns what the reference or, if given, another function returns.

    The tolerance, relative and absolute, is above all rounding of floats, in any order of operations.
    """

    def run(answer: Answer) -> None:
        for name, args in cases.items():
            came, like = answer(*args, case=name), (right or answer.reference)(*deepcopy(args))
            if not agree(came, like, tolerance):
                expected = short(like) if args else ""  # a value would give the answer away
                raise Wrong(short(came), expected=expected, given=answer.given)

    return Property(says, run)


def differentiable(cases: Cases, *arguments: int, says: str) -> Property:
    """The property that gradients flow through the answer to these of its arguments, in every case."""

    def run(answer: Answer) -> None:
        for name, args in cases.items():
            args = deepcopy(args)
            leaves = [args[i].requires_grad_() for i in arguments]
            answer(*args, case=name)
            came = as_tensor(answer.function(*args))
            if not came.requires_grad or None in torch.autograd.grad(came.sum(), leaves, allow_unused=True):
                expected = "a tensor that knows its gradient: without .item(), float() or .detach()"
                raise Wrong("no gradient", expected=expected, given=answer.given)

    return Property(says, run)


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Test an answer, whatever it is; torch's random numbers stay as they were.

    The fourth outcome, "broken check", means an exception in the check's own code.
    """
    if is_nothing(answer):
        return _unfinished(exercise)
    if not exercise.value and not callable(answer):
        came = f"{short(answer)}, of type {type(answer).__name__}"
        return _wrong(exercise, Wrong(came, expected="a function"), "it is a function")
    function = (lambda: answer) if exercise.value else answer
    subject = Answer(function, exercise.reference, exercise.cast)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        for tested in exercise.properties:
            try:
                tested.test(subject)
            except Untouched:
                return _unfinished(exercise)
            except Wrong as wrong:
                return _wrong(exercise, wrong, tested.says)
            except Exception as error:
                text = (
                    f"{exercise.name}: the check itself failed at “{tested.says}” with {explain(error)}.\n"
                    "This is a fault of the course, not of your answer. The reference is used from here on."
                )
                return Verdict("broken check", text, exercise.right)
    verified = "; ".join(tested.says for tested in exercise.properties)
    right = subject() if exercise.value else in_form(answer, subject.like)
    return Verdict("right", f"{exercise.name}: right. Verified: {verified}.", right)


def _unfinished(exercise: Exercise) -> Verdict:
    first = f"Hint 1 of {len(exercise.hints)}: {exercise.hints[0]}"
    text = f"{exercise.name}: not attempted yet, so the reference is used from here on.\n  {first}"
    return Verdict("not attempted", text, exercise.right)


def _wrong(exercise: Exercise, wrong: Wrong, says: str) -> Verdict:
    says = wrong.says or says
    lines = [f"{exercise.name}: wrong. This does not hold: {says[0].lower()}{says[1:]}."]
    facts = {"given": wrong.given, "came": wrong.came, "expected": wrong.expected}
    lines += [f"  {name + ':':<10}{clip(fact)}" for name, fact in facts.items() if fact]
    lines.append(f'The reference is used from here on; hint("{exercise.name}") helps.')
    return Verdict("wrong", "\n".join(lines), exercise.right)

"""Exercises as data: one reference, hints, and properties that any right answer has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from course_utils.exercises.engine.answer import Answer, Untouched, explain, is_nothing, with_tensors
from course_utils.exercises.engine.comparison import Wrong, agree, clip, copy, short

Outcome = Literal["not attempted", "wrong", "right", "broken check"]
Inputs = Callable[[], dict[str, tuple[Any, ...]]]


@dataclass(frozen=True)
class Property:
    """A sentence about every right answer, and its test.

    Attributes:
        says: the sentence, without a full stop: "each share lies in [0, 1]".
        test: takes the answer (called like the function; a value is a function of nothing) and raises
            ``Wrong`` if the sentence does not hold.
    """

    says: str
    test: Callable[[Answer], None]


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook; the name of its reference is its name.

    Attributes:
        reference: the one right answer that is kept: the function itself or, for an exercise whose
            answer is a value, a function of no arguments that returns the value.
        hints: from the first nudge to nearly all of it.
        properties: what is tested, in this order: theorems first, agreement with the reference last.
        value: whether the answer is a value.
        cast: turns what an answer returns into the reference's kind of value, where several kinds are
            right; may raise ``Wrong``. None: it has to be of that kind.

    Raises:
        ValueError: hints or properties are missing.
    """

    reference: Callable[..., Any]
    hints: tuple[str, ...]
    properties: tuple[Property, ...]
    value: bool = False
    cast: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        if not self.hints or not self.properties:
            raise ValueError(f"Exercise {self.name}: expected at least one hint and one property")

    @property
    def name(self) -> str:
        """The name that students use."""
        return self.reference.__name__

    def right(self) -> Any:
        """What is handed back in place of an answer that is not right."""
        return self.reference() if self.value else self.reference


@dataclass(frozen=True)
class Verdict:
    """What became of an answer: the outcome, the text a student reads, and what to go on with."""

    outcome: Outcome
    text: str
    answer: Any


def nothing_given() -> dict[str, tuple[Any, ...]]:
    """The one input of a value: none."""
    return {"": ()}


def holds(says: str, test: Callable[..., bool], expected: str, inputs: Inputs = nothing_given) -> Property:
    """The property that ``test(came, *args)`` is true of what the answer returns for every input.

    Args:
        says: the property as a sentence.
        test: takes what the answer returned, then the input.
        expected: what should have come, in words.
        inputs: makes the inputs: a name and the arguments of each; none for a value.
    """

    def run(answer: Answer) -> None:
        for name, args in inputs().items():
            came = answer(*args, case=name)
            if not test(came, *args):
                raise Wrong(short(came), expected=expected, given=answer.given)

    return Property(says, run)


def agrees_with(
    reference: Callable[..., Any], inputs: Inputs = nothing_given, *, says: str = "", tolerance: float = 1e-4
) -> Property:
    """The property that the answer returns what the reference returns, for every input.

    Args:
        reference: what is right.
        inputs: makes the inputs: a name and the arguments of each; none for a value.
        says: the property as a sentence; empty: that it agrees with the reference.
        tolerance: relative and absolute, of numbers.
    """

    def run(answer: Answer) -> None:
        for name, args in inputs().items():
            came, right = answer(*args, case=name), reference(*copy(args))
            if not agree(came, right, tolerance):
                expected = short(right) if args else ""  # a value would give the answer away
                raise Wrong(short(came), expected=expected, given=answer.given)

    return Property(says or "it agrees with the reference", run)


def differentiable(inputs: Inputs, *arguments: int, says: str) -> Property:
    """The property that gradients flow through the answer to these of its arguments, for every input."""

    def run(answer: Answer) -> None:
        for name, args in inputs().items():
            args = copy(args)
            leaves = [args[i].requires_grad_() for i in arguments]
            answer(*args, case=name)
            came = answer.function(*args)
            flows = isinstance(came, Tensor) and came.requires_grad
            if not flows or None in torch.autograd.grad(came.sum(), leaves, allow_unused=True):
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
        torch.random.default_generator.manual_seed(0)
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
                return Verdict("broken check", text, exercise.right())
    verified = "; ".join(tested.says for tested in exercise.properties)
    right = with_tensors(answer) if subject.gave_number and not exercise.value else answer
    return Verdict("right", f"{exercise.name}: right. Verified: {verified}.", right)


def _unfinished(exercise: Exercise) -> Verdict:
    first = f"Hint 1 of {len(exercise.hints)}: {exercise.hints[0]}"
    text = f"{exercise.name}: not attempted yet, so the reference is used from here on.\n  {first}"
    return Verdict("not attempted", text, exercise.right())


def _wrong(exercise: Exercise, wrong: Wrong, says: str) -> Verdict:
    says = wrong.says or says
    lines = [f"{exercise.name}: wrong. This does not hold: {says[0].lower()}{says[1:]}."]
    facts = {"given": wrong.given, "came": wrong.came, "expected": wrong.expected}
    lines += [f"  {name + ':':<10}{clip(fact)}" for name, fact in facts.items() if fact]
    lines.append(f'The reference is used from here on; hint("{exercise.name}") helps.')
    return Verdict("wrong", "\n".join(lines), exercise.right())

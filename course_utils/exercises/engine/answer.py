"""A student's answer, made safe to call."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

from course_utils.exercises.engine.comparison import (
    Wrong,
    alike,
    clip,
    copy,
    in_kind,
    same_form,
    short,
    unchanged,
)


class Untouched(Exception):
    """There is no answer yet."""


class Answer:
    """A student's function: called on copies, its result checked to be of the reference's kind.

    Whatever goes wrong inside the function becomes ``Wrong``, so that any other exception is a fault of
    the check. It can be called like the function itself.

    Args:
        function: what the student wrote.
        reference: a function that is right.
        cast: turns what comes into the reference's kind of value.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        reference: Callable[..., Any],
        cast: Callable[[Any], Any] | None = None,
    ) -> None:
        self.function, self.reference, self.cast = function, reference, cast
        self.given, self.returned = "", False
        self.differs, self.like = False, None  # in form from what the reference returned last

    def __call__(self, *args: Any, case: str = "") -> Any:
        """What the function returns for these arguments; ``case`` is their name in a message.

        Raises:
            Wrong: it raised, changed an argument, or returned another kind of value than the reference.
            Untouched: there is no body yet.
        """
        like = self.reference(*copy(args))
        self.given = self._show(case, args)
        came, handed = self._call(copy(args))
        if not self.returned and is_nothing(came):
            raise Untouched
        self.returned = True
        if not unchanged(handed, args):
            raise Wrong("an input changed in place", given=self.given, says="It leaves its input as it was")
        try:
            came = self.cast(came) if self.cast else came
            value = alike(came, like)
            self.differs, self.like = self.differs or not same_form(came, like), like
            return value
        except Wrong as wrong:
            wrong.given = self.given
            raise
        except Exception:
            says = "It returns a value that can be compared"
            raise Wrong(short(came), given=self.given, says=says) from None

    def _call(self, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        try:
            return self.function(*args), args
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            code = getattr(self.function, "__code__", None)
            own = getattr(code, "co_names", ())  # torch raises NotImplementedError too: not an empty body
            if isinstance(error, NotImplementedError) and "NotImplementedError" in own:
                raise Untouched from None
            raise Wrong(explain(error, code), given=self.given, says="It runs without an error") from None

    def _show(self, case: str, args: tuple[Any, ...]) -> str:
        named = zip(signature(self.reference).parameters, args, strict=False)
        shown = ", ".join(f"{name} = {short(value)}" for name, value in named)
        return ": ".join(part for part in (case, shown) if part)


def in_form(function: Callable[..., Any], like: Any) -> Callable[..., Any]:
    """The same function, what it returns in the kind of ``like``: a notebook asks more of it than a list can.

    >>> in_form(lambda x: [0.5], (0.0,))(3)
    (0.5,)
    """

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return in_kind(function(*args, **kwargs), like)

    return wrapped


def is_nothing(value: object) -> bool:
    """Whether a value stands for an answer that is still to come.

    >>> is_nothing(...), is_nothing(None), is_nothing(0)
    (True, True, False)
    """
    return value is None or value is Ellipsis or value is NotImplemented


def explain(error: BaseException, code: object = None) -> str:
    """An exception in one line; with the line of the function's own code where it arose."""
    try:
        text = str(error)
    except Exception:
        text = ""
    line, trace = None, error.__traceback__
    while trace is not None:
        line = (
            trace.tb_lineno - trace.tb_frame.f_code.co_firstlineno if trace.tb_frame.f_code is code else line
        )
        trace = trace.tb_next
    where = "" if line is None else f" (line {line + 1} of the function)"
    return clip(f"{type(error).__name__}: {text}" if text else type(error).__name__) + where

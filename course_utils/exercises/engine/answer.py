"""A student's answer, made safe to call."""

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from inspect import signature
from traceback import walk_tb
from typing import Any

from course_utils.exercises.engine.comparison import Wrong, clip, in_kind, in_size, short, unchanged


class Untouched(Exception):
    """There is no answer yet."""


class Answer:
    """A student's function, called like the function itself, but safely.

    It gets copies, and its result is checked to be of the kind that the reference, a right function, returns;
    ``cast`` turns it into that kind first. Whatever goes wrong inside becomes ``Wrong``, so that any other
    exception is a fault of the check.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        reference: Callable[..., Any],
        cast: Callable[[Any], Any] | None = None,
    ) -> None:
        self.function, self.reference, self.cast = function, reference, cast
        self.given, self.returned = "", False
        self.like: Any = None  # what the reference returned last

    def __call__(self, *args: Any, case: str = "") -> Any:
        """What the function returns for these arguments; ``case`` is their name in a message.

        Raises:
            Wrong: it raised, changed an argument, or returned another kind of value than the reference.
            Untouched: there is no body yet.
        """
        self.like = self.reference(*deepcopy(args))
        named = zip(signature(self.reference).parameters, args, strict=False)
        shown = ", ".join(f"{name} = {short(value)}" for name, value in named)
        self.given = ": ".join(part for part in (case, shown) if part)
        handed = deepcopy(args)
        came = self._call(handed)
        if not self.returned and is_nothing(came):
            raise Untouched
        self.returned = True
        if not unchanged(handed, args):
            raise Wrong("an input changed in place", given=self.given, says="It leaves its input as it was")
        try:
            came = self.cast(came) if self.cast else came
            return in_size(in_kind(came, self.like), self.like)
        except Wrong as wrong:
            wrong.given = self.given
            raise
        except Exception:
            says = "It returns a value that can be compared"
            raise Wrong(short(came), given=self.given, says=says) from None

    def _call(self, args: tuple[Any, ...]) -> Any:
        try:
            return self.function(*args)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            code = getattr(self.function, "__code__", None)
            own = getattr(code, "co_names", ())  # torch raises NotImplementedError too: not an empty body
            if isinstance(error, NotImplementedError) and "NotImplementedError" in own:
                raise Untouched from None
            raise Wrong(explain(error, code), given=self.given, says="It runs without an error") from None


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
    """Whether a value stands for an answer that is still to come."""
    return value is None or value is Ellipsis or value is NotImplemented


def explain(error: BaseException, code: Any = None) -> str:
    """An exception in one line; with the line of the function's own code where it arose."""
    try:
        text = str(error)
    except Exception:
        text = ""
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code is code]
    where = f" (line {lines[-1] - code.co_firstlineno + 1} of the function)" if lines else ""
    return clip(f"{type(error).__name__}: {text}" if text else type(error).__name__) + where

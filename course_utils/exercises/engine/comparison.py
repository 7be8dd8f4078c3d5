"""Values that come from anyone: shown in few words, copied, compared in kind and in number."""

from collections.abc import Callable
from math import isclose, isnan
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

LONGEST = 120
SHOWN = 8  # how many numbers of a tensor, or items of a list, are worth showing
KINDS: tuple[tuple[type, str], ...] = (
    (bool, "True or False"),
    (Integral, "a whole number"),
    (Real, "a number"),
    (str, "a text"),
    (tuple, "a tuple"),
    (list, "a list"),
    (object, "a value"),
)


class Wrong(Exception):
    """An answer lacks a property.

    Args:
        came: what the answer returned or raised.
        expected: what it should have been.
        given: the input.
        says: the property, where it is not the one that is being tested.
    """

    def __init__(self, came: str, *, expected: str = "", given: str = "", says: str = "") -> None:
        super().__init__(came)
        self.came, self.expected, self.given, self.says = came, expected, given, says


def short(value: Any) -> str:
    """A value in at most 120 characters, numbers with four digits, a long tensor as its shape.

    >>> short(torch.tensor([0.123456, 1.0]))
    'tensor([0.1235, 1.0000])'
    >>> short([0.123456, torch.zeros(2, 1, 8, 8)])
    '[0.1235, a tensor of shape (2, 1, 8, 8)]'
    """
    try:
        return clip(_text(value))
    except Exception as error:
        return f"an object of type {type(value).__name__} that cannot be shown ({type(error).__name__})"


def clip(text: str) -> str:
    """A text in one line of at most 120 characters."""
    line = " ".join(text[: 4 * LONGEST].split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _text(value: Any) -> str:
    if isinstance(value, Tensor | np.ndarray):
        name, count = ("tensor", value.numel()) if isinstance(value, Tensor) else ("array", value.size)
        if count > SHOWN or count == 0:
            return f"{'a' if name == 'tensor' else 'an'} {name} of shape {tuple(value.shape)}"
        if value.ndim == 0:
            return f"{name}({_text(value.item())})"
        return str(value.detach()) if isinstance(value, Tensor) else repr(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if type(value) in (list, tuple) and len(value) <= SHOWN:
        inside = ", ".join(map(_text, value)) + ("," if isinstance(value, tuple) and len(value) == 1 else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, list | tuple | set | dict) and len(value) > SHOWN:
        return f"a {type(value).__name__} of {len(value)} items"
    return repr(value[:LONGEST] if isinstance(value, str | bytes) else value)


def copy(value: Any) -> Any:
    """A copy that an answer may spoil: of tensors, arrays and containers of them; all else as it is.

    >>> x = torch.zeros(2); _ = copy([x])[0].fill_(1); x.tolist()
    [0.0, 0.0]
    """
    if isinstance(value, Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(map(copy, value))
    return {key: copy(item) for key, item in value.items()} if type(value) is dict else value


def unchanged(copied: Any, original: Any) -> bool:
    """Whether a copy (see ``copy``) is still what it was copied from.

    >>> unchanged([torch.zeros(2)], [torch.zeros(2)]), unchanged([torch.zeros(2)], [torch.ones(2)])
    (True, False)
    """
    if isinstance(original, Tensor):
        return copied.shape == original.shape and bool(
            torch.equal(copied.nan_to_num(), original.nan_to_num())
        )
    if isinstance(original, np.ndarray):
        return np.array_equal(copied, original)
    if type(original) in (list, tuple):
        return len(copied) == len(original) and all(map(unchanged, copied, original))
    if type(original) is dict:
        return copied.keys() == original.keys() and all(unchanged(copied[k], original[k]) for k in original)
    return True


def alike(came: Any, like: Any) -> Any:
    """The value that came, if it is of the reference's kind, in its precision.

    A number may come as a tensor of one, and back; floats in any precision.

    Raises:
        Wrong: another type, shape, kind of number or device, or NaN where the reference has none.

    >>> alike(torch.tensor(3), 5)
    3
    """
    if isinstance(like, Tensor):
        return _tensor_alike(came, like)
    if isinstance(came, Tensor | np.ndarray | np.generic) and came.ndim == 0:
        came = came.item()
    kind, name = next((kind, name) for kind, name in KINDS if isinstance(like, kind))
    if kind is Integral and isinstance(came, float) and came.is_integer():
        came = int(came)
    if not isinstance(came, kind) or (isinstance(came, bool) and kind in (Integral, Real)):
        raise Wrong(f"{short(came)}, of type {type(came).__name__}", expected=name, says=f"It is {name}")
    if kind in (tuple, list):
        if len(came) != len(like):
            raise Wrong(short(came), expected=f"{len(like)} values", says=f"It has {len(like)} values")
        return kind(map(alike, came, like))
    if kind is Real and isnan(came) and not isnan(like):
        raise Wrong("NaN", expected="a number", says="It is never NaN")
    return came


def _tensor_alike(came: Any, like: Tensor) -> Tensor:
    shape = f"a tensor of shape {tuple(like.shape)}"
    if is_number(came) and like.ndim == 0 and (like.is_floating_point() or float(came).is_integer()):
        came = torch.as_tensor(came, dtype=like.dtype, device=like.device)
    if not isinstance(came, Tensor):
        raise Wrong(f"{short(came)}, of type {type(came).__name__}", expected=shape, says="It is a tensor")
    facts: dict[str, Callable[[Tensor], Any]] = {
        "shape": lambda t: tuple(t.shape),
        "kind of numbers": lambda t: (
            "complex" if t.is_complex() else "float" if t.is_floating_point() else "whole"
        ),
        "device": lambda t: str(t.device),
        "layout": lambda t: str(t.layout),
    }
    for name, fact in facts.items():
        if fact(came) != fact(like):
            raise Wrong(
                f"{name} {fact(came)}", expected=f"{name} {fact(like)}", says=f"It has the right {name}"
            )
    came = came.detach().to(like.dtype)
    if came.isnan().any() and not like.isnan().any():
        raise Wrong(short(came), expected="numbers", says="It is never NaN")
    return came


def is_number(value: Any) -> bool:
    """Whether it is one real number that is no tensor, such as ``tensor.item()`` gives.

    >>> is_number(0.5), is_number(np.float32(2)), is_number(True), is_number(torch.tensor(0.5))
    (True, True, False, False)
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def agree(came: Any, like: Any, tolerance: float) -> bool:
    """Whether two values of one kind are equal, numbers up to a relative and absolute tolerance.

    >>> agree([1.0, "a"], [1.00001, "a"], 1e-4)
    True
    """
    if isinstance(like, Tensor):
        numbers = came.to(like.dtype).double(), like.detach().double()
        return torch.allclose(*numbers, rtol=tolerance, atol=tolerance, equal_nan=True)
    if isinstance(like, tuple | list):
        return all(agree(a, b, tolerance) for a, b in zip(came, like, strict=True))
    if isinstance(like, Real) and not isinstance(like, Integral):
        return isclose(came, like, rel_tol=tolerance, abs_tol=tolerance) or (isnan(came) and isnan(like))
    return bool(came == like)

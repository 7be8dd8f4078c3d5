"""Values that come from anyone: shown in few words, copied, compared in kind and in number."""

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


def in_kind(came: Any, like: Any) -> Any:
    """A value in the reference's kind, if it is mathematically one of that kind; its size is its own.

    A tensor may come as an array, a list or a tuple, one number as a Python scalar, a tuple as a list or a
    tensor; whole numbers may come as floats, truth values as zeros and ones, and back.

    Raises:
        Wrong: it is of another kind.

    >>> in_kind([1, 2], torch.zeros(1)), in_kind(torch.tensor(3.0), 5), in_kind([1.0, 2.0], (0.5, 0.5))
    (tensor([1., 2.]), 3, (1.0, 2.0))
    """
    if isinstance(like, Tensor):
        return _number_in_kind(as_tensor(came), like)
    if isinstance(came, Tensor | np.ndarray | np.generic) and came.ndim == 0:
        came = came.item()
    if isinstance(like, tuple | list):
        if not isinstance(came, tuple | list | Tensor | np.ndarray):
            raise _of_type(came, "a tuple" if isinstance(like, tuple) else "a list")
        if len(came) != len(like):
            raise Wrong(short(came), expected=f"{len(like)} values", says=f"It has {len(like)} values")
        return type(like)(map(in_kind, came, like))
    kind, name = next((kind, name) for kind, name in KINDS if isinstance(like, kind))
    if kind is Integral and isinstance(came, float) and came.is_integer():
        came = int(came)
    if not isinstance(came, kind) or (isinstance(came, bool) and kind in (Integral, Real)):
        raise _of_type(came, name)
    return came


def as_tensor(value: Any) -> Tensor:
    """Numbers as a dense tensor, in double precision where their own is Python's; gradients stay.

    Raises:
        Wrong: it is no tensor, array, number or list of these.

    >>> as_tensor([torch.zeros(2), [1.0, 2.0]]).shape
    torch.Size([2, 2])
    """
    try:
        if isinstance(value, Tensor):
            return value if value.layout is torch.strided else value.to_dense()
        if isinstance(value, list | tuple) and any(isinstance(item, Tensor | list | tuple) for item in value):
            return torch.stack([as_tensor(item) for item in value])
        return torch.from_numpy(np.array(value))
    except (TypeError, ValueError, RuntimeError):
        raise _of_type(value, "a tensor") from None


def _number_in_kind(came: Tensor, like: Tensor) -> Tensor:
    if came.is_complex() != like.is_complex() or (
        like.ndim == came.ndim == 0 and _truth(came) and not _truth(like)
    ):
        raise _of_type(came, "real numbers")
    if came.is_floating_point() and like.is_floating_point() or came.device != like.device:
        return came
    converted = came.to(like.dtype)
    if not like.is_floating_point() and not torch.equal(converted.to(came.dtype), came):
        raise _of_type(came, "True or False" if _truth(like) else "whole numbers")
    return converted


def _truth(value: Tensor) -> bool:
    return value.dtype is torch.bool


def _of_type(came: Any, expected: str) -> Wrong:
    kind = str(came.dtype) if isinstance(came, Tensor) else f"type {type(came).__name__}"
    return Wrong(f"{short(came)}, of {kind}", expected=expected, says=f"It is {expected}")


def alike(came: Any, like: Any) -> Any:
    """The value that came in the reference's kind, size and precision.

    Raises:
        Wrong: it is of another kind, shape or device, or NaN where the reference is not.

    >>> alike(np.ones(2), torch.zeros(2))
    tensor([1., 1.])
    """
    return _sized(in_kind(came, like), like)


def _sized(came: Any, like: Any) -> Any:
    if isinstance(like, tuple | list):
        return type(like)(map(_sized, came, like))
    if isinstance(like, Tensor):
        for name, of_came, of_like in (
            ("shape", tuple(came.shape), tuple(like.shape)),
            ("device", str(came.device), str(like.device)),
        ):
            if of_came != of_like:
                expected, says = f"{name} {of_like}", f"It has the right {name}"
                raise Wrong(f"{name} {of_came}", expected=expected, says=says)
        came = came.detach().to(like.dtype)
        if came.isnan().any() and not like.isnan().any():
            raise Wrong(short(came), expected="numbers", says="It is never NaN")
    elif isinstance(like, float) and isnan(came) and not isnan(like):
        raise Wrong("NaN", expected="a number", says="It is never NaN")
    return came


def same_form(came: Any, like: Any) -> bool:
    """Whether a value is of the reference's very type, so that a notebook can go on with it as it is.

    >>> same_form(torch.ones(2).double(), torch.ones(2)), same_form([1.0], (1.0,)), same_form(2.0, 2)
    (True, False, False)
    """
    if isinstance(like, Tensor):
        if not isinstance(came, Tensor) or came.layout is not torch.strided:
            return False
        return came.is_floating_point() if like.is_floating_point() else came.dtype == like.dtype
    if isinstance(like, tuple | list):
        return isinstance(came, type(like)) and all(map(same_form, came, like))
    return isinstance(came, next(kind for kind, _ in KINDS if isinstance(like, kind)))


def agree(came: Any, like: Any, tolerance: float) -> bool:
    """Whether two values of one kind are equal, floats up to a relative and absolute tolerance.

    >>> agree([1.0, "a"], [1.00001, "a"], 1e-4), agree(torch.tensor(99999), torch.tensor(100000), 1e-4)
    (True, False)
    """
    if isinstance(like, Tensor):
        if not like.is_floating_point():
            return torch.equal(came, like)
        return torch.allclose(
            came.double(), like.detach().double(), rtol=tolerance, atol=tolerance, equal_nan=True
        )
    if isinstance(like, tuple | list):
        return all(agree(a, b, tolerance) for a, b in zip(came, like, strict=True))
    if isinstance(like, Real) and not isinstance(like, Integral):
        return isclose(came, like, rel_tol=tolerance, abs_tol=tolerance) or (isnan(came) and isnan(like))
    return bool(came == like)

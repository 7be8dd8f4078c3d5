"""Values that come from anyone: shown in few words, compared in kind and in number."""

from math import isclose, isnan, prod
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
    """An answer lacks a property: what came and, where they are known, what was expected and the input.

    ``says`` is the property, where it is not the one that is being tested.
    """

    def __init__(self, came: str, *, expected: str = "", given: str = "", says: str = "") -> None:
        super().__init__(came)
        self.came, self.expected, self.given, self.says = came, expected, given, says


def short(value: Any) -> str:
    """A value in at most 120 characters, numbers with four digits, a long tensor as its shape.

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
        article, name = ("a", "tensor") if isinstance(value, Tensor) else ("an", "array")
        if not 0 < prod(value.shape) <= SHOWN:
            return f"{article} {name} of shape {tuple(value.shape)}"
        if value.ndim == 0:
            return f"{name}({_text(value.item())})"
        return str(value.detach()) if isinstance(value, Tensor) else repr(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple | set | dict) and len(value) > SHOWN:
        return f"a {type(value).__name__} of {len(value)} items"
    if type(value) in (list, tuple):
        inside = ", ".join(map(_text, value)) + ("," if isinstance(value, tuple) and len(value) == 1 else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return repr(value[:LONGEST] if isinstance(value, str | bytes) else value)


def unchanged(copied: Any, original: Any) -> bool:
    """Whether the tensors and arrays of a deep copy are still those of the original."""
    if isinstance(original, Tensor | np.ndarray):
        now, before = (torch.as_tensor(value).detach().numpy() for value in (copied, original))
        return np.array_equal(now, before, equal_nan=True)
    if isinstance(original, dict):
        return copied.keys() == original.keys() and all(unchanged(copied[k], original[k]) for k in original)
    if isinstance(original, list | tuple):
        return len(copied) == len(original) and all(map(unchanged, copied, original))
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
        return _tensor_in_kind(as_tensor(came), like)
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
    """
    try:
        if isinstance(value, Tensor):
            return value if value.layout is torch.strided else value.to_dense()
        if isinstance(value, list | tuple) and any(isinstance(item, Tensor | list | tuple) for item in value):
            return torch.stack([as_tensor(item) for item in value])
        return torch.from_numpy(np.array(value))
    except (TypeError, ValueError, RuntimeError):
        raise _of_type(value, "a tensor") from None


def _tensor_in_kind(came: Tensor, like: Tensor) -> Tensor:
    truth = like.dtype is torch.bool
    one_truth = like.ndim == came.ndim == 0 and came.dtype is torch.bool
    if came.is_complex() != like.is_complex() or (one_truth and not truth):
        raise _of_type(came, "real numbers")
    if came.is_floating_point() and like.is_floating_point() or came.device != like.device:
        return came
    converted = came.to(like.dtype)
    if not like.is_floating_point() and not torch.equal(converted.to(came.dtype), came):
        raise _of_type(came, "True or False" if truth else "whole numbers")
    return converted


def _of_type(came: Any, expected: str) -> Wrong:
    kind = str(came.dtype) if isinstance(came, Tensor) else f"type {type(came).__name__}"
    return Wrong(f"{short(came)}, of {kind}", expected=expected, says=f"It is {expected}")


def in_size(came: Any, like: Any) -> Any:
    """A value of the reference's kind (see ``in_kind``) in its precision.

    Raises:
        Wrong: it is of another shape or device, or NaN where the reference is not.
    """
    if isinstance(like, tuple | list):
        return type(like)(map(in_size, came, like))
    if isinstance(like, Tensor):
        shapes, devices = (tuple(came.shape), tuple(like.shape)), (came.device, like.device)
        for name, (mine, its) in {"shape": shapes, "device": devices}.items():
            if mine != its:
                raise Wrong(f"{name} {mine}", expected=f"{name} {its}", says=f"It has the right {name}")
        came = came.detach().to(like.dtype)
    if _is_nan(came) and not _is_nan(like):
        raise Wrong(short(came), expected="numbers", says="It is never NaN")
    return came


def _is_nan(value: Any) -> bool:
    return isinstance(value, float | Tensor) and bool(torch.as_tensor(value).isnan().any())


def agree(came: Any, like: Any, tolerance: float) -> bool:
    """Whether two values of one kind are equal, floats up to a relative and absolute tolerance.

    >>> agree([1.0, "a"], [1.00001, "a"], 1e-4), agree(torch.tensor(99999), torch.tensor(100000), 1e-4)
    (True, False)
    """
    if isinstance(like, Tensor):
        if not like.is_floating_point():
            return torch.equal(came, like)
        return torch.allclose(came.double(), like.detach().double(), tolerance, tolerance, equal_nan=True)
    if isinstance(like, tuple | list):
        return all(agree(a, b, tolerance) for a, b in zip(came, like, strict=True))
    if isinstance(like, Real) and not isinstance(like, Integral):
        return isclose(came, like, rel_tol=tolerance, abs_tol=tolerance) or (isnan(came) and isnan(like))
    return bool(came == like)

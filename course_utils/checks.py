"""Checks of arguments: each returns what it checked, or raises one ValueError that says who asked, what was
expected and what came.
"""

from collections.abc import Iterable, Sequence
from math import inf, isfinite
from numbers import Integral, Number
from typing import Any

import numpy as np
import torch
from torch import Tensor

SUPPORTS: dict[str, str] = {
    "binary": "values in {0, 1}",
    "levels": "grey levels k/(L−1)",
    "unit": "values in [0, 1]",
    "real": "finite values",
}


def described(value: object) -> str:
    """What came, for an error: the dtype and shape of a tensor, else the type."""
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def check_events(
    x: object, event_shape: tuple[int, ...], support: str | None, *, like: Tensor, who: str, levels: int = 2
) -> Tensor:
    """A batch of events of this shape and support, on the device and of the dtype of ``like``.

    ``levels`` is the number L of grey levels of the support "levels". Without a support (None) no value is
    looked at: the check does not wait for a GPU.
    """
    expected = f"{who}: expected a float tensor of shape (B, {', '.join(map(str, event_shape))})"
    if not isinstance(x, Tensor):
        raise ValueError(f"{expected}, got {type(x).__name__}")
    if x.dim() != 1 + len(event_shape) or tuple(x.shape[1:]) != event_shape or len(x) == 0:
        raise ValueError(f"{expected} with B ≥ 1, got shape {tuple(x.shape)}")
    if x.dtype != like.dtype or not x.is_floating_point():
        dtype = like.dtype if like.is_floating_point() else torch.float32
        raise ValueError(f"{who}: expected dtype {dtype}, got {x.dtype}: use x.to({dtype})")
    if x.device != like.device:
        raise ValueError(f"{who}: expected x on {like.device}, got {x.device}: use x.to('{like.device}')")
    if support is None:
        return x
    values = x.detach()
    if support == "unit":  # one pass over what is good: training asks in every step
        low, high = values.aminmax()
        if bool((low >= 0) & (high <= 1)):
            return x
    good = {
        "binary": lambda: (values == 0) | (values == 1),
        "levels": lambda: on_grid(values, levels),
        "unit": lambda: (values >= 0) & (values <= 1),
        "real": values.isfinite,
    }[support]()
    if not bool(good.all()):
        worst = values[~good].flatten()[0].item()
        grid = f", L = {levels}" if support == "levels" else ""
        raise ValueError(f"{who}: expected {SUPPORTS[support]}{grid}, got a value {worst:.4g}")
    return x


def check_pictures(
    x: Any,
    who: str,
    *,
    channels: tuple[int, ...] = (1, 3),
    multiple: int = 1,
    like: Tensor | None = None,
    values: bool = True,
) -> Tensor:
    """Pictures of any size with values in [0, 1], whose sides are multiples of a number, as ``like``.

    Without ``values`` they are not looked at: the check does not wait for a GPU.
    """
    shape = tuple(x.shape) if isinstance(x, Tensor) else ()
    if len(shape) != 4 or shape[1] not in channels or 0 in shape or any(n % multiple for n in shape[2:]):
        form = f"(B, {' or '.join(map(str, channels))}, H, W), sides multiples of {multiple}"
        raise ValueError(f"{who}: expected a float tensor {form}, got {described(x)}")
    support = "unit" if values else None
    return check_events(x, shape[1:], support, like=x if like is None else like, who=who)


def on_grid(x: Tensor, levels: int) -> Tensor:
    """Where x is one of the grey levels 0, 1/(L−1) … 1, up to rounding."""
    v = (x * (levels - 1)).round()
    return (v >= 0) & (v < levels) & ((v / (levels - 1) - x).abs() < 1e-6)


def check_count(n: object, who: str, *, low: int = 1, high: int | None = None) -> int:
    """An integer from low to high; without a highest one, a positive integer or one of at least low."""
    if isinstance(n, bool) or not isinstance(n, int) or not low <= n <= (n if high is None else high):
        least = "a positive integer" if low == 1 else f"an integer of at least {low}"
        want = least if high is None else f"an integer from {low} to {high}"
        raise ValueError(f"{who}: expected {want}, got {n!r}")
    return n


def check_choice(value: object, who: str, choices: Iterable[object]) -> None:
    """Raise a ValueError unless the value is one of the choices."""
    choices = list(choices)
    if value not in choices:
        raise ValueError(f"{who}: expected one of {', '.join(map(str, choices))}, got {value!r}")


def check_seed(seed: int, who: str) -> int:
    """An integer in [0, 2³²), as an int."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(f"{who}: expected seed as an integer in [0, 2**32), got {seed!r}")
    return int(seed)


def check_generator(
    generator: torch.Generator | None, device: torch.device, who: str
) -> torch.Generator | None:
    """A generator that makes random numbers on this device, or None."""
    came = generator.device if isinstance(generator, torch.Generator) else type(generator).__name__
    if generator is not None and came != device:
        raise ValueError(f"{who}: expected a torch.Generator on {device}, got {came}")
    return generator


def check_permutation(order: Sequence[int], n: int, who: str) -> list[int]:
    """An order of n things as a list: each of the integers 0 … n − 1 once."""
    given = order.tolist() if isinstance(order, Tensor | np.ndarray) else order
    each = given if isinstance(given, Sequence) else ()
    whole = all(isinstance(i, Integral) and type(i) is not bool for i in each)
    if not whole or sorted(each) != list(range(n)):
        came = given if isinstance(given, Sequence | Number) else type(given).__name__
        raise ValueError(f"{who}: expected order as a permutation of range({n}), got {came!r}")
    return [int(i) for i in each]


def check_sizes(sizes: int | Sequence[int], who: str, *, least: int = 0) -> list[int]:
    """The sizes of at least so many layers as a list, one number as a list of one; positive integers."""
    several = [sizes] if isinstance(sizes, int) else sizes
    if not isinstance(several, Sequence) or len(several) < least:
        raise ValueError(f"{who}: expected a positive integer or several, got {sizes!r}")
    return [check_count(size, who) for size in several]


def check_classes(y: Tensor, n: int, classes: int, *, like: Tensor, who: str, values: bool = True) -> Tensor:
    """n classes out of 0 … classes − 1, of any integer type, where ``like`` is: as int64.

    Without ``values`` they are not looked at: the check does not wait for a GPU.
    """
    expected = f"{who}: expected y as {n} integers ({n},) from 0 to {classes - 1}"
    if not isinstance(y, Tensor) or y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise ValueError(f"{expected}, got {described(y)}")
    if y.shape != (n,) or y.device != like.device:
        raise ValueError(f"{expected} on {like.device}, got shape {tuple(y.shape)} on {y.device}")
    y = y.long()
    if values and not bool(((y >= 0) & (y < classes)).all()):
        raise ValueError(f"{expected}, got {y.min().item()} to {y.max().item()}")
    return y


def check_number(value: Any, who: str, *, low: float = -inf, high: float = inf) -> float:
    """A finite number in [low, high], as a float."""
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not isfinite(value) or not low <= value <= high:
        raise ValueError(f"{who}: expected a number in [{low:g}, {high:g}], got {value!r}")
    return float(value)

"""Checks of arguments: bad input gets one ValueError that says who, what was expected and what came."""

from math import inf, isfinite

from torch import Tensor

SUPPORTS: dict[str, str] = {
    "binary": "values in {0, 1}",
    "unit": "values in [0, 1]",
    "real": "finite values",
}


def check_events(x: Tensor, event_shape: tuple[int, ...], support: str, *, like: Tensor, who: str) -> Tensor:
    """Return x if it is a batch of events of this shape and support, on the device and dtype of ``like``.

    Raises:
        ValueError: naming who asked, what was expected and what came.
    """
    expected = f"{who}: expected a float tensor of shape (B, {', '.join(map(str, event_shape))})"
    if not isinstance(x, Tensor):
        raise ValueError(f"{expected}, got {type(x).__name__}")
    if x.dim() != 1 + len(event_shape) or tuple(x.shape[1:]) != event_shape or len(x) == 0:
        raise ValueError(f"{expected} with B ≥ 1, got shape {tuple(x.shape)}")
    if x.dtype != like.dtype:
        raise ValueError(f"{who}: expected dtype {like.dtype}, got {x.dtype}: use x.to({like.dtype})")
    if x.device != like.device:
        raise ValueError(f"{who}: expected x on {like.device}, got {x.device}: use x.to('{like.device}')")
    values = x.detach()
    good = {
        "binary": lambda: values * values == values,
        "unit": lambda: (values >= 0) & (values <= 1),
        "real": lambda: values.isfinite(),
    }[support]()
    if not bool(good.all()):
        worst = values[~good].flatten()[0].item()
        raise ValueError(f"{who}: expected {SUPPORTS[support]}, got a value {worst:.4g}")
    return x


def check_count(n: int, who: str) -> int:
    """Return n if it is a positive integer; else raise a ValueError that says who asked."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"{who}: expected a positive integer, got {n!r}")
    return n


def check_number(value: float, who: str, *, low: float = -inf, high: float = inf) -> float:
    """Return the value as a float if it is a finite number in [low, high]; else raise a ValueError.

    >>> check_number(0.5, "flip", low=0, high=1)
    0.5
    """
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not isfinite(value) or not low <= value <= high:
        raise ValueError(f"{who}: expected a number in [{low:g}, {high:g}], got {value!r}")
    return float(value)

"""A number that was estimated, together with how sure it is; and what every module here asks of a vector."""

from math import floor, isfinite, log10
from typing import NamedTuple

from torch import Tensor

from course_utils.runtime import as_double


class Estimate(NamedTuple):
    """A Monte Carlo estimate: its value and its standard error, printed to two digits of the error.

    >>> Estimate(17.3123, 0.3404)
    17.31 ± 0.34
    """

    value: float
    standard_error: float

    def __repr__(self) -> str:
        error = self.standard_error
        if not isfinite(error) or error <= 0:
            return f"{self.value:.6g} ± {error:g}"
        digits = max(0, 1 - floor(log10(error)))
        return f"{self.value:.{digits}f} ± {error:.{digits}f}"

    __str__ = __repr__


def mean(values: Tensor) -> Estimate:
    """The mean of independent values ``(N,)`` with its standard error s/√N.

    Infinite values give an infinite mean, of which no standard error is known (nan).

    Raises:
        ValueError: values is no 1-D float tensor of at least two numbers.

    >>> mean(Tensor([1.0, 2.0, 3.0]))
    2.00 ± 0.58
    """
    values = check_vector(values, "mean", "values", least=2).detach()
    average = values.mean().item()
    if average != average:
        raise ValueError("mean: expected values whose mean exists, got both inf and -inf")
    return Estimate(average, (values.std() / len(values) ** 0.5).item())


def check_vector(
    values: Tensor, who: str, name: str, *, least: int = 1, like: Tensor | None = None
) -> Tensor:
    """Return a 1-D float tensor of numbers in float64; else raise a ValueError that says what came.

    Args:
        like: a vector whose length and device it must have, or None.
    """
    expected = f"{who}: expected {name} as a 1-D float tensor of {least} or more numbers"
    if not isinstance(values, Tensor):
        raise ValueError(f"{expected}, got {type(values).__name__}")
    if values.dim() != 1 or not values.is_floating_point():
        raise ValueError(f"{expected}, got {values.dtype} of shape {tuple(values.shape)}")
    if len(values) < least:
        raise ValueError(f"{expected}, got {len(values)}")
    if like is not None and (len(values) != len(like) or values.device != like.device):
        raise ValueError(
            f"{who}: expected {name} with one length and device for all, {len(like)} on {like.device}, "
            f"got {len(values)} on {values.device}"
        )
    if bool(values.isnan().any()):
        raise ValueError(f"{expected}, got NaN at position {int(values.isnan().nonzero()[0])}")
    return as_double(values)

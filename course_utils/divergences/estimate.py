"""A number that was estimated, together with how sure it is."""

from math import floor, inf, isfinite, log10
from typing import NamedTuple

from torch import Tensor

from course_utils.checks import described
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


def kl_monte_carlo(log_p: Tensor, log_q: Tensor) -> Estimate:
    """KL(p‖q) = E_{x∼p}[log p(x) − log q(x)] in nats, unbiased; infinite once q(x) = 0 at a sample.

    log_p and log_q are both log-densities at the same N ≥ 2 samples x ∼ p, ``(N,)`` each.

    Raises:
        ValueError: they are not 1-D float tensors of one length on one device, p(x) is not positive and
            finite at its own samples, or q(x) is infinite.

    >>> kl_monte_carlo(Tensor([-1.0, -1.0]), Tensor([-3.0, -1.0]))
    1.0 ± 1.0
    """
    who = "kl_monte_carlo"
    p = check_vector(log_p, who, "log_p", least=2)
    q = check_vector(log_q, who, "log_q", least=2, like=log_p)
    if not bool(p.isfinite().all()):
        raise ValueError(f"{who}: expected log_p finite at its own samples, got {p[~p.isfinite()][0]:g}")
    if bool((q == inf).any()):
        raise ValueError(f"{who}: expected log_q below infinity, got inf")
    return mean(p - q)


def check_vector(
    values: Tensor, who: str, name: str, *, least: int = 1, like: Tensor | None = None
) -> Tensor:
    """Return a 1-D float tensor in float64, as long as ``like`` and where it is; else raise a ValueError."""
    expected = f"{who}: expected {name} as a 1-D float tensor of {least} or more numbers"
    vector = isinstance(values, Tensor) and values.dim() == 1 and values.is_floating_point()
    if not vector or len(values) < least:
        raise ValueError(f"{expected}, got {described(values)}")
    if like is not None and (len(values) != len(like) or values.device != like.device):
        want, got = f"{len(like)} on {like.device}", f"{len(values)} on {values.device}"
        raise ValueError(f"{who}: expected {name} with one length and device for all, {want}, got {got}")
    if bool(values.isnan().any()):
        raise ValueError(f"{expected}, got NaN at position {int(values.isnan().nonzero()[0])}")
    return as_double(values)

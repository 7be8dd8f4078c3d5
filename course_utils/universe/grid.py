"""Laws on a fine grid of the line: a finite universe on which integrals are sums."""

from math import inf, log

import torch
from torch import Tensor

from course_utils.checks import check_count, check_number


def line(points: int = 481) -> Tensor:
    """A fine grid from −6 to 6, ``(S,)`` float64: a finite universe on which integrals are sums.

    >>> line(3).tolist()
    [-6.0, 0.0, 6.0]
    """
    return torch.linspace(-6, 6, check_count(points, "line"), dtype=torch.double)


def gaussian_on(x: Tensor, mean: float | Tensor, std: float | Tensor) -> Tensor:
    """Log-probabilities of a Gaussian on a grid, p(x_s) ∝ exp(−(x_s − mean)² / 2 std²): ``(S,)`` in nats.

    Differentiable in mean and std. An exponential family whose statistics are x and x².

    Raises:
        ValueError: x is no vector of finite numbers, the mean not finite, or std not positive and finite.

    >>> round(gaussian_on(line(), 0.0, 1.0).exp().sum().item(), 9)
    1.0
    """
    if not isinstance(x, Tensor) or x.dim() != 1 or not x.is_floating_point() or not bool(x.isfinite().all()):
        came = f"{x.dtype} {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"gaussian_on: expected x as a float vector (S,) of finite points, got {came}")
    for name, value, low in (("mean", mean, -inf), ("std", std, 1e-12)):
        if isinstance(value, Tensor) and value.dim() == 0 and value.is_floating_point():
            value = value.item()
        check_number(value, f"gaussian_on: {name}", low=low)
    return torch.log_softmax(-0.5 * ((x - mean) / std) ** 2, 0)


def two_modes(x: Tensor) -> Tensor:
    """Log-probabilities of an uneven mixture of two Gaussians on a grid: 0.65 at −2 and 0.35 at 2.2.

    >>> round(two_modes(line()).exp().sum().item(), 9)
    1.0
    """
    narrow, wide = gaussian_on(x, -2.0, 0.6), gaussian_on(x, 2.2, 0.8)
    return torch.logaddexp(log(0.65) + narrow, log(0.35) + wide)

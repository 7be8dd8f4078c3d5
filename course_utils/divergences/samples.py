"""Divergences estimated from samples, each with its standard error: what can be said of large images."""

from math import inf

import torch
from torch import Tensor

from course_utils.checks import check_number
from course_utils.divergences.estimate import Estimate, check_vector, mean
from course_utils.runtime import as_double

TINY = 1e-300


def kl_monte_carlo(log_p: Tensor, log_q: Tensor) -> Estimate:
    """KL(p‖q) = E_{x∼p}[log p(x) − log q(x)] in nats, unbiased; infinite once q(x) = 0 at a sample.

    Args:
        log_p, log_q: both log-densities at the same N ≥ 2 samples x ∼ p, ``(N,)`` each.

    Raises:
        ValueError: they are not 1-D float tensors of one length on one device, p(x) is not positive and
            finite at its own samples, or q(x) is infinite.

    >>> kl_monte_carlo(torch.tensor([-1.0, -1.0]), torch.tensor([-3.0, -1.0]))
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


def mmd_squared_samples(x: Tensor, y: Tensor, bandwidth: float | None = None) -> Estimate:
    """MMD² with the Gaussian kernel: the unbiased U-statistic (Gretton et al. 2012), so it can be negative.

    Mean of k(x, x′) over x ≠ x′, plus mean of k(y, y′) over y ≠ y′, minus twice the mean of k(x, y). The
    standard error is the jackknife's: right where p ≠ q, up to √2 too large where p = q.

    Args:
        x, y: events ``(N, ...)`` and ``(M, ...)``, at least 3 each; memory grows with (N + M)².
        bandwidth: h of the kernel; None: the median distance of the pooled sample. Give one to compare
            models.

    Raises:
        ValueError: x and y are not float tensors of finite events of one shape on one device, or the
            bandwidth is not positive.

    >>> x = torch.tensor([[0.0], [1.0], [2.0]])
    >>> mmd_squared_samples(x, x + 100, bandwidth=1.0).value > mmd_squared_samples(x, x, bandwidth=1.0).value
    True
    """
    x, y = (part.detach() for part in check_samples(x, y, "mmd_squared_samples", least=3))
    h = median_distance(x, y) if bandwidth is None else bandwidth
    check_number(h, "mmd_squared_samples: bandwidth", low=TINY)
    n, m = len(x), len(y)
    to_x = kernel_of(distances(x, x), h).fill_diagonal_(0).sum(1)
    to_y = kernel_of(distances(y, y), h).fill_diagonal_(0).sum(1)
    across = kernel_of(distances(x, y), h)

    def statistic(within_x: Tensor, within_y: Tensor, between: Tensor, n: int, m: int) -> Tensor:
        return within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2 * between / (n * m)

    sums = to_x.sum(), to_y.sum(), across.sum()
    value = statistic(*sums, n, m)
    without_x = statistic(sums[0] - 2 * to_x, sums[1], sums[2] - across.sum(1), n - 1, m)
    without_y = statistic(sums[0], sums[1] - 2 * to_y, sums[2] - across.sum(0), n, m - 1)
    spreads = [(len(v) - 1) * v.var(correction=0) for v in (without_x, without_y)]
    variance = torch.stack(spreads).sum()
    return Estimate(value.item(), variance.sqrt().item())


def gaussian_kernel(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    """k(x, y) = exp(−‖x − y‖²/(2h²)) of all pairs: ``(N, ...)`` and ``(M, ...)`` to ``(N, M)``, float64.

    Raises:
        ValueError: x and y are not float tensors of finite events of one shape on one device, or the
            bandwidth h is not positive.

    >>> gaussian_kernel(torch.zeros(1, 2), torch.tensor([[0.0, 0.0], [3.0, 4.0]]), 5.0).round(decimals=4)
    tensor([[1.0000, 0.6065]], dtype=torch.float64)
    """
    check_number(bandwidth, "gaussian_kernel: bandwidth", low=TINY)
    return kernel_of(distances(*check_samples(x, y, "gaussian_kernel")), bandwidth)


def median_distance(x: Tensor, y: Tensor) -> float:
    """The median distance between two different points of the pooled samples: the usual bandwidth.

    Of an even number of distances it is the mean of the two middle ones. To compare several models by
    MMD, take one bandwidth for all: values of two bandwidths are not comparable.

    Raises:
        ValueError: as ``gaussian_kernel``, or half of all pairs coincide, so that the median is 0.

    >>> median_distance(torch.tensor([[0.0], [1.0]]), torch.tensor([[5.0], [7.0]]))  # 1, 2, 4, 5, 6, 7
    4.5
    """
    gaps = torch.pdist(torch.cat(check_samples(x, y, "median_distance"))).sort().values
    middle = gaps[[(len(gaps) - 1) // 2, len(gaps) // 2]].mean().item()
    if middle == 0:
        raise ValueError("median_distance: expected samples that differ, got a median distance of 0")
    return middle


def check_samples(x: Tensor, y: Tensor, who: str, *, least: int = 1) -> tuple[Tensor, Tensor]:
    """Return two batches of events of one shape, flattened to ``(N, D)`` and ``(M, D)`` in float64."""
    expected = f"{who}: expected {{}} as a float tensor (N, ...) of {least} or more finite events, got "
    for name, batch in (("x", x), ("y", y)):
        if not isinstance(batch, Tensor):
            raise ValueError(f"{expected.format(name)}{type(batch).__name__}")
        if not batch.is_floating_point() or batch.dim() < 1 or len(batch) < least or batch.numel() == 0:
            raise ValueError(f"{expected.format(name)}{batch.dtype} of shape {tuple(batch.shape)}")
    if x.shape[1:] != y.shape[1:] or x.device != y.device:
        raise ValueError(
            f"{who}: expected x and y of one event shape on one device, got {tuple(x.shape[1:])} on "
            f"{x.device} and {tuple(y.shape[1:])} on {y.device}"
        )
    for name, batch in (("x", x), ("y", y)):
        if not bool(batch.isfinite().all()):
            raise ValueError(f"{expected.format(name)}a value {batch[~batch.isfinite()][0].item()}")
    return as_double(x).reshape(len(x), -1), as_double(y).reshape(len(y), -1)


def distances(x: Tensor, y: Tensor) -> Tensor:
    """‖x − y‖ of all pairs, without the shortcut through products that blurs small distances."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def kernel_of(distance: Tensor, bandwidth: float) -> Tensor:
    """exp(−d²/(2h²)), elementwise."""
    return (-((distance / bandwidth) ** 2) / 2).exp()

"""Divergences estimated from samples, each with its standard error: what can be said of large images."""

from math import inf, log

import torch
from torch import Tensor
from torch.nn.functional import softplus

from course_utils.divergences.estimate import Estimate, check_vector, mean
from course_utils.divergences.kernel import (
    check_bandwidth,
    check_samples,
    distances,
    kernel_of,
    median_distance,
)


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
    return mean(log_ratio(log_p, log_q, "kl_monte_carlo"))


def js_monte_carlo(
    log_p_at_x: Tensor, log_q_at_x: Tensor, log_p_at_y: Tensor, log_q_at_y: Tensor
) -> Estimate:
    """JS(p, q) = ½ E_{x∼p}[log p/m] + ½ E_{y∼q}[log q/m] with m = (p + q)/2, in nats, unbiased.

    With D = p/(p + q) the terms are log 2 + log D(x) and log 2 + log(1 − D(y)): what a GAN's optimal
    discriminator sees.

    Args:
        log_p_at_x, log_q_at_x: both log-densities at N ≥ 2 samples x ∼ p.
        log_p_at_y, log_q_at_y: both log-densities at M ≥ 2 samples y ∼ q.

    Raises:
        ValueError: as ``kl_monte_carlo``.

    >>> p = torch.tensor([-1.0, -2.0])
    >>> js_monte_carlo(p, p, p, p).value
    0.0
    """
    at_x = mean(log(2) - softplus(-log_ratio(log_p_at_x, log_q_at_x, "js_monte_carlo at x")))
    at_y = mean(log(2) - softplus(-log_ratio(log_q_at_y, log_p_at_y, "js_monte_carlo at y")))
    error = (at_x.standard_error**2 + at_y.standard_error**2) ** 0.5
    return Estimate((at_x.value + at_y.value) / 2, error / 2)


def total_variation_monte_carlo(log_p: Tensor, log_q: Tensor) -> Estimate:
    """TV(p, q) = E_{x∼p}[max(0, 1 − q(x)/p(x))], unbiased; each term lies in [0, 1].

    Args and errors: as ``kl_monte_carlo``.

    >>> p = torch.tensor([-1.0, -2.0])
    >>> total_variation_monte_carlo(p, p - 1000).value  # q is nowhere near the samples of p
    1.0
    """
    ratio = log_ratio(log_p, log_q, "total_variation_monte_carlo")
    return mean(-torch.expm1(-ratio.clamp_min(0)))


def log_ratio(log_own: Tensor, log_other: Tensor, who: str) -> Tensor:
    """log own − log other at samples of its own law, in float64; ``inf`` where the other is zero."""
    names = "the log-density that the samples come from", "the other log-density"
    own = check_vector(log_own, who, names[0], least=2)
    other = check_vector(log_other, who, names[1], least=2, like=log_own)
    if not bool(own.isfinite().all()):
        raise ValueError(f"{who}: expected {names[0]} to be finite at them, got {own[~own.isfinite()][0]:g}")
    if bool((other == inf).any()):
        raise ValueError(f"{who}: expected {names[1]} below infinity, got inf")
    return own - other


def wasserstein1_samples(x: Tensor, y: Tensor) -> Estimate:
    """W₁ between two samples of numbers: ∫ |F_N(t) − G_M(t)| dt, from sorting alone.

    With N = M it is the mean distance of the sorted samples. Its standard error is that of the means of
    the best witness f in W₁ = max over 1-Lipschitz f of E f(y) − E f(x). The value is biased upwards, by
    O(1/√N) where the two laws are the same: it is never negative.

    Args:
        x, y: ``(N,)`` and ``(M,)``, at least 2 numbers each.

    Raises:
        ValueError: x or y is no 1-D float tensor of finite numbers, or they lie on two devices.

    >>> wasserstein1_samples(torch.tensor([0.0, 1.0]), torch.tensor([7.0, 6.0])).value
    6.0
    """
    for name, sample in (("x", x), ("y", y)):
        if isinstance(sample, Tensor) and sample.dim() != 1:
            raise ValueError(
                f"wasserstein1_samples: expected {name} as numbers (N,), got shape {tuple(sample.shape)}"
            )
    x, y = (part.flatten() for part in check_samples(x, y, "wasserstein1_samples", least=2))
    n, m = len(x), len(y)
    pooled, order = torch.cat([x.detach(), y.detach()]).sort()
    from_x = order < n
    excess = torch.where(from_x, m, -n).cumsum(0)[:-1]  # n·m·(F − G), in integers: exact
    gaps = pooled.diff()
    value = (excess.abs() * gaps).sum() / (n * m)
    witness = torch.cat([gaps.new_zeros(1), (excess.sign() * gaps).cumsum(0)])
    variance = witness[from_x].var() / n + witness[~from_x].var() / m
    return Estimate(value.item(), variance.sqrt().item())


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
    h = median_distance(x, y) if bandwidth is None else check_bandwidth(bandwidth, "mmd_squared_samples")
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
    variance = sum((len(v) - 1) * v.var(correction=0) for v in (without_x, without_y))
    return Estimate(value.item(), variance.sqrt().item())

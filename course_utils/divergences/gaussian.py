"""Closed forms between two Gaussians p = N(mean_p, cov_p) and q = N(mean_q, cov_q).

Means are ``(d,)`` and covariances ``(d, d)``; for d = 1 both may be numbers, and cov is then the
*variance* σ², not σ. Results are float64 scalars, differentiable in tensor arguments. A ValueError says
which argument has the wrong shape, is not finite, or is no covariance: symmetric, positive definite.
"""

from math import sqrt

import torch
from torch import Tensor

from course_utils.divergences.kernel import check_bandwidth
from course_utils.runtime import as_double

Value = Tensor | float


def gaussian_kl(mean_p: Value, cov_p: Value, mean_q: Value, cov_q: Value) -> Tensor:
    """KL(p‖q) = ½ [tr(Σ_q⁻¹Σ_p) + δᵀ Σ_q⁻¹ δ − d + log(det Σ_q / det Σ_p)] in nats, δ = mean_p − mean_q.

    >>> gaussian_kl(1.0, 1.0, 0.0, 1.0)
    tensor(0.5000, dtype=torch.float64)
    """
    (m, s), (n, t) = gaussians(mean_p, cov_p, mean_q, cov_q, "gaussian_kl")
    root_p, root_q = torch.linalg.cholesky(s), torch.linalg.cholesky(t)
    spread = solve(root_q, root_p).square().sum()
    shift = solve(root_q, (m - n)[:, None]).square().sum()
    log_ratio = 2 * (root_q.diagonal().log() - root_p.diagonal().log()).sum()
    return (spread + shift - len(m) + log_ratio) / 2


def gaussian_total_variation(mean_p: Value, mean_q: Value, cov: Value) -> Tensor:
    """TV(p, q) = erf(Δ/√8) for one common covariance, Δ² = δᵀ Σ⁻¹ δ the squared Mahalanobis distance.

    >>> gaussian_total_variation(0.0, 0.0, 1.0)
    tensor(0., dtype=torch.float64)
    """
    (m, s), (n, _) = gaussians(mean_p, cov, mean_q, cov, "gaussian_total_variation")
    distance = torch.linalg.vector_norm(solve(torch.linalg.cholesky(s), (m - n)[:, None]))
    return torch.erf(distance / sqrt(8))


def gaussian_wasserstein1(mean_p: Value, cov_p: Value, mean_q: Value, cov_q: Value) -> Tensor:
    """W₁(p, q) = E|δ + (σ_p − σ_q) Z| with Z ∼ N(0, 1), in one dimension.

    The monotone map sends mean_p + σ_p Z to mean_q + σ_q Z, so the cost is the mean of a folded normal:
    s √(2/π) exp(−δ²/(2s²)) + δ erf(δ/(s√2)) with s = |σ_p − σ_q|, and |δ| where s = 0.

    >>> gaussian_wasserstein1(3.0, 4.0, 1.0, 4.0)  # a shift costs its length
    tensor(2., dtype=torch.float64)
    """
    (m, s), (n, t) = gaussians(mean_p, cov_p, mean_q, cov_q, "gaussian_wasserstein1")
    if len(m) > 1:
        raise ValueError(f"gaussian_wasserstein1: expected one dimension, got {len(m)}: no closed form there")
    delta, spread = (m - n)[0], (s.sqrt() - t.sqrt()).abs()[0, 0]
    if spread == 0:
        return delta.abs()
    z = delta / spread
    return spread * sqrt(2 / torch.pi) * (-(z**2) / 2).exp() + delta * torch.erf(z / sqrt(2))


def gaussian_wasserstein2(mean_p: Value, cov_p: Value, mean_q: Value, cov_q: Value) -> Tensor:
    """W₂(p, q), the root of ‖δ‖² + tr(Σ_p + Σ_q − 2 (Σ_p^½ Σ_q Σ_p^½)^½) (Dowson & Landau 1982).

    In one dimension: W₂² = (mean_p − mean_q)² + (σ_p − σ_q)².

    >>> gaussian_wasserstein2(3.0, 1.0, 0.0, 25.0)
    tensor(5., dtype=torch.float64)
    """
    (m, s), (n, t) = gaussians(mean_p, cov_p, mean_q, cov_q, "gaussian_wasserstein2")
    root = torch.linalg.cholesky(s)
    common = torch.linalg.eigvalsh(root.T @ t @ root)  # the eigenvalues of Σ_p^½ Σ_q Σ_p^½
    spread = s.trace() + t.trace() - 2 * common.clamp_min(0).sqrt().sum()
    return ((m - n).square().sum() + spread.clamp_min(0)).sqrt()


def gaussian_mmd_squared(
    mean_p: Value, cov_p: Value, mean_q: Value, cov_q: Value, bandwidth: float
) -> Tensor:
    """MMD²(p, q) = E k(x, x′) + E k(y, y′) − 2 E k(x, y) for k(x, y) = exp(−‖x − y‖²/(2h²)).

    x − y is Gaussian with covariance C, and E k = det(I + C/h²)^−½ exp(−½ δᵀ (h²I + C)⁻¹ δ).

    >>> gaussian_mmd_squared(0.0, 1.0, 0.0, 1.0, bandwidth=1.0)
    tensor(0., dtype=torch.float64)
    """
    (m, s), (n, t) = gaussians(mean_p, cov_p, mean_q, cov_q, "gaussian_mmd_squared")
    h = check_bandwidth(bandwidth, "gaussian_mmd_squared")

    def expected_kernel(delta: Tensor, cov: Tensor) -> Tensor:
        root = torch.linalg.cholesky(torch.eye(len(delta), dtype=cov.dtype, device=cov.device) + cov / h**2)
        distance = solve(root, delta[:, None] / h).square().sum()
        return (-distance / 2).exp() / root.diagonal().prod()

    nowhere = torch.zeros_like(m)
    return (
        expected_kernel(nowhere, 2 * s) + expected_kernel(nowhere, 2 * t) - 2 * expected_kernel(m - n, s + t)
    )


def solve(root: Tensor, right: Tensor) -> Tensor:
    """root⁻¹ · right for a lower triangular root."""
    return torch.linalg.solve_triangular(root, right, upper=False)


def gaussians(
    mean_p: Value, cov_p: Value, mean_q: Value, cov_q: Value, who: str
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return two Gaussians of one dimension as float64 ``(d,)`` and ``(d, d)``; else raise a ValueError."""
    given = (mean_p, cov_p, mean_q, cov_q)
    for value in given:
        if isinstance(value, bool) or not isinstance(value, Tensor | float | int):
            raise ValueError(f"{who}: expected numbers or tensors, got {type(value).__name__}")
    devices = {str(v.device) for v in given if isinstance(v, Tensor)}
    if len(devices) > 1:
        raise ValueError(f"{who}: expected all tensors on one device, got {' and '.join(sorted(devices))}")
    like = next((as_double(v) for v in given if isinstance(v, Tensor)), torch.empty(0, dtype=torch.float64))
    mean_p, cov_p, mean_q, cov_q = (
        as_double(v) if isinstance(v, Tensor) else like.new_tensor(v) for v in given
    )
    p, q = gaussian(mean_p, cov_p, who, "p"), gaussian(mean_q, cov_q, who, "q")
    if len(p[0]) != len(q[0]):
        raise ValueError(
            f"{who}: expected two Gaussians of one dimension, got dimensions {len(p[0])} and {len(q[0])}"
        )
    return p, q


def gaussian(centre: Tensor, spread: Tensor, who: str, name: str) -> tuple[Tensor, Tensor]:
    """Return one Gaussian as ``(d,)`` and ``(d, d)``; else raise a ValueError."""
    centre = centre.reshape(1) if centre.dim() == 0 else centre
    spread = spread.reshape(1, 1) if spread.dim() == 0 else spread
    d = centre.numel()
    if centre.dim() != 1 or d == 0 or spread.shape != (d, d):
        raise ValueError(
            f"{who}: expected the mean of {name} as (d,) and its covariance as (d, d), or two numbers, "
            f"got {tuple(centre.shape)} and {tuple(spread.shape)}"
        )
    finite = bool(centre.isfinite().all()) and bool(spread.isfinite().all())
    if not finite or not torch.allclose(spread, spread.T) or torch.linalg.cholesky_ex(spread).info:
        raise ValueError(
            f"{who}: expected a finite mean and a symmetric positive definite covariance of {name}, "
            f"got {centre.tolist()} and {spread.tolist()}"
        )
    return centre, spread

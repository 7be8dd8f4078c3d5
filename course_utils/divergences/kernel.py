"""The Gaussian kernel behind the maximum mean discrepancy (MMD)."""

import torch
from torch import Tensor

from course_utils.checks import check_number
from course_utils.runtime import as_double

TINY = 1e-300


def gaussian_kernel(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    """k(x, y) = exp(−‖x − y‖²/(2h²)) of all pairs: ``(N, ...)`` and ``(M, ...)`` to ``(N, M)``, float64.

    Raises:
        ValueError: x and y are not float tensors of finite events of one shape on one device, or the
            bandwidth h is not positive.

    >>> gaussian_kernel(torch.zeros(1, 2), torch.tensor([[0.0, 0.0], [3.0, 4.0]]), 5.0).round(decimals=4)
    tensor([[1.0000, 0.6065]], dtype=torch.float64)
    """
    bandwidth = check_bandwidth(bandwidth, "gaussian_kernel")
    x, y = check_samples(x, y, "gaussian_kernel")
    return kernel_of(distances(x, y), bandwidth)


def median_distance(x: Tensor, y: Tensor) -> float:
    """The median distance between two different points of the pooled samples: the usual bandwidth.

    To compare several models by MMD, take one bandwidth for all: values of two bandwidths are not
    comparable.

    Raises:
        ValueError: as ``gaussian_kernel``, or half of all pairs coincide, so that the median is 0.

    >>> median_distance(torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0]]))
    1.0
    """
    pooled = torch.cat(check_samples(x, y, "median_distance"))
    middle = torch.pdist(pooled).median().item()
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


def check_bandwidth(bandwidth: float, who: str) -> float:
    """Return a positive bandwidth; else raise a ValueError."""
    return check_number(bandwidth, f"{who}: bandwidth", low=TINY)


def distances(x: Tensor, y: Tensor) -> Tensor:
    """‖x − y‖ of all pairs, without the shortcut through products that blurs small distances."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def kernel_of(distance: Tensor, bandwidth: float) -> Tensor:
    """exp(−d²/(2h²)), elementwise."""
    return (-((distance / bandwidth) ** 2) / 2).exp()

"""Thin-plate splines: the least bent map of the plane that takes given points to given places."""

import torch
from torch import Tensor
from torch.nn.functional import pad


def bending(squared: Tensor) -> Tensor:
    """r² log r² for each squared distance r², 0 at 0: how a thin plate gives way round a point.

    >>> f"{bending(torch.tensor(4.0)).item():.3f}"
    '5.545'
    """
    return squared.clamp(min=torch.finfo(squared.dtype).tiny).log_().mul_(squared)


def thin_plate(knots: Tensor, at: Tensor) -> Tensor:
    """What each knot weighs in the value of the spline at each place: ``(…, P, K)``, rows that sum to 1.

    The spline f(p) = a + B p + Σ_k w_k U(‖p − knot_k‖²), U(r²) = r² log r², takes the values v at K knots and
    has the least bending energy ∫ f_xx² + 2 f_xy² + f_yy². It is linear in v: f(at) = weights @ v. Affine
    maps do not bend, and are kept exactly. F. Bookstein, *Principal Warps: Thin-Plate Splines and the
    Decomposition of Deformations*, IEEE PAMI 1989. The weights are solved for in float64.

    Args:
        knots: ``(…, K, 2)``, K ≥ 3 distinct points, not all on one line. at: ``(…, P, 2)``.

    >>> corners = torch.tensor([[-1.0, -1], [1, -1], [-1, 1], [1, 1]])
    >>> thin_plate(corners, torch.zeros(1, 2)).round(decimals=3).tolist()  # the middle: a quarter of each
    [[0.25, 0.25, 0.25, 0.25]]
    """
    return spline(knots, torch.eye(knots.shape[-2], dtype=knots.dtype, device=knots.device), at)


def spline(knots: Tensor, values: Tensor, at: Tensor) -> Tensor:
    """What the spline is at each place, ``(…, P, V)``, if it takes these values ``(…, K, V)`` at its knots.

    It is ``thin_plate(knots, at) @ values`` without a weight for every pair of place and knot.

    >>> corners = torch.tensor([[-1.0, -1], [1, -1], [-1, 1], [1, 1]])
    >>> spline(corners, corners + 1, torch.tensor([[0.5, 0.0]])).round(decimals=3).tolist()  # affine: kept
    [[1.5, 1.0]]
    """
    k = knots.double()
    affine = torch.cat([torch.ones_like(k[..., :1]), k], -1)
    upper = torch.cat([_bends(k, k), affine], -1)
    lower = torch.cat([affine.mT, k.new_zeros(*k.shape[:-2], 3, 3)], -1)
    solved = torch.linalg.solve(torch.cat([upper, lower], -2), pad(values.double(), (0, 0, 0, 3)))
    bent, slopes = solved.to(at.dtype).mT.split([k.shape[-2], 3], -1)  # (…, V, K), (…, V, 3)
    flat = slopes[..., 1:].contiguous() @ at.mT.contiguous() + slopes[..., :1]
    return (bent @ _bends(at, knots)).add_(flat).mT


def _bends(at: Tensor, knots: Tensor) -> Tensor:
    """U of the distance of each knot from each place: ``(…, K, P)``."""
    x, y = (at[..., None, :, i].contiguous() - knots[..., :, None, i] for i in (0, 1))
    return bending(x.square_().addcmul_(y, y))

"""Thin-plate splines: the least bent map of the plane that takes given points to given places."""

import torch
from torch import Tensor


def bending(squared: Tensor) -> Tensor:
    """r² log r² for each squared distance r², 0 at 0: how a thin plate gives way round a point.

    >>> f"{bending(torch.tensor(4.0)).item():.3f}"
    '5.545'
    """
    return squared * squared.clamp(min=torch.finfo(squared.dtype).tiny).log_()


def thin_plate(knots: Tensor, at: Tensor) -> Tensor:
    """What each knot weighs in the value of the spline at each place: ``(…, P, K)``, rows that sum to 1.

    The spline f(p) = a + B p + Σ_k w_k U(‖p − knot_k‖²), U(r²) = r² log r², takes the values v at K knots and
    has the least bending energy ∫ f_xx² + 2 f_xy² + f_yy². It is linear in v: f(at) = weights @ v. Affine
    maps do not bend, and are kept exactly. F. Bookstein, *Principal Warps: Thin-Plate Splines and the
    Decomposition of Deformations*, IEEE PAMI 1989. The weights are solved for in
    float64.

    Args:
        knots: ``(…, K, 2)``, K ≥ 3 distinct points, not all on one line. at: ``(…, P, 2)``.

    >>> corners = torch.tensor([[-1.0, -1], [1, -1], [-1, 1], [1, 1]])
    >>> thin_plate(corners, torch.zeros(1, 2)).round(decimals=3).tolist()  # the middle: a quarter of each
    [[0.25, 0.25, 0.25, 0.25]]
    """
    inner = _terms(knots.double(), knots.double())
    low = torch.cat([inner[..., -3:].mT, inner.new_zeros(*inner.shape[:-2], 3, 3)], -1)
    solved = torch.linalg.inv(torch.cat([inner, low], -2))[..., : knots.shape[-2]]
    return _terms(at, knots) @ solved.to(at.dtype)


def _terms(at: Tensor, knots: Tensor) -> Tensor:
    """U of the distances to the knots, then 1, x and y: ``(…, P, K + 3)``."""
    x, y = ((at[..., i, None] - knots[..., None, :, i]).square_() for i in (0, 1))
    squared = x.add_(y)
    affine = torch.cat([torch.ones_like(at[..., :1]), at], -1)
    return torch.cat([bending(squared), affine.expand(*squared.shape[:-1], 3)], -1)

"""A neural spline flow: RealNVP whose couplings bend the line instead of scaling it."""

from functools import partial
from math import exp, log
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from course_utils.checks import check_count, check_number
from course_utils.models.couplings import Coupling, CouplingFlow, coupling_net, multi_scale
from course_utils.models.flow_steps import Step
from course_utils.models.realnvp import RealNVP

SMALLEST = 1e-3  # share of a bin in the whole width, and slope at a knot
ONE = log(exp(1 - SMALLEST) - 1)  # where softplus, with SMALLEST added, is 1


def knots(raw: Tensor, bound: float) -> Tensor:
    """Places −bound = k_0 < … < k_K = bound from raw numbers ``(…, K)``: ``(…, K + 1)``."""
    shares = SMALLEST + (1 - SMALLEST * raw.shape[-1]) * raw.softmax(-1)
    inner = 2 * bound * shares[..., :-1].cumsum(-1) - bound
    return pad(pad(inner, (1, 0), value=-bound), (0, 1), value=bound)


class Spline:
    r"""Monotone functions of one number on [−B, B], a ratio of two parabolas in each of K bins.

    With ξ ∈ [0, 1] the place in the bin between the knots (x_k, z_k) and (x_{k+1}, z_{k+1}), s the slope of
    the straight line between them, δ_k and δ_{k+1} those of the function at them, d = δ_k + δ_{k+1} − 2 s,

        z = z_k + (z_{k+1} − z_k) (s ξ² + δ_k ξ (1 − ξ)) / (s + d ξ (1 − ξ)),
        dz/dx = s² (δ_{k+1} ξ² + 2 s ξ (1 − ξ) + δ_k (1 − ξ)²) / (s + d ξ (1 − ξ))².

    Outside it is the identity, so that δ_0 = δ_K = 1. The inverse solves a quadratic equation.

    Args:
        raw: any numbers ``(…, 3K − 1)``: they become K widths, K heights and K − 1 slopes; all 0 make the
            identity.
        bound: B.

    >>> spline = Spline(torch.randn(5, 11), 3.0)
    >>> x = torch.linspace(-4, 4, 5)
    >>> z, log_slope = spline(x)
    >>> bool((spline.inverse(z) - x).abs().max() < 1e-4)
    True
    """

    def __init__(self, raw: Tensor, bound: float) -> None:
        bins = (raw.shape[-1] + 1) // 3
        widths, heights, slopes = raw.split([bins, bins, bins - 1], -1)
        self.x, self.z, self.bound = knots(widths, bound), knots(heights, bound), bound
        self.slopes = pad(SMALLEST + softplus(slopes + ONE), (1, 1), value=1.0)

    def _bin(self, edges: Tensor, place: Tensor) -> tuple[Tensor, ...]:
        """Of the bin that each place is in: x_k, its width, z_k, its height, δ_k and δ_{k+1}."""
        k = (place[..., None] >= edges[..., 1:-1]).sum(-1)
        ends = torch.stack([k, k + 1], -1)
        x, z, slope = (part.gather(-1, ends).unbind(-1) for part in (self.x, self.z, self.slopes))
        return x[0], x[1] - x[0], z[0], z[1] - z[0], *slope

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z, and log dz/dx, in the shape of x."""
        inside = x.abs() < self.bound
        left, width, low, height, before, after = self._bin(self.x, x)
        at = ((x - left) / width).clamp(0, 1)
        s, across = height / width, at * (1 - at)
        below = s + (before + after - 2 * s) * across
        z = low + height * (s * at.square() + before * across) / below
        up = after * at.square() + 2 * s * across + before * (1 - at).square()
        log_slope = 2 * s.log() + up.log() - 2 * below.log()
        return torch.where(inside, z, x), torch.where(inside, log_slope, 0.0)

    def inverse(self, z: Tensor) -> Tensor:
        """x, in the shape of z: the root of a ξ² + b ξ + c = 0 that is in [0, 1]."""
        left, width, low, height, before, after = self._bin(self.z, z)
        s, up = height / width, (z - low).clamp_min(0)
        d = before + after - 2 * s
        a, b, c = height * (s - before) + up * d, height * before - up * d, -s * up
        at = 2 * c / (-b - (b.square() - 4 * a * c).clamp_min(0).sqrt())
        return torch.where(z.abs() < self.bound, left + width * at, z)


class SplineCoupling(Coupling):
    """z = x where the mask is 1, a `Spline` of each x elsewhere: log |det| is the sum of its log-slopes.

    The network gives (3K − 1)·C channels, of which those of what moves are read.
    """

    moved: Tensor

    def __init__(self, mask: Tensor, net: nn.Module, bound: float) -> None:
        super().__init__(mask, net)
        self.register_buffer("moved", (mask.flatten() == 0).nonzero()[:, 0], persistent=False)
        self.bound = bound

    def spline(self, kept: Tensor) -> Spline:
        """The splines of what moves, M numbers, that what is kept decides on."""
        raw = self.net(self.mask * kept).unflatten(1, (-1, len(self.mask))).flatten(2)
        return Spline(raw.index_select(2, self.moved).transpose(1, 2), self.bound)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z, and the sum of the log-slopes of what moved."""
        z, log_slope = self.spline(x)(x.flatten(1).index_select(1, self.moved))
        return self._put(x, z), log_slope.sum(1)

    def inverse(self, z: Tensor) -> Tensor:
        """x, by the inverse splines where x moved."""
        return self._put(z, self.spline(z).inverse(z.flatten(1).index_select(1, self.moved)))

    def _put(self, whole: Tensor, part: Tensor) -> Tensor:
        """The whole, with the part ``(B, M)`` where something moves."""
        return whole.flatten(1).index_copy(1, self.moved, part).view_as(whole)


class SplineFlow(CouplingFlow):
    r"""RealNVP with splines: what is kept decides on a curve for every number that moves, not on a line.

        z_A = x_A,   z_B = g(x_B; θ(x_A)),   log |det| = Σ log g′(x_B),

    with g monotone, piecewise, and inverted in closed form (see `Spline`). The density of one dimension can
    have several modes; an affine coupling only moves and widens a normal one. C. Durkan, A. Bekasov,
    I. Murray and G. Papamakarios, *Neural Spline Flows*, NeurIPS 2019.

    Departures: masks as RealNVP has them, no maps by LU between couplings; one scale, 5 bins (theirs: 4 to
    32) and dropout, for few and small images. The logit's α is 0.01: images stay within the bound.

    Args:
        event_shape: (C, H, W) for grey values in [0, 1], or (D,) for vectors of any real numbers.
        scales, couplings, hidden, depth, net: as of `RealNVP`.
        bins: K of each spline.
        bound: B, beyond which a spline is the identity.
        dropout: in the dense networks.
        alpha: of the logit that images pass (see `Logit`).

    Shapes: x and z ``(B, *event_shape)``; ``log_prob`` and ``log_det`` ``(B,)`` in nats.

    Raises:
        ValueError: a setting is out of range, a squeeze cannot halve the image, x not of this support.

    >>> model = SplineFlow((1, 4, 4), hidden=8)
    >>> x = model.sample(3)
    >>> z, log_det = model.encode(x)
    >>> z.shape, bool((model.decode(z) - x).abs().max() < 1e-3)
    (torch.Size([3, 1, 4, 4]), True)
    """

    title = "Spline flow"
    about = "couplings that bend (2019)"
    on_tree: ClassVar[bool] = False
    descends_from: ClassVar[type] = RealNVP
    fit_defaults = {"lr": 2e-3, "epochs": 40, "batch_size": 100, "clip": 50.0, "average": 0.99}
    fit_defaults |= {"schedule": "cosine"}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        scales: int = 1,
        couplings: int = 3,
        hidden: int = 128,
        depth: int = 2,
        net: str = "dense",
        bins: int = 5,
        bound: float = 5.0,
        dropout: float = 0.2,
        alpha: float = 0.01,
    ) -> None:
        check_count(bins, "SplineFlow: bins", low=2)
        check_number(bound, "SplineFlow: bound", low=0.1, high=1e3)
        check_number(dropout, "SplineFlow: dropout", low=0, high=0.99)
        network = partial(coupling_net, net, hidden=hidden, depth=depth, who="SplineFlow", dropout=dropout)

        def coupling(mask: Tensor) -> Step:
            return SplineCoupling(mask, network(mask.shape, 3 * bins - 1), bound)

        how = {"scales": scales, "couplings": couplings, "coupling": coupling, "who": "SplineFlow"}
        super().__init__(event_shape, partial(multi_scale, **how), alpha)

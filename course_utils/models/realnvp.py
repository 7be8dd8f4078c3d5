"""RealNVP: affine couplings over checkerboards and channels, at several scales."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.checks import check_count, check_events
from course_utils.models.couplings import (
    AffineCoupling,
    Shape,
    as_image,
    channel_mask,
    check_halvings,
    coupling_net,
    half_mask,
)
from course_utils.models.flow_steps import Chain, FactorOut, Inverse, Normal, Reshape, Squeeze, Step, to_real
from course_utils.taxonomy import Flow


class RealNVP(Flow):
    r"""Real-valued non-volume-preserving flow: affine couplings, multi-scale.

    Every coupling scales and shifts one part of the variables by functions of the other part,

        z_A = x_A,   z_B = x_B · exp(s(x_A)) + t(x_A),   log |det| = Σ s(x_A),

    with s bounded by a tanh. On images the parts are first the fields of a checkerboard; then 2×2 blocks
    become channels (squeeze) and the parts are halves of the channels; then half of the channels is done,
    and the rest goes on to the next, coarser scale. The prior is normal:

        log p(x) = log N(z; 0, I) + Σ over couplings of Σ s   (+ the logit's log |det| on images).

    L. Dinh, J. Sohl-Dickstein and S. Bengio, *Density estimation using Real NVP*, ICLR 2017. Without
    their batch normalisation: its statistics would tie each example's density to its batch.

    Args:
        event_shape: (C, H, W) for grey values in [0, 1], or (D,) for vectors of any real numbers.
        scales: how many, the first included; single pixels and vectors have one.
        couplings: per group of masks: 3 on the checkerboard, 3 on the channels; one more at the end.
        hidden: width of the networks.
        depth: hidden layers of each (dense), or residual blocks (conv).
        net: "dense", best on small images and vectors, or "conv", as in the paper.

    Shapes: x and z ``(B, *event_shape)``; ``log_prob`` and ``log_det`` ``(B,)`` in nats.

    Raises:
        ValueError: a setting is out of range, a squeeze cannot halve the height or width, or x is not of
            this shape and support.

    >>> model = RealNVP((1, 4, 4), hidden=8)
    >>> x = model.sample(3)
    >>> z, log_det = model.encode(x)
    >>> z.shape, bool((model.decode(z) - x).abs().max() < 1e-4)
    (torch.Size([3, 1, 4, 4]), True)
    """

    title = "RealNVP"
    about = "affine couplings at several scales (2017)"
    fit_defaults = {"lr": 2e-3, "epochs": 45, "batch_size": 100, "schedule": "cosine", "patience": 10}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        scales: int = 2,
        couplings: int = 3,
        hidden: int = 128,
        depth: int = 2,
        net: str = "dense",
    ) -> None:
        super().__init__(event_shape)
        check_count(scales, "RealNVP: scales")
        check_count(couplings, "RealNVP: couplings")
        self.support, enter = to_real(self.event_shape)
        shape = as_image(self.event_shape, "RealNVP")
        scales = 1 if shape[1:] == (1, 1) else scales
        check_halvings(shape, scales - 1, "RealNVP")

        def group(shape: Shape, mask: Callable[[Shape, int], Tensor], count: int) -> list[Step]:
            return [
                AffineCoupling(mask(shape, i % 2), coupling_net(net, shape, 2, hidden, depth, "RealNVP"))
                for i in range(count)
            ]

        def scale(shape: Shape, left: int) -> Step:
            if left == 1:
                return Chain(*group(shape, half_mask, couplings + 1))
            C, H, W = shape
            squeezed = (4 * C, H // 2, W // 2)
            rest = scale((2 * C, H // 2, W // 2), left - 1)
            fields, halves = group(shape, half_mask, couplings), group(squeezed, channel_mask, couplings)
            return Chain(*fields, Squeeze(), *halves, FactorOut(rest), Inverse(Squeeze()))

        view = Reshape(self.event_shape, shape)
        self.flow = Chain(enter, view, scale(shape, scales), Inverse(view))
        self.prior = Normal()

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.flow(x)

    def decode(self, z: Tensor) -> Tensor:
        """x = f⁻¹(z): ``(B, *event_shape)`` to the same.

        Raises:
            ValueError: z has the wrong shape, dtype or device, or is not finite.
        """
        z = check_events(z, self.event_shape, "real", like=self.reference, who="RealNVP.decode")
        return self.flow.inverse(z)

    def _log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self.flow(x)
        return self.prior.log_prob(z) + log_det

    def _sample(self, n: int, generator: torch.Generator | None) -> Tensor:
        return self.decode(self.prior.sample((n, *self.event_shape), self.reference, generator))

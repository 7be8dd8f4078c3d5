"""RealNVP: affine couplings over checkerboards and channels, at several scales."""

from functools import partial

from torch import Tensor

from course_utils.models.couplings import AffineCoupling, CouplingFlow, coupling_net, multi_scale
from course_utils.models.flow_steps import Step


class RealNVP(CouplingFlow):
    r"""Real-valued non-volume-preserving flow: affine couplings, multi-scale.

    Every coupling scales and shifts one part of the variables by functions of the other part,

        z_A = x_A,   z_B = x_B · exp(s(x_A)) + t(x_A),   log |det| = Σ s(x_A),

    with s bounded by a tanh. On images the parts are first the fields of a checkerboard; then 2×2 blocks
    become channels (squeeze) and the parts are halves of the channels; then half of the channels is done,
    and the rest goes on to the next, coarser scale. The prior is normal:

        log p(x) = log N(z; 0, I) + Σ over couplings of Σ s   (+ the logit's log |det| on images).

    L. Dinh, J. Sohl-Dickstein and S. Bengio, *Density estimation using Real NVP*, ICLR 2017.

    Departures: no batch normalisation, whose statistics would tie each example's density to its batch; nor
    weight normalisation and L2 penalties. The bound of s is fixed (theirs is learned), the logit's α 1e-6
    (theirs 0.05). Dense networks and 2 scales suit 8×8 pixels; ``net="conv"`` gives residual ones, as theirs.

    Args:
        event_shape: (C, H, W) for grey values in [0, 1], or (D,) for vectors of any real numbers.
        scales: how many, the first included; single pixels and vectors have one.
        couplings: per group of masks: 3 on the checkerboard, 3 on the channels; one more at the end.
        hidden: width of the networks.
        depth: hidden layers of each (dense), or residual blocks (conv).
        net: "dense", best on small images and vectors, or "conv", as in the paper.

    Shapes: x and z ``(B, *event_shape)``; ``log_prob`` and ``log_det`` ``(B,)`` in nats.

    Raises:
        ValueError: a setting is out of range, a squeeze cannot halve the image, x not of this support.

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
        network = partial(coupling_net, net, hidden=hidden, depth=depth, who="RealNVP")

        def coupling(mask: Tensor) -> Step:
            return AffineCoupling(mask, network(mask.shape, 2))

        how = {"scales": scales, "couplings": couplings, "coupling": coupling, "who": "RealNVP"}
        super().__init__(event_shape, partial(multi_scale, **how))

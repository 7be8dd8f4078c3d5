"""NICE: a flow of additive couplings, which moves points without changing any volume."""

from functools import partial

import torch
from torch import Tensor, nn

from course_utils.checks import check_count
from course_utils.models.couplings import AdditiveCoupling, CouplingFlow, Shape, coupling_net, half_mask
from course_utils.models.flow_steps import Logistic, Step


class Scaling(Step):
    """z_i = x_i · exp(s_i), log |det| = Σ s_i: the only step of NICE that changes volume."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z, and Σ s for every example."""
        return x * self.log_scale.exp(), self.log_scale.sum().expand(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        """x_i = z_i · exp(−s_i)."""
        return z * (-self.log_scale).exp()


class NICE(CouplingFlow):
    r"""Non-linear independent components estimation: additive couplings and one scale per dimension.

    Every coupling adds to one half of the variables a network's function of the other half,

        z_A = x_A,   z_B = x_B + t(x_A),

    so that its Jacobian is triangular with ones on the diagonal: log |det| = 0, whatever t is. The halves
    take turns; at the end z_i is scaled by exp(s_i), and the prior is logistic:

        log p(x) = Σ_i log p_logistic(z_i) + Σ_i s_i   (+ the logit's log |det| on images).

    L. Dinh, D. Krueger and Y. Bengio, *NICE: Non-linear Independent Components Estimation*, ICLR workshop
    2015.

    Departures: grey values pass a counted logit; the halves of an image are the fields of a checkerboard, for
    the paper's odd and even pixels; networks are sized for 8×8 (there: five layers of 1000), SiLU for ReLU.

    Args:
        event_shape: (C, H, W) for grey values in [0, 1], or (D,) for vectors of any real numbers.
        hidden: width of the networks t.
        depth: hidden layers of each.
        couplings: how many, at least 2, so that every variable moves.
        net: "dense" or "conv" (images only).
        patch: side of the squares of pixels that "conv" reads, and writes, as one place; it divides H and W.

    Shapes: x and z ``(B, *event_shape)``; ``log_prob`` and ``log_det`` ``(B,)`` in nats.

    Raises:
        ValueError: a setting is out of range, or x not of this shape and support.

    >>> model = NICE((1, 4, 4), hidden=8)
    >>> x = model.sample(3)
    >>> z, log_det = model.encode(x)
    >>> z.shape, bool((model.decode(z) - x).abs().max() < 1e-4)
    (torch.Size([3, 1, 4, 4]), True)
    """

    title = "NICE"
    about = "additive couplings: a flow that keeps volume (2015)"
    fit_defaults = {"lr": 2e-3, "epochs": 50, "batch_size": 100, "schedule": "cosine", "patience": 10}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        hidden: int = 256,
        depth: int = 2,
        couplings: int = 4,
        net: str = "dense",
        patch: int = 1,
    ) -> None:
        check_count(couplings, "NICE: couplings", low=2)  # so that every variable moves
        network = partial(coupling_net, net, hidden=hidden, depth=depth, who="NICE", patch=patch)

        def steps(shape: Shape) -> list[Step]:
            nets = [network(shape, 1) for _ in range(couplings)]
            moves = [AdditiveCoupling(half_mask(shape, i % 2), t) for i, t in enumerate(nets)]
            return [*moves, Scaling(shape)]

        super().__init__(event_shape, steps)
        self.prior = Logistic()

"""Coupling layers, of which one half, unchanged, decides how the other half moves; and flows made of them.

With a mask m of ones and zeros, z = m·x + (1 − m)·(…): the Jacobian is triangular whatever the network
does, so that its determinant is the product of a diagonal, and inverting takes one pass.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import ClassVar

import torch
from torch import Tensor, nn

from course_utils.checks import check_choice, check_count
from course_utils.models.flow_steps import Chain, FactorOut, Normal, Squeezed, Step, no_change, to_real
from course_utils.nets import layers, residual_net, zero
from course_utils.taxonomy import Flow

Shape = tuple[int, int, int]


class CouplingFlow(Flow):
    """What NICE, RealNVP and Glow share: a chain of steps from data to noise, each with its log |det|.

    Vectors (D,) are seen as D channels of one pixel. Images (C, H, W) pass a counted `Logit` first, so that
    next to no mass leaves [0, 1]; the papers' networks saw pixels as they are, or a logit with α = 0.05.

    Args:
        event_shape: (C, H, W) for grey values in [0, 1], or (D,) for vectors of any real numbers.
        steps: what makes the steps, given the shape (C, H, W).
        alpha: of the logit.
    """

    on_tree: ClassVar[bool] = False

    def __init__(
        self, event_shape: tuple[int, ...], steps: Callable[[Shape], Sequence[Step]], alpha: float = 1e-6
    ) -> None:
        super().__init__(event_shape)
        self.support, enter = to_real(self.event_shape, alpha)
        shape = (*self.event_shape, 1, 1) if len(self.event_shape) == 1 else self.event_shape
        if len(shape) != 3 or self.dims < 2:
            who = f"{type(self).__name__}: expected event_shape (C, H, W) or (D,)"
            raise ValueError(f"{who} with at least 2 elements, got {self.event_shape}")
        self.shape, self.flow, self.prior = shape, Chain(enter, *steps(shape)), Normal()

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z, log_det = self.flow(x.reshape(-1, *self.shape))
        return z.reshape(x.shape), log_det

    def _decode(self, z: Tensor) -> Tensor:
        return self.flow.inverse(z.reshape(-1, *self.shape)).reshape(z.shape)


class Coupling(Step):
    """One half of the variables is kept, and read by a network that decides how the other half moves.

    Args:
        mask: ones where x is kept and read, zeros where it moves; (C, H, W).
        net: on ``(B, C, H, W)``.
    """

    mask: Tensor

    def __init__(self, mask: Tensor, net: nn.Module) -> None:
        super().__init__()
        self.register_buffer("mask", mask)
        self.net = net


class AdditiveCoupling(Coupling):
    """z = x + (1 − m)·t(m·x): volume is preserved, log |det| = 0 (Dinh, Krueger & Bengio 2015)."""

    def shift(self, kept: Tensor) -> Tensor:
        """(1 − m)·t(m·x)."""
        return (1 - self.mask) * self.net(self.mask * kept)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z, and exactly 0."""
        return x + self.shift(x), no_change(x)

    def inverse(self, z: Tensor) -> Tensor:
        """x = z − (1 − m)·t(m·z), since m·z = m·x."""
        return z - self.shift(z)


class AffineCoupling(Coupling):
    """z = m·x + (1 − m)·(x·exp(s(m·x)) + t(m·x)), log |det| = Σ (1 − m)·s (Dinh et al. 2017).

    The network gives 2C channels, the raw s and t. s = b·tanh(·/b) is bounded by b, so that no coordinate is
    stretched or shrunk by more than e^b.
    """

    def __init__(self, mask: Tensor, net: nn.Module, bound: float = 3.0) -> None:
        super().__init__(mask, net)
        self.bound = bound

    def scale_and_shift(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """(1 − m)·s and (1 − m)·t."""
        raw, t = self.net(self.mask * kept).chunk(2, 1)
        return (1 - self.mask) * self.bound * torch.tanh(raw / self.bound), (1 - self.mask) * t

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z, and the sum of s over what moved."""
        s, t = self.scale_and_shift(x)
        return x * s.exp() + t, s.flatten(1).sum(1)

    def inverse(self, z: Tensor) -> Tensor:
        """x = (z − t)·exp(−s) where x moved."""
        s, t = self.scale_and_shift(z)
        return (z - t) * (-s).exp()


def half_mask(shape: Shape, parity: int) -> Tensor:
    """A checkerboard where there are pixels, halves of the channels where there is only one."""
    return (checkerboard_mask if shape[1] * shape[2] > 1 else channel_mask)(shape, parity)


def checkerboard_mask(shape: Shape, parity: int) -> Tensor:
    """Ones where row + column is even (parity 0) or odd (parity 1): (C, H, W)."""
    _, height, width = shape
    board = (torch.arange(height)[:, None] + torch.arange(width) + parity + 1) % 2
    return board.float().expand(shape).clone()


def channel_mask(shape: Shape, parity: int) -> Tensor:
    """Ones in the first half of the channels (parity 0) or in the rest (parity 1): (C, H, W)."""
    first = (torch.arange(shape[0]) < shape[0] // 2).float()
    return (first if parity == 0 else 1 - first)[:, None, None].expand(shape).clone()


def multi_scale(
    shape: Shape, scales: int, couplings: int, coupling: Callable[[Tensor], Step], who: str
) -> list[Step]:
    """The steps of Dinh et al. 2017: couplings by a checkerboard, by channels, and half goes a scale deeper.

    Args:
        shape: (C, H, W); single pixels have one scale.
        scales: how many, the first included.
        couplings: of each kind at each scale; one more at the last.
        coupling: makes one from its mask (C, H, W).
        who: is named in the ValueError of an image that cannot be halved.
    """
    check_count(scales, f"{who}: scales")
    check_count(couplings, f"{who}: couplings")
    scales = 1 if shape[1:] == (1, 1) else scales
    check_halvings(shape, scales - 1, who)
    C, H, W = shape
    if scales == 1:
        return [coupling(half_mask(shape, i % 2)) for i in range(couplings + 1)]
    rest = Chain(*multi_scale((2 * C, H // 2, W // 2), scales - 1, couplings, coupling, who))
    fields = [coupling(half_mask(shape, i % 2)) for i in range(couplings)]
    halves = [coupling(channel_mask((4 * C, H // 2, W // 2), i % 2)) for i in range(couplings)]
    return [*fields, Squeezed(*halves, FactorOut(rest))]


def coupling_net(
    kind: str,
    shape: Sequence[int],
    multiple: int,
    *,
    hidden: int,
    depth: int,
    who: str,
    dropout: float = 0.0,
    patch: int = 1,
) -> nn.Module:
    """A network from ``(B, C, H, W)`` to ``(B, multiple·C, H, W)`` that starts as the constant 0.

    Of the kind "dense", linear layers on all pixels at once, best on small images and points; or "conv", a
    ``residual_net``, for large ones. ``depth`` counts hidden layers, or residual blocks. Dropout is for dense
    ones, ``patch`` for convolutional ones.
    """
    check_choice(kind, f"{who}: net", ("dense", "conv"))
    check_count(hidden, f"{who}: hidden")
    check_count(depth, f"{who}: depth")
    divides = all(side % check_count(patch, f"{who}: patch") == 0 for side in shape[1:])
    if not divides or (kind == "dense" and patch > 1):
        want = f"a patch that divides {shape[1]}×{shape[2]}, for a 'conv' net"
        raise ValueError(f"{who}: expected {want}, got {patch} for {kind!r}")
    if kind == "conv":
        return residual_net(shape[0], multiple * shape[0], hidden=hidden, blocks=depth, patch=patch)
    dense = layers([prod(shape), *[hidden] * depth, multiple * prod(shape)], dropout)
    zero(dense[-1])
    return nn.Sequential(nn.Flatten(), *dense, nn.Unflatten(1, (multiple * shape[0], *shape[1:])))


def check_halvings(shape: Shape, times: int, who: str) -> None:
    """Raise a ValueError unless squeezes can halve height and width this often."""
    _, height, width = shape
    if height % 2**times or width % 2**times:
        raise ValueError(
            f"{who}: expected height and width divisible by {2**times}, to be halved {times} times, "
            f"got {height}×{width}: use fewer scales"
        )

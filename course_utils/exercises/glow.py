"""The exercises of notebook 14: Glow's steps, and the way between two images."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds

# Factors ±1, as of a permutation: no volume changes; then both signs, on images of several sizes
ROTATIONS: Cases = {"factors ±1": (torch.tensor([1.0, -1.0, 1.0]), 4, 4)}
DIAGONALS: Cases = {
    "a doubled channel on one pixel": (torch.tensor([2.0, 1.0, 1.0]), 1, 1),
    "negative factors on 2×3 pixels": (torch.tensor([-0.5, 2.0, -3.0]), 2, 3),
    "4 channels of 4×4 pixels": (torch.tensor([1.5, 0.7, -1.1, 0.9]), 4, 4),
}

# Channels, images and pixels that differ in mean and in spread
NOISE = torch.randn(6, 3, 4, 2, generator=torch.Generator().manual_seed(0))
SHIFTS = (
    torch.arange(6.0).view(6, 1, 1, 1) + torch.tensor([-3.0, 0.0, 5.0])[:, None, None] + torch.arange(2.0)
)
BATCH: Cases = {"3 channels": (NOISE * torch.tensor([0.5, 2.0, 4.0])[:, None, None] + SHIFTS,)}

ENDS = torch.tensor([[0.0, 1.0, -2.0], [4.0, 1.0, 2.0]]).unbind()


@exercise(
    "det W = det P · det L · det(U + diag s), and |det P| = det L = 1.",
    "A triangular matrix has the product of its diagonal: |det W| = Π |s|, at every pixel.",
    "In code: height * width * s.abs().log().sum().",
    agrees(ROTATIONS, says="it is 0 where no volume changes"),
    agrees(DIAGONALS),
)
def conv_log_det(s: Tensor, height: int, width: int) -> Tensor:
    """log |det| of a 1×1 convolution W = P L (U + diag s) over height × width pixels, a scalar."""
    return height * width * s.abs().log().sum()


@exercise(
    "A channel has one mean and one standard deviation, over all images and pixels of the batch.",
    "Average over the axes 0, 2 and 3; keepdim=True makes the result fit again.",
    "In code: (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True, correction=0).",
    holds(
        "every channel has mean 0",
        lambda z, x: bool(z.mean((0, 2, 3)).abs().max() < 1e-4),
        "channels with mean 0",
        BATCH,
    ),
    agrees(BATCH, says="every channel has variance 1, and nothing else has changed", tolerance=0.05),
)
def normalise_channels(x: Tensor) -> Tensor:
    """``(B, C, H, W)`` shifted and scaled to mean 0 and variance 1 in every channel."""
    mean = x.mean((0, 2, 3), keepdim=True)
    std = x.std((0, 2, 3), keepdim=True, correction=0)
    return (x - mean) / std


@exercise(
    "At t = 0 it is z_a, at t = 1 it is z_b.",
    "Start at z_a and go the share t of the way z_b − z_a.",
    "In code: (1 - t) * z_a + t * z_b.",
    agrees({f"t = {t:g}": (*ENDS, t) for t in (0.0, 1.0)}, says="it starts at z_a and ends at z_b"),
    agrees({f"t = {t:g}": (*ENDS, t) for t in (0.25, 0.8)}),
)
def between(z_a: Tensor, z_b: Tensor, t: float) -> Tensor:
    """The point at t on the straight line from z_a (t = 0) to z_b (t = 1)."""
    return (1 - t) * z_a + t * z_b

"""Convolutional networks of residual blocks."""

from torch import Tensor, nn

from course_utils.checks import check_count
from course_utils.nets.dense import zero


class ResidualBlock(nn.Module):
    """h + two 3×3 convolutions of h, each after a SiLU (He et al. 2016, *Identity Mappings*).

    Shapes: ``(B, channels, H, W)`` to the same.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, h: Tensor) -> Tensor:
        """h plus its correction."""
        return h + self.layers(h)


class ResidualNet(nn.Module):
    """A 3×3 convolution, residual blocks, a 3×3 convolution; sizes stay as they are.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        hidden: channels between.
        blocks: how many residual blocks.
        zero_last: start with the last layer at 0, so that the network starts as the constant 0.

    Shapes: ``(B, inputs, H, W)`` to ``(B, outputs, H, W)``.

    Raises:
        ValueError: a size is not a positive integer.

    >>> import torch
    >>> ResidualNet(1, 2, hidden=4)(torch.zeros(1, 1, 8, 8)).shape
    torch.Size([1, 2, 8, 8])
    """

    def __init__(
        self, inputs: int, outputs: int, *, hidden: int = 32, blocks: int = 2, zero_last: bool = False
    ) -> None:
        super().__init__()
        for size in (inputs, outputs, hidden, blocks):
            check_count(size, "ResidualNet: sizes")
        last = nn.Conv2d(hidden, outputs, 3, padding=1)
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, hidden, 3, padding=1),
            *(ResidualBlock(hidden) for _ in range(blocks)),
            nn.SiLU(),
            last,
        )
        if zero_last:
            zero(last)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, H, W)``."""
        return self.layers(x)

"""Networks from an event to a vector and back, dense or convolutional, given a condition or not.

A condition is a vector ``(B, K)`` such as a class in one-hot form; K = 0: none.
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, one_hot

from course_utils.nets.dense import layers
from course_utils.nets.residual import ResidualBlock

SMALLEST = 4


def one_hot_classes(y: Tensor | None, classes: int | None, like: Tensor) -> Tensor:
    """Classes as a condition: one-hot, ``(B, classes)``; without classes ``(B, 0)``.

    >>> one_hot_classes(torch.tensor([1]), 3, torch.zeros(1, 5)).tolist()
    [[0.0, 1.0, 0.0]]
    """
    return like.new_zeros(len(like), 0) if y is None else one_hot(y, classes or -1).to(like.dtype)


class Dense(nn.Module):
    """Flattened, with the condition behind it, through linear layers, and into another shape.

    Shapes: ``(B, *before)`` and ``(B, K)`` to ``(B, *after)``.

    >>> Dense((1, 2, 2), (3,), hidden=[5])(torch.zeros(7, 1, 2, 2), torch.zeros(7, 0)).shape
    torch.Size([7, 3])
    """

    def __init__(
        self,
        before: tuple[int, ...],
        after: tuple[int, ...],
        *,
        hidden: Sequence[int],
        condition: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.layers = layers([prod(before) + condition, *hidden, prod(after)], dropout)
        self.after = after

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """``(B, *before)`` to ``(B, *after)``."""
        return self.layers(torch.cat([x.flatten(1), condition], 1)).unflatten(1, self.after)


def halvings(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes from the image down, each half of the last rounded up, until no side is above 4.

    >>> halvings(28, 28)
    [(28, 28), (14, 14), (7, 7), (4, 4)]
    """
    sizes = [(height, width)]
    while max(sizes[-1]) > SMALLEST:
        height, width = -(-height // 2), -(-width // 2)
        sizes.append((height, width))
    return sizes


class ConvEncoder(nn.Module):
    """Convolutions with stride 2 and residual blocks down to 4×4 at most, then one linear map.

    The condition joins as constant channels.

    Shapes: ``(B, C, H, W)`` and ``(B, K)`` to ``(B, outputs)``.

    >>> ConvEncoder((3, 9, 5), 2, hidden=4)(torch.zeros(6, 3, 9, 5), torch.zeros(6, 0)).shape
    torch.Size([6, 2])
    """

    def __init__(
        self, event_shape: tuple[int, ...], outputs: int, *, hidden: int, condition: int = 0
    ) -> None:
        super().__init__()
        sizes = halvings(*event_shape[1:])
        down: list[nn.Module] = [nn.Conv2d(event_shape[0] + condition, hidden, 3, padding=1)]
        for _ in sizes[1:]:
            down += [nn.SiLU(), nn.Conv2d(hidden, hidden, 3, stride=2, padding=1), ResidualBlock(hidden)]
        self.down = nn.Sequential(*down, nn.SiLU())
        self.last = nn.Linear(hidden * prod(sizes[-1]), outputs)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, outputs)``."""
        planes = condition[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.last(self.down(torch.cat([x, planes], 1)).flatten(1))


class ConvDecoder(nn.Module):
    """The way back: a linear map to 4×4 at most, then residual blocks, doubling and convolutions.

    Shapes: ``(B, inputs)`` and ``(B, K)`` to ``(B, C, H, W)``.

    >>> ConvDecoder(2, (3, 9, 5), hidden=4)(torch.zeros(6, 2), torch.zeros(6, 0)).shape
    torch.Size([6, 3, 9, 5])
    """

    def __init__(self, inputs: int, event_shape: tuple[int, ...], *, hidden: int, condition: int = 0) -> None:
        super().__init__()
        self.sizes = halvings(*event_shape[1:])[::-1]
        self.first = nn.Linear(inputs + condition, hidden * prod(self.sizes[0]))
        self.up = nn.ModuleList(
            nn.Sequential(ResidualBlock(hidden), nn.SiLU(), nn.Conv2d(hidden, hidden, 3, padding=1))
            for _ in self.sizes[1:]
        )
        self.last = nn.Sequential(nn.SiLU(), nn.Conv2d(hidden, event_shape[0], 3, padding=1))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """``(B, inputs)`` to ``(B, C, H, W)``."""
        h = self.first(torch.cat([z, condition], 1)).unflatten(1, (-1, *self.sizes[0]))
        for block, size in zip(self.up, self.sizes[1:], strict=True):
            h = block(interpolate(h, size))
        return self.last(h)

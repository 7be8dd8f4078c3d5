"""Linear and convolutional networks: from an event to a vector and back, given a condition or not.

A condition is a vector ``(B, K)`` such as a class in one-hot form; K = 0: none.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, one_hot

from course_utils.checks import check_count, check_sizes

Network = Literal["dense", "convolutional"]
SMALLEST = 4
CHANNELS = 32


def layers(sizes: Sequence[int], dropout: float = 0.0) -> nn.Sequential:
    """Linear layers of these sizes with SiLU between; two sizes make one linear map."""
    parts: list[nn.Module] = []
    for before, after in pairwise(sizes):
        parts += [nn.Linear(before, after), nn.SiLU()] + [nn.Dropout(dropout)] * (dropout > 0)
    return nn.Sequential(*parts[: -1 - (dropout > 0)])


def zero(layer: nn.Module) -> None:
    """Set the weights and biases of a layer to 0: it then starts as the constant 0."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class ResidualBlock(nn.Module):
    """h + two 3×3 convolutions of h, each after a SiLU (He et al. 2016, *Identity Mappings*)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        convolution = partial(nn.Conv2d, channels, channels, 3, padding=1)
        self.layers = nn.Sequential(nn.SiLU(), convolution(), nn.SiLU(), convolution())

    def forward(self, h: Tensor) -> Tensor:
        """``(B, channels, H, W)`` to the same."""
        return h + self.layers(h)


def residual_net(inputs: int, outputs: int, *, hidden: int, blocks: int, patch: int = 1) -> nn.Sequential:
    """A 3×3 convolution, residual blocks, a 3×3 convolution that starts at 0; sizes stay as they are.

    With a patch p, the p×p pixels of a place are read, and written, as channels: it sees p times as far, and
    has p² times fewer places to look at.
    """
    last = nn.Conv2d(hidden, outputs * patch**2, 3, padding=1)
    first = nn.Conv2d(inputs * patch**2, hidden, 3, padding=1)
    zero(last)
    net = nn.Sequential(first, *(ResidualBlock(hidden) for _ in range(blocks)), nn.SiLU(), last)
    return net if patch == 1 else nn.Sequential(nn.PixelUnshuffle(patch), *net, nn.PixelShuffle(patch))


def one_hot_classes(y: Tensor | None, classes: int | None, like: Tensor) -> Tensor:
    """Classes as a condition: one-hot, ``(B, classes)``; without classes ``(B, 0)``."""
    return like.new_zeros(len(like), 0) if y is None else one_hot(y, classes or -1).to(like.dtype)


class Dense(nn.Module):
    """Flattened, with the condition behind it, through linear layers, and into another shape."""

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
        """``(B, *before)`` and ``(B, K)`` to ``(B, *after)``."""
        return self.layers(torch.cat([x.flatten(1), condition], 1)).unflatten(1, self.after)


def halvings(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes from the image down, each half of the last rounded up, until no side is above 4."""
    sizes = [(height, width)]
    while max(sizes[-1]) > SMALLEST:
        height, width = -(-height // 2), -(-width // 2)
        sizes.append((height, width))
    return sizes


class ConvEncoder(nn.Module):
    """Convolutions with stride 2 and residual blocks down to 4×4 at most, then one linear map.

    The condition joins as constant channels.
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
        """``(B, C, H, W)`` and ``(B, K)`` to ``(B, outputs)``."""
        planes = condition[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.last(self.down(torch.cat([x, planes], 1)).flatten(1))


class ConvDecoder(nn.Module):
    """The way back: a linear map to 4×4 at most, then residual blocks, doubling and convolutions."""

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
        """``(B, inputs)`` and ``(B, K)`` to ``(B, C, H, W)``."""
        h = self.first(torch.cat([z, condition], 1)).unflatten(1, (-1, *self.sizes[0]))
        for block, size in zip(self.up, self.sizes[1:], strict=True):
            h = block(interpolate(h, size))
        return self.last(h)


def coders(
    who: str,
    shape: tuple[int, ...],
    latent: int,
    outputs: int,
    network: str,
    hidden: Sequence[int] | int | None,
    sizes: Sequence[int],
    classes: int | None,
    dropout: float = 0.0,
) -> tuple[Callable[[], nn.Module], Callable[[], nn.Module]]:
    """What makes an encoder, events to ``outputs`` numbers, and a decoder, ``latent`` numbers to events.

    Dense: ``hidden`` are the sizes of the encoder's hidden layers (None: ``sizes``), in the decoder reversed.
    Convolutional: it is the number of channels (None: 32), and there is no dropout.

    Raises:
        ValueError: the network is neither, convolutional for no images (C, H, W), or a size is none.
    """
    if network not in ("dense", "convolutional") or (network == "convolutional" and len(shape) != 3):
        want = "'dense' or, for images (C, H, W), 'convolutional'"
        raise ValueError(f"{who}: expected network as {want}, got {network!r} on {shape}")
    if network == "convolutional":
        channels = check_count(CHANNELS if hidden is None else hidden, f"{who}: hidden")
        conv = {"hidden": channels, "condition": classes or 0}
        return partial(ConvEncoder, shape, outputs, **conv), partial(ConvDecoder, latent, shape, **conv)
    sizes = check_sizes(sizes if hidden is None else hidden, f"{who}: hidden")
    dense = partial(Dense, condition=classes or 0, dropout=dropout)
    decoder = partial(dense, (latent,), shape, hidden=sizes[::-1])
    return partial(dense, shape, (outputs,), hidden=sizes), decoder

"""Stacks of masked convolutions: the residual one with its blind spot, and the gated pair without."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.nets.masked_conv import Kind, MaskedConv2d, Runner, whole


class Condition(NamedTuple):
    """What an image is conditioned on: classes ``(B,)`` and feature maps ``(B, channels, H, W)``."""

    y: Tensor | None = None
    maps: Tensor | None = None

    def rows(self, first: int, count: int) -> "Condition":
        """The same for some rows of the image."""
        return Condition(self.y, None if self.maps is None else self.maps[:, :, first : first + count])


class Widths(NamedTuple):
    """The sizes that the layers of a stack share."""

    colours: int  # C, the channels of the image
    hidden: int  # h, the channels of the layers
    kernel: int = 3  # side of their kernels, odd
    classes: int | None = None  # the number of classes y; None: no classes
    maps: int | None = None  # the channels of the feature maps of a condition; None: no maps
    dropout: float = 0.0  # the share of feature maps left out in training


class CausalStack(nn.Module, ABC):
    """Features that see only pixels before their own: ``(B, C, H, W)`` to ``(B, features, H, W)``.

    What depends on a condition and on whole rows above can be computed a row at a time (``rows``), the rest a
    pixel at a time (``columns``): so a ``Scan`` can draw images. Where a pixel is matters as much as what
    stands around it, so each of the places (height, width) has a bias of its own. The margin are empty
    columns at the right of the image.
    """

    features: int

    def __init__(self, places: tuple[int, int], channels: int, margin: int = 0) -> None:
        super().__init__()
        self.margin = margin
        self.places = nn.Parameter(torch.zeros(1, channels, places[0], places[1] + margin))

    @abstractmethod
    def rows(self, x: Tensor, condition: Condition, run: Runner, row: int = 0) -> list[Tensor]:
        """What is known of the rows of x, from the given one on, before any of their pixels: maps as wide."""

    @abstractmethod
    def columns(self, x: Tensor, above: Sequence[Tensor], run: Runner) -> Tensor:
        """The features at the places of x, given those of ``rows`` there."""

    def forward(self, x: Tensor, condition: Condition | None = None, run: Runner = whole) -> Tensor:
        """Features of an image ``(B, C, H, W)``, given a condition if the stack was built for one."""
        wide = F.pad(x, (0, self.margin))
        above = self.rows(wide, condition or Condition(), run)
        return self.columns(wide, above, run)[..., : x.shape[-1]]


class Shift(nn.Module):
    """What a condition adds to a layer: a bias for each class, and a 1×1 convolution of the maps."""

    def __init__(self, widths: Widths, channels: int) -> None:
        super().__init__()
        self.table = None if widths.classes is None else nn.Embedding(widths.classes, channels)
        self.look = None if widths.maps is None else nn.Conv2d(widths.maps, channels, 1, bias=False)

    def forward(self, condition: Condition, like: Tensor) -> Tensor:
        """Maps ``(B, channels, H, W)`` for x like this one; without a condition zeros, ``(1, 1, H, W)``."""
        shift = like.new_zeros(1, 1, 1, 1)
        if self.table is not None:
            shift = shift + self.table(condition.y)[:, :, None, None]
        if self.look is not None:
            shift = shift + self.look(condition.maps)
        return shift.expand(-1, -1, *like.shape[2:])


class ResidualBlock(nn.Module):
    """x + 1×1(k×k(1×1(x))), all masked, through half the channels (van den Oord et al. 2016a)."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        hidden, colours = widths.hidden, widths.colours
        self.narrow = MaskedConv2d(2 * hidden, hidden, 1, "B", colours=colours)
        self.look = MaskedConv2d(hidden, hidden, widths.kernel, "B", colours=colours)
        self.widen = MaskedConv2d(hidden, 2 * hidden, 1, "B", colours=colours)
        self.shift, self.dropout = Shift(widths, hidden), nn.Dropout2d(widths.dropout)

    def forward(self, x: Tensor, shift: Tensor, run: Runner) -> Tensor:
        """``(B, 2·hidden, H, W)`` to the same shape."""
        h = run(self.look, F.relu(run(self.narrow, F.relu(x))))
        return x + run(self.widen, self.dropout(F.relu(h + shift)))


class ResidualStack(CausalStack):
    """A first layer of kind A, then residual blocks of kind B: simple, but with a blind spot.

    Every convolution looks at most as far to the right as it looks up, so pixels above that lie further to
    the right than up never reach the output, however many layers there are. The first layer leads from C to
    2h channels, which all blocks, ``block(x, shift, run)``, keep.
    """

    def __init__(
        self, places: tuple[int, int], first: MaskedConv2d, blocks: Sequence[nn.Module], margin: int = 0
    ) -> None:
        super().__init__(places, first.out_channels, margin)
        self.features, self.first = first.out_channels, first
        self.blocks: Any = nn.ModuleList(blocks)

    def rows(self, x: Tensor, condition: Condition, run: Runner, row: int = 0) -> list[Tensor]:
        """The biases of the places, and what the condition adds to each block."""
        shifts = [block.shift(condition, x) for block in self.blocks]
        return [self.places[:, :, row : row + x.shape[2]], *shifts]

    def columns(self, x: Tensor, above: Sequence[Tensor], run: Runner) -> Tensor:
        """The features at the places of x."""
        h = run(self.first, x) + above[0]
        for block, shift in zip(self.blocks, above[1:], strict=True):
            h = block(h, shift, run)
        return h


class GatedLayer(nn.Module):
    """One layer of the two stacks: v looks at rows above, h looks left and reads v.

    Each is gated, tanh(a) · σ(b) for two halves of the channels; h is residual from its second layer on.
    """

    def __init__(self, channels: int, kernel: int, kind: Kind, widths: Widths) -> None:
        super().__init__()
        hidden, both = widths.hidden, partial(MaskedConv2d, colours=widths.colours, copies=2)
        self.down = both(channels, 2 * hidden, kernel, kind, vertical=True)
        self.across = both(channels, 2 * hidden, (1, kernel), kind)
        self.link = nn.Conv2d(2 * hidden, 2 * hidden, 1)  # no mask: every colour of the rows above is past
        self.out = MaskedConv2d(hidden, hidden, 1, "B", colours=widths.colours)
        self.shift_v, self.shift_h = Shift(widths, 2 * hidden), Shift(widths, 2 * hidden)
        self.residual, self.dropout = kind == "B", nn.Dropout2d(widths.dropout)

    def vertical(self, v: Tensor, condition: Condition, run: Runner) -> tuple[Tensor, Tensor]:
        """The next v, and what it and the condition add to h."""
        wide = run(self.down, v) + self.shift_v(condition, v)
        return gate(wide), self.link(wide) + self.shift_h(condition, v)

    def horizontal(self, h: Tensor, above: Tensor, run: Runner) -> Tensor:
        """The next h."""
        new = run(self.out, self.dropout(gate(run(self.across, h) + above)))
        return h + new if self.residual else new


def gate(x: Tensor) -> Tensor:
    """tanh(a) · σ(b), where a and b are the two halves of the channels of x."""
    a, b = x.chunk(2, 1)
    return torch.tanh(a) * torch.sigmoid(b)


class GatedStack(CausalStack):
    """Two stacks of gated layers, one for the rows above and one for the own row: no blind spot.

    The vertical stack sees all of the rows above it, growing with depth, in a square instead of a
    triangle; the horizontal stack adds what lies to the left (van den Oord et al. 2016b).
    """

    def __init__(self, places: tuple[int, int], first_kernel: int, blocks: int, widths: Widths) -> None:
        super().__init__(places, 2 * widths.hidden)
        self.features = widths.hidden
        layers = [GatedLayer(widths.colours, first_kernel, "A", widths)]
        layers += [GatedLayer(widths.hidden, widths.kernel, "B", widths) for _ in range(blocks)]
        self.layers: Any = nn.ModuleList(layers)

    def rows(self, x: Tensor, condition: Condition, run: Runner, row: int = 0) -> list[Tensor]:
        """What the vertical stack adds to each layer of the horizontal one; to the first, places do too."""
        v, above = x, []
        for layer in self.layers:
            v, link = layer.vertical(v, condition, run)
            above.append(link)
        above[0] = above[0] + self.places[:, :, row : row + x.shape[2]]
        return above

    def columns(self, x: Tensor, above: Sequence[Tensor], run: Runner) -> Tensor:
        """The features at the places of x."""
        h = x
        for layer, link in zip(self.layers, above, strict=True):
            h = layer.horizontal(h, link, run)
        return h

"""Stacks of masked convolutions: the residual one with its blind spot, and the gated pair without."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.nets.masked_conv import MaskedConv2d, Run, whole


class CausalStack(nn.Module, ABC):
    """Features that see only pixels before their own: ``(B, C, H, W)`` to ``(B, features, H, W)``.

    What depends on whole rows above can be computed a row at a time (``rows``), the rest a pixel at a time
    (``columns``): so a ``Scan`` can draw images. Where a pixel is matters as much as what stands around
    it, so each place has a bias of its own.

    Args:
        places: height and width of the image.
        width: the channels of the biases.
    """

    features: int

    def __init__(self, places: tuple[int, int], width: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.zeros(1, width, *places))

    def rows(self, x: Tensor, y: Tensor | None, run: Run, row: int = 0) -> list[Tensor]:
        """What is known of the rows of x, from the given one on, before any of their pixels."""
        return [self.places[:, :, row : row + x.shape[2]]]

    @abstractmethod
    def columns(self, x: Tensor, above: list[Tensor], y: Tensor | None, run: Run) -> Tensor:
        """The features at the places of x, given those of ``rows`` there."""

    def forward(self, x: Tensor, y: Tensor | None = None, run: Run = whole) -> Tensor:
        """Features of an image ``(B, C, H, W)``, of classes y ``(B,)`` if the stack has any."""
        return self.columns(x, self.rows(x, y, run), y, run)


class Shift(nn.Module):
    """A bias for each class, added to every place: zero, if there are no classes."""

    def __init__(self, classes: int | None, channels: int) -> None:
        super().__init__()
        self.table = None if classes is None else nn.Embedding(classes, channels)

    def forward(self, h: Tensor, y: Tensor | None) -> Tensor:
        """h ``(B, channels, H, W)`` for classes y ``(B,)``."""
        return h if self.table is None else h + self.table(y)[:, :, None, None]


class ResidualBlock(nn.Module):
    """x + 1×1(k×k(1×1(x))), all masked, through half the channels (van den Oord et al. 2016a)."""

    def __init__(self, hidden: int, kernel: int, colours: int, classes: int | None, dropout: float) -> None:
        super().__init__()
        self.narrow = MaskedConv2d(2 * hidden, hidden, 1, "B", colours=colours)
        self.look = MaskedConv2d(hidden, hidden, kernel, "B", colours=colours)
        self.widen = MaskedConv2d(hidden, 2 * hidden, 1, "B", colours=colours)
        self.shift, self.dropout = Shift(classes, hidden), nn.Dropout2d(dropout)

    def forward(self, x: Tensor, y: Tensor | None, run: Run) -> Tensor:
        """``(B, 2·hidden, H, W)`` to the same shape."""
        h = run(self.look, F.relu(run(self.narrow, F.relu(x))))
        return x + run(self.widen, self.dropout(F.relu(self.shift(h, y))))


class ResidualStack(CausalStack):
    """A first layer of kind A, then residual blocks of kind B: simple, but with a blind spot.

    Every layer looks at most as far to the right as it looks up, so pixels above that lie further to the
    right than up never reach the output, however many layers there are.
    """

    def __init__(
        self,
        colours: int,
        places: tuple[int, int],
        hidden: int,
        blocks: int,
        kernel: int,
        first_kernel: int,
        classes: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(places, 2 * hidden)
        self.features = 2 * hidden
        self.first = MaskedConv2d(colours, 2 * hidden, first_kernel, "A", colours=colours)
        self.blocks = nn.ModuleList(
            ResidualBlock(hidden, kernel, colours, classes, dropout) for _ in range(blocks)
        )

    def columns(self, x: Tensor, above: list[Tensor], y: Tensor | None, run: Run) -> Tensor:
        """The features at the places of x."""
        h = run(self.first, x) + above[0]
        for block in self.blocks:
            h = block(h, y, run)
        return h


class GatedLayer(nn.Module):
    """One layer of the two stacks: v looks at rows above, h looks left and listens to v.

    Each is gated, tanh(a) · σ(b) for two halves of the channels; h is residual from its second layer on.
    """

    def __init__(
        self, channels: int, hidden: int, kernel: int, kind: str, colours: int, classes: int | None, p: float
    ) -> None:
        super().__init__()
        both = {"colours": colours, "copies": 2}
        self.down = MaskedConv2d(channels, 2 * hidden, kernel, kind, vertical=True, **both)
        self.across = MaskedConv2d(channels, 2 * hidden, (1, kernel), kind, **both)
        self.link = nn.Conv2d(2 * hidden, 2 * hidden, 1)  # no mask: every colour of the rows above is past
        self.out = MaskedConv2d(hidden, hidden, 1, "B", colours=colours)
        self.shift_v, self.shift_h = Shift(classes, 2 * hidden), Shift(classes, 2 * hidden)
        self.residual, self.dropout = kind == "B", nn.Dropout2d(p)

    def vertical(self, v: Tensor, y: Tensor | None, run: Run) -> tuple[Tensor, Tensor]:
        """The next v, and what h hears of it."""
        wide = self.shift_v(run(self.down, v), y)
        return gate(wide), self.link(wide)

    def horizontal(self, h: Tensor, heard: Tensor, y: Tensor | None, run: Run) -> Tensor:
        """The next h."""
        new = run(self.out, self.dropout(gate(self.shift_h(run(self.across, h) + heard, y))))
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

    def __init__(
        self,
        colours: int,
        places: tuple[int, int],
        hidden: int,
        blocks: int,
        kernel: int,
        first_kernel: int,
        classes: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(places, 2 * hidden)
        self.features = hidden
        layers = [GatedLayer(colours, hidden, first_kernel, "A", colours, classes, dropout)]
        layers += [GatedLayer(hidden, hidden, kernel, "B", colours, classes, dropout) for _ in range(blocks)]
        self.layers = nn.ModuleList(layers)

    def rows(self, x: Tensor, y: Tensor | None, run: Run, row: int = 0) -> list[Tensor]:
        """What each layer of the horizontal stack hears of the vertical one; the first, of places too."""
        v, above = x, []
        for layer in self.layers:
            v, heard = layer.vertical(v, y, run)
            above.append(heard)
        return [above[0] + super().rows(x, y, run, row)[0], *above[1:]]

    def columns(self, x: Tensor, above: list[Tensor], y: Tensor | None, run: Run) -> Tensor:
        """The features at the places of x."""
        h = x
        for layer, heard in zip(self.layers, above, strict=True):
            h = layer.horizontal(h, heard, y, run)
        return h

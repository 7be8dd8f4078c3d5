"""Masked convolutions: every output sees only pixels that come before it, row by row."""

from collections.abc import Callable
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.checks import check_count

Kind = Literal["A", "B"]
Run = Callable[[nn.Module, Tensor], Tensor]


def colour_of(channels: int, colours: int, copies: int = 1) -> Tensor:
    """The colour that each channel of a feature map belongs to: ``(channels,)``.

    Args:
        channels: how many.
        colours: C, the channels of the image.
        copies: how often the same channels are repeated, as the two halves before a gate.

    >>> colour_of(6, colours=3).tolist(), colour_of(6, colours=3, copies=2).tolist()
    ([0, 0, 1, 1, 2, 2], [0, 1, 2, 0, 1, 2])
    """
    each = channels // copies
    return (torch.arange(channels) % each) * colours // each


def causal_mask(
    kind: Kind,
    size: tuple[int, int],
    colours_in: Tensor,
    colours_out: Tensor,
    *,
    vertical: bool = False,
) -> Tensor:
    """The mask of a convolution in raster order: 1 where an output may look, ``(out, in, kH, kW)``.

    Rows above and pixels to the left are open, rows below and pixels to the right closed. At the pixel
    itself colours take turns (R, then G, then B): kind "A", for the first layer, opens the colours
    before the output's own; kind "B" opens its own too, since features no longer contain it.

    Args:
        kind: "A" or "B".
        size: height and width of the kernel, both odd.
        colours_in: the colour of every input channel (see ``colour_of``).
        colours_out: the colour of every output channel.
        vertical: look at whole rows alone: "A" at those above, "B" at the own row too.

    >>> one = torch.zeros(1)
    >>> causal_mask("A", (3, 3), one, one)[0, 0].int().tolist()
    [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    """
    row, column = size[0] // 2, size[1] // 2
    mask = torch.zeros(len(colours_out), len(colours_in), *size)
    mask[:, :, :row] = 1
    if vertical:
        mask[:, :, row] = float(kind == "B")
        return mask
    mask[:, :, row, :column] = 1
    before = torch.lt if kind == "A" else torch.le
    mask[:, :, row, column] = before(colours_in[None], colours_out[:, None]).float()
    return mask


class MaskedConv2d(nn.Conv2d):
    """A convolution whose weights are multiplied by a causal mask, at every use and never in place.

    The map keeps its height and width: outside of it are zeros.

    Args:
        channels_in, channels_out: of the maps.
        size: height and width of the kernel, both odd; one number for a square.
        kind: "A" or "B" (see ``causal_mask``).
        vertical: as in ``causal_mask``.
        colours: C, the channels of the image, among which feature channels are shared out.
        copies: of the outputs' channels (see ``colour_of``).

    Shapes: ``(B, channels_in, H, W)`` to ``(B, channels_out, H, W)``.

    Raises:
        ValueError: kind is neither "A" nor "B", or a side of the kernel is even.

    >>> conv = MaskedConv2d(1, 1, 3, "A")
    >>> x = torch.zeros(1, 1, 5, 5, requires_grad=True)
    >>> conv(x)[0, 0, 2, 2].backward()
    >>> (x.grad != 0).nonzero()[:, 2:].tolist()
    [[1, 1], [1, 2], [1, 3], [2, 1]]
    """

    mask: Tensor

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        size: int | tuple[int, int],
        kind: Kind,
        *,
        vertical: bool = False,
        colours: int = 1,
        copies: int = 1,
    ) -> None:
        height, width = (size, size) if isinstance(size, int) else size
        for side in (height, width):
            if check_count(side, "MaskedConv2d: size") % 2 == 0:
                raise ValueError(f"MaskedConv2d: expected a kernel with odd sides, got {size!r}")
        if kind not in ("A", "B"):
            raise ValueError(f"MaskedConv2d: expected kind 'A' or 'B', got {kind!r}")
        colours_in, colours_out = colour_of(channels_in, colours), colour_of(channels_out, colours, copies)
        super().__init__(channels_in, channels_out, (height, width))
        self.kind = kind
        mask = causal_mask(kind, (height, width), colours_in, colours_out, vertical=vertical)
        self.register_buffer("mask", mask, persistent=False)

    @property
    def reach(self) -> tuple[int, int]:
        """How many rows up and how many columns to either side the kernel reaches."""
        return self.kernel_size[0] // 2, self.kernel_size[1] // 2

    @property
    def kernel(self) -> Tensor:
        """The masked weights, down to the own row: what lies below is masked in any case."""
        return (self.weight * self.mask)[:, :, : self.reach[0] + 1]

    def forward(self, x: Tensor) -> Tensor:
        """The masked convolution of a whole map."""
        up, side = self.reach
        return F.conv2d(F.pad(x, (side, side, up, 0)), self.kernel, self.bias)

    def walk(self, x: Tensor) -> "ConvWalk":
        """This layer at one pixel of the last row of x after another (see ``Scan``)."""
        return ConvWalk(self, x)


def whole(layer: nn.Module, x: Tensor) -> Tensor:
    """Run a layer on a whole map: what a network does unless it is scanned."""
    return layer(x)


class Walk(Protocol):
    """A layer at one pixel after another, left to right, and what it remembers of those before."""

    def next_row(self) -> None:
        """Go to the start of the next row."""

    def __call__(self, x: Tensor, column: int) -> Tensor:
        """The layer's output at a column, given its input there: a map of width 1 (see ``Scan``)."""
        ...


class ConvWalk:
    """A masked convolution at one pixel after another: it keeps the rows of input that its kernel reaches.

    It takes the whole row at once too, at column 0.
    """

    def __init__(self, conv: MaskedConv2d, x: Tensor) -> None:
        up, self.side = conv.reach
        self.conv, self.kernel = conv, conv.kernel
        self.seen = F.pad(x, (self.side, self.side, up, 0))[:, :, -up - 1 :].clone()

    def next_row(self) -> None:
        """Go to the start of the next row."""
        self.seen = F.pad(self.seen[:, :, 1:], (0, 0, 0, 1))

    def put(self, x: Tensor, column: int) -> Tensor:
        """Note the input from a column on, and return all that the kernel covers there."""
        width = x.shape[-1]
        self.seen[:, :, -1:, column + self.side : column + self.side + width] = x
        return self.seen[:, :, :, column : column + 2 * self.side + width]

    def __call__(self, x: Tensor, column: int) -> Tensor:
        """The output there."""
        covered = x if self.conv.reach == (0, 0) else self.put(x, column)
        if x.shape[-1] > 1:
            return F.conv2d(covered, self.kernel, self.conv.bias)
        return F.linear(covered.flatten(1), self.kernel.flatten(1), self.conv.bias)[:, :, None, None]


class Scan:
    """Runs a network over the pixels of an image, one after another, so that each feature is computed once.

    When one more pixel is known, features change only from that pixel on; those before it stay as they
    are. So each layer keeps what it needs of them (its ``walk``) and computes its output at the present
    place alone. The results are those of a pass over the whole image.

    A network takes part by calling ``run(layer, x)`` where it would call ``layer(x)``. First ``record`` runs
    it once on the image down to the row to begin with; then each call of the scan takes x at the place.

    >>> conv, x = MaskedConv2d(1, 2, 3, "B"), torch.rand(1, 1, 2, 4)
    >>> scan = Scan()
    >>> _ = scan.record(conv, x[:, :, :1])
    >>> scan.next_row()
    >>> here = []
    >>> for scan.column in range(4):
    ...     here.append(scan(conv, x[:, :, 1:, scan.column : scan.column + 1]))
    >>> torch.allclose(torch.cat(here, 3), conv(x)[:, :, 1:], atol=1e-6)
    True
    """

    def __init__(self) -> None:
        self.column = 0
        self.walks: dict[nn.Module, Walk] = {}

    def record(self, layer: Any, x: Tensor) -> Tensor:
        """Run a layer on a whole map whose last row is the present one, and keep what matters of it."""
        self.walks[layer] = layer.walk(x)
        return layer(x)

    def next_row(self) -> None:
        """Go to the start of the next row."""
        self.column = 0
        for walk in self.walks.values():
            walk.next_row()

    def known(self, x: Tensor) -> None:
        """Note pixels at the place, now that they are drawn: kind "A" is what reads the image itself."""
        for walk in self.walks.values():
            if isinstance(walk, ConvWalk) and walk.conv.kind == "A":
                walk.put(x, self.column)

    def __call__(self, layer: nn.Module, x: Tensor) -> Tensor:
        """The output of a layer at the place, given its input there."""
        return self.walks[layer](x, self.column)

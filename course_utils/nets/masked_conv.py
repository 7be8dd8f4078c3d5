"""Masked convolutions: every output sees only pixels that come before it, row by row."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.checks import check_choice, check_count

Kind = Literal["A", "B"]
Runner = Callable[[nn.Module, Tensor], Tensor]  # how a layer is run: on a whole map, or by a ``Scan``


def colour_of(channels: int, colours: int, copies: int = 1) -> Tensor:
    """The colour that each channel of a feature map belongs to: ``(channels,)``.

    ``colours`` are the channels of the image; ``copies`` says how often the same channels are repeated, as
    the two halves before a gate.
    """
    each = channels // copies
    return (torch.arange(channels) % each) * colours // each


def causal_mask(
    kind: Kind, size: tuple[int, int], colours_in: Tensor, colours_out: Tensor, *, vertical: bool = False
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

    The map keeps its height and width: outside of it are zeros. Kind and ``vertical`` are those of
    ``causal_mask``, colours, among which feature channels are shared out, and copies those of ``colour_of``.

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
        check_choice(kind, "MaskedConv2d: kind", ("A", "B"))
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

    def walk(self, x: Tensor) -> "_ConvWalk":
        """This layer at one pixel of the last row of x after another (see ``Scan``)."""
        return _ConvWalk(self, x)


def whole(layer: nn.Module, x: Tensor) -> Tensor:
    """Run a layer on a whole map: what a network does unless it is scanned."""
    return layer(x)


class _ConvWalk:
    """A masked convolution at one pixel, or row, after another: it keeps the input its kernel reaches."""

    def __init__(self, conv: MaskedConv2d, x: Tensor) -> None:
        up, self.side = conv.reach
        self.conv, self.kernel = conv, conv.kernel
        self.seen = F.pad(x, (self.side, self.side, up, 0))[:, :, -up - 1 :].clone()

    def next_row(self) -> None:
        self.seen = F.pad(self.seen[:, :, 1:], (0, 0, 0, 1))

    def put(self, x: Tensor, column: int) -> Tensor:
        """Note the input from a column on, and return all that the kernel covers there."""
        width = x.shape[-1]
        self.seen[:, :, -1:, column + self.side : column + self.side + width] = x
        return self.seen[:, :, :, column : column + 2 * self.side + width]

    def __call__(self, x: Tensor, column: int) -> Tensor:
        covered = x if self.conv.reach == (0, 0) else self.put(x, column)
        if x.shape[-1] > 1:
            return F.conv2d(covered, self.kernel, self.conv.bias)
        return F.linear(covered.flatten(1), self.kernel.flatten(1), self.conv.bias)[:, :, None, None]


class Scan:
    """Runs a network over the pixels of an image, one after another, so that each feature is computed once.

    When one more pixel is known, features change only from that pixel on; those before it stay as they
    are. So each layer keeps what it needs of them (its ``walk``: called with input and column, and with a
    ``next_row``) and computes its output at the present place alone. The results are those of a whole pass.

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
        self.walks: dict[nn.Module, Any] = {}

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
            if isinstance(walk, _ConvWalk) and walk.conv.kind == "A":
                walk.put(x, self.column)

    def __call__(self, layer: nn.Module, x: Tensor) -> Tensor:
        """The output of a layer at the place, given its input there."""
        return self.walks[layer](x, self.column)

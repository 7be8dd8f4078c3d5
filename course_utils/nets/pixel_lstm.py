"""LSTMs that run over an image: row by row, or diagonal by diagonal from both sides."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.nets.causal_stack import Shift, Widths
from course_utils.nets.masked_conv import MaskedConv2d, Runner


def lstm(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One step of an LSTM: gates ``(B, 4h, …)`` and memory c ``(B, h, …)`` to the state h and the new c."""
    output, forget, write, new = gates.chunk(4, 1)
    c = torch.sigmoid(forget) * c + torch.sigmoid(write) * torch.tanh(new)
    return torch.sigmoid(output) * torch.tanh(c), c


def recur(gates: Tensor, across: nn.Conv1d, before: int, after: int) -> tuple[list[Tensor], list[Tensor]]:
    """An LSTM along the last axis: gates ``(B, 4h, n, T)`` of the input to T states and memories ``(B, h,
    n)``.

    ``before`` and ``after`` are zeros around a state, so that ``across`` keeps its length.
    """
    h = c = gates.new_zeros(len(gates), gates.shape[1] // 4, gates.shape[2])
    states, memories = [], []
    for gate in gates.unbind(-1):
        h, c = lstm(gate + across(F.pad(h, (before, after))), c)
        states.append(h)
        memories.append(c)
    return states, memories


def skew(x: Tensor) -> Tensor:
    """Shift row i by i to the right: ``(…, H, W)`` to ``(…, H, W + H − 1)``; a column is a diagonal."""
    height, width = x.shape[-2:]
    return (
        F.pad(x, (0, height)).flatten(-2)[..., : -height or None].unflatten(-1, (height, width + height - 1))
    )


def unskew(x: Tensor) -> Tensor:
    """Undo ``skew``: ``(…, H, W + H − 1)`` to ``(…, H, W)``."""
    height, length = x.shape[-2:]
    rows = F.pad(x.flatten(-2), (0, height)).unflatten(-1, (height, length + 1))
    return rows[..., : length - height + 1]


class Gates(MaskedConv2d):
    """The input-to-state convolution: the four gates of every unit; forget gates start open."""

    def __init__(self, channels: int, hidden: int, size: tuple[int, int], colours: int) -> None:
        super().__init__(channels, 4 * hidden, size, "B", colours=colours, copies=4)
        if self.bias is not None:
            nn.init.constant_(self.bias[hidden : 2 * hidden], 1.0)


class RowLSTM(nn.Module):
    """An LSTM from the top row to the bottom, all pixels of a row at once.

    The state of a pixel comes from three pixels of the row above, so what it knows of the past is a
    triangle: d rows up, it sees no further than d to the right.
    """

    def __init__(self, channels: int, hidden: int, colours: int, kernel: int = 3) -> None:
        super().__init__()
        self.gates = Gates(channels, hidden, (1, kernel), colours)
        self.across = nn.Conv1d(hidden, 4 * hidden, kernel, bias=False)
        self.side = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, H, W)`` to ``(B, h, H, W)``."""
        return torch.stack(recur(self.gates(x).mT, self.across, self.side, self.side)[0], 2)

    def walk(self, x: Tensor) -> "_RowWalk":
        """This layer at one pixel of the last row of x after another (see ``Scan``)."""
        return _RowWalk(self, x)


class _RowWalk:
    """A Row LSTM at one pixel after another: what the row above adds to the gates is known for all."""

    def __init__(self, layer: RowLSTM, x: Tensor) -> None:
        self.layer, self.gates = layer, layer.gates.walk(x)
        states, memories = recur(layer.gates(x).mT, layer.across, layer.side, layer.side)
        nothing = torch.zeros_like(states[-1])
        self.h, self.c = [nothing, *states][-2], [nothing, *memories][-2]  # of the row above
        self.enter_row()

    def enter_row(self) -> None:
        """What the row above adds to the gates; its memory is read while this row's is written."""
        side = self.layer.side
        self.above, self.memory = self.layer.across(F.pad(self.h, (side, side))), self.c
        self.h, self.c = torch.empty_like(self.h), torch.empty_like(self.c)

    def next_row(self) -> None:
        self.gates.next_row()
        self.enter_row()

    def __call__(self, x: Tensor, column: int) -> Tensor:
        gates = self.gates(x, column)[..., 0, 0] + self.above[..., column]
        h, c = lstm(gates, self.memory[..., column])
        self.h[..., column], self.c[..., column] = h, c
        return h[..., None, None]


class DiagonalLSTM(nn.Module):
    """An LSTM from the upper left corner to the lower right: the state of (r, c) comes from (r − 1, c)
    and (r, c − 1).

    On the skewed map those are neighbours in the column before, and a whole diagonal is one step.
    """

    def __init__(self, channels: int, hidden: int, colours: int) -> None:
        super().__init__()
        self.gates = Gates(channels, hidden, (1, 1), colours)
        self.across = nn.Conv1d(hidden, 4 * hidden, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, H, W)`` to ``(B, h, H, W)``."""
        return unskew(torch.stack(recur(skew(self.gates(x)), self.across, 1, 0)[0], -1))


class _DiagonalWalk:
    """A diagonal LSTM at one pixel after another, from the left; h are its states in the row above."""

    def __init__(self, layer: DiagonalLSTM, h: Tensor) -> None:
        self.layer, self.h = layer, h
        self.kernel = layer.gates.kernel[..., 0, 0]

    def next_row(self) -> None:
        self.above = self.layer.across.weight[..., 0] @ self.h
        self.h, self.c = torch.zeros_like(self.h), torch.zeros_like(self.h)  # left of the first: the last, 0

    def __call__(self, x: Tensor, column: int) -> Tensor:
        gates = F.linear(x.flatten(1), self.kernel, self.layer.gates.bias) + self.above[..., column]
        gates = gates + F.linear(self.h[..., column - 1], self.layer.across.weight[..., 1])
        h, c = lstm(gates, self.c[..., column - 1])
        self.h[..., column], self.c[..., column] = h, c
        return h[..., None, None]


class DiagonalBiLSTM(nn.Module):
    """Two diagonal LSTMs, from the upper left and from the upper right: together they know all of the past.

    The one from the right has seen pixels to the right of its own, which are still to come. So its map is
    shifted down by a row: every pixel gets the state above it.
    """

    def __init__(self, channels: int, hidden: int, colours: int) -> None:
        super().__init__()
        self.left, self.right = (DiagonalLSTM(channels, hidden, colours) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, H, W)`` to ``(B, h, H, W)``."""
        from_right = self.right(x.flip(-1)).flip(-1)
        return self.left(x) + F.pad(from_right, (0, 0, 1, 0))[:, :, :-1]

    def walk(self, x: Tensor) -> "_BiWalk":
        """This layer at one pixel of the last row of x after another (see ``Scan``)."""
        return _BiWalk(self, x)


class _BiWalk:
    """Both diagonal LSTMs at one pixel after another: that from the right runs once a row is whole."""

    def __init__(self, layer: DiagonalBiLSTM, x: Tensor) -> None:
        left, right = (F.pad(h, (0, 0, 1, 0))[:, :, -2] for h in (layer.left(x), layer.right(x.flip(-1))))
        self.left, self.right = _DiagonalWalk(layer.left, left), _DiagonalWalk(layer.right, right)
        self.from_right, self.row = right.flip(-1), x[:, :, -1:].clone()
        self.left.next_row()

    def next_row(self) -> None:
        self.left.next_row()
        self.right.next_row()
        states = [self.right(x, i) for i, x in enumerate(self.row.flip(-1).split(1, -1))]
        self.from_right = torch.cat(states, -1)[:, :, 0].flip(-1)

    def __call__(self, x: Tensor, column: int) -> Tensor:
        self.row[..., column : column + 1] = x
        return self.left(x, column) + self.from_right[..., column, None, None]


KINDS = {"diagonal": DiagonalBiLSTM, "row": RowLSTM}


class LSTMBlock(nn.Module):
    """x + 1×1(LSTM(x)) + what a condition adds: a residual connection around h = half the channels."""

    def __init__(self, kind: str, widths: Widths) -> None:
        super().__init__()
        hidden, colours = widths.hidden, widths.colours
        self.lstm = KINDS[kind](2 * hidden, hidden, colours)
        self.widen = MaskedConv2d(hidden, 2 * hidden, 1, "B", colours=colours)
        self.shift = Shift(widths, 2 * hidden)

    def forward(self, x: Tensor, shift: Tensor, run: Runner) -> Tensor:
        """``(B, 2·hidden, H, W)`` to the same shape."""
        return x + run(self.widen, run(self.lstm, x)) + shift

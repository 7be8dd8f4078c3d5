"""LSTMs that run over an image: row by row, or diagonal by diagonal from both sides."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.nets.masked_conv import MaskedConv2d


def lstm(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One step of an LSTM: gates ``(B, 4h, n)`` and memory c ``(B, h, n)`` to the state h and the new c."""
    output, forget, write, new = gates.chunk(4, 1)
    c = torch.sigmoid(forget) * c + torch.sigmoid(write) * torch.tanh(new)
    return torch.sigmoid(output) * torch.tanh(c), c


def run(gates: Tensor, across: nn.Conv1d, before: int, after: int) -> Tensor:
    """An LSTM along the last axis: gates ``(B, 4h, n, T)`` of the input to states ``(B, h, n, T)``.

    Args:
        gates: the input's share of the gates.
        across: from the last state, ``(B, h, n)``, to the state's share.
        before, after: zeros around the last state, so that its length stays n.
    """
    h = gates.new_zeros(len(gates), gates.shape[1] // 4, gates.shape[2])
    c, states = h, []
    for gate in gates.unbind(-1):
        h, c = lstm(gate + across(F.pad(h, (before, after))), c)
        states.append(h)
    return torch.stack(states, -1)


def skew(x: Tensor) -> Tensor:
    """Shift row i by i to the right: ``(…, H, W)`` to ``(…, H, W + H − 1)``; a column is a diagonal.

    >>> skew(torch.tensor([[1, 2], [3, 4]])).tolist()
    [[1, 2, 0], [0, 3, 4]]
    """
    height, width = x.shape[-2:]
    return (
        F.pad(x, (0, height)).flatten(-2)[..., : -height or None].unflatten(-1, (height, width + height - 1))
    )


def unskew(x: Tensor) -> Tensor:
    """Undo ``skew``: ``(…, H, W + H − 1)`` to ``(…, H, W)``.

    >>> unskew(torch.tensor([[1, 2, 0], [0, 3, 4]])).tolist()
    [[1, 2], [3, 4]]
    """
    height, length = x.shape[-2:]
    rows = F.pad(x.flatten(-2), (0, height)).unflatten(-1, (height, length + 1))
    return rows[..., : length - height + 1]


class Gates(MaskedConv2d):
    """The input-to-state convolution: the four gates of every unit; forget gates start open."""

    def __init__(self, channels: int, hidden: int, size: tuple[int, int], colours: int) -> None:
        super().__init__(channels, 4 * hidden, size, "B", colours=colours, copies=4)
        nn.init.constant_(self.bias[hidden : 2 * hidden], 1.0)


class RowLSTM(nn.Module):
    """An LSTM from the top row to the bottom, all pixels of a row at once.

    The state of a pixel comes from three pixels of the row above, so what it knows of the past is a
    triangle: d rows up, it sees no further than d to the right.

    Args:
        channels: of the input.
        hidden: h, of the states.
        colours: C, the channels of the image.
        kernel: width of both convolutions, odd.

    Shapes: ``(B, channels, H, W)`` to ``(B, h, H, W)``.
    """

    def __init__(self, channels: int, hidden: int, colours: int, kernel: int = 3) -> None:
        super().__init__()
        self.gates = Gates(channels, hidden, (1, kernel), colours)
        self.across = nn.Conv1d(hidden, 4 * hidden, kernel, bias=False)
        self.side = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, H, W)`` to ``(B, h, H, W)``."""
        return run(self.gates(x).mT, self.across, self.side, self.side).mT


class DiagonalLSTM(nn.Module):
    """An LSTM from the upper left corner to the lower right: the state of (r, c) comes from (r − 1, c)
    and (r, c − 1).

    On the skewed map those are neighbours in the column before, and a whole diagonal is one step.

    Args and shapes: as ``RowLSTM``, without a kernel.
    """

    def __init__(self, channels: int, hidden: int, colours: int) -> None:
        super().__init__()
        self.gates = Gates(channels, hidden, (1, 1), colours)
        self.across = nn.Conv1d(hidden, 4 * hidden, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, H, W)`` to ``(B, h, H, W)``."""
        return unskew(run(skew(self.gates(x)), self.across, 1, 0))


class DiagonalBiLSTM(nn.Module):
    """Two diagonal LSTMs, from the upper left and from the upper right: together they know all of the past.

    The one from the right has seen pixels to the right of its own, which are still to come. So its map is
    shifted down by a row: every pixel gets the state above it.

    Args and shapes: as ``DiagonalLSTM``.
    """

    def __init__(self, channels: int, hidden: int, colours: int) -> None:
        super().__init__()
        self.left, self.right = (DiagonalLSTM(channels, hidden, colours) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, H, W)`` to ``(B, h, H, W)``."""
        from_right = self.right(x.flip(-1)).flip(-1)
        return self.left(x) + F.pad(from_right, (0, 0, 1, 0))[:, :, :-1]

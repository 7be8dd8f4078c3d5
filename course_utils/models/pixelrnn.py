"""PixelRNN: all conditionals from LSTMs that run over the image."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.checks import check_count
from course_utils.models import pixel_values
from course_utils.nets import MaskedConv2d
from course_utils.nets.pixel_lstm import DiagonalBiLSTM, RowLSTM
from course_utils.taxonomy import Autoregressive, Support

KINDS = {"diagonal": DiagonalBiLSTM, "row": RowLSTM}


class Layer(nn.Module):
    """x + 1×1(LSTM(x)): the residual connection around an LSTM of half the channels."""

    def __init__(self, kind: str, hidden: int, colours: int) -> None:
        super().__init__()
        self.lstm = KINDS[kind](2 * hidden, hidden, colours)
        self.widen = MaskedConv2d(hidden, 2 * hidden, 1, "B", colours=colours)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 2h, H, W)`` to the same shape."""
        return x + self.widen(self.lstm(x))


class PixelRNN(Autoregressive):
    r"""Recurrent networks over the image, whose states remember the pixels before.

        p(x) = Π_i p(x_i | x_{<i}),   rows from the top, pixels from the left, colours R, G, B.

    A masked convolution of kind A comes first, with a bias for each place, then residual layers of LSTMs,
    whose gates are o, f, ι = σ(·) and g = tanh(·) of the parts of K_is ∗ x + K_ss ∗ h, with a masked K_is
    of kind B. There are two kinds. *Row LSTM*: the state comes from three pixels of the row above; its past
    is a triangle.
    *Diagonal BiLSTM*: the state comes from above and from the left and, in a second LSTM, from above and
    from the right; its past is whole. (An empty column at the right sees to that: features of a pixel know
    those before it alone, so without it no feature of a row would know the row's last pixel.)

    Training steps along rows or diagonals, so it cannot be parallel over all pixels as in `PixelCNN`. Each
    pixel of a sample takes a pass over the rows down to it.

    A. van den Oord, N. Kalchbrenner and K. Kavukcuoglu, *Pixel Recurrent Neural Networks*, ICML 2016.

    Args:
        event_shape: the shape (C, H, W) of one image.
        kind: "diagonal" or "row".
        hidden: h, of the states; the residual stream has 2h channels.
        layers: how many LSTM layers.
        first_kernel: side of the first kernel, odd.
        levels: 2 for black and white, with one log-odds a pixel; L up to 256 for grey values k/(L−1), with
            a softmax over all of them.

    Shapes: x is ``(B, C, H, W)``; ``log_prob`` is ``(B,)`` nats; ``conditionals`` has the shape of x for 2
        levels, else ``(B, C, H, W, L)``.

    Raises:
        ValueError: event_shape is not (C, H, W), kind is none of the two, or a number is out of range.

    >>> model = PixelRNN((1, 3, 3), hidden=4, layers=1)
    >>> x = model.sample(2)
    >>> x.shape, model.log_prob(x).shape
    (torch.Size([2, 1, 3, 3]), torch.Size([2]))
    """

    title = "PixelRNN"
    about = "LSTMs over rows or diagonals (2016)"
    fit_defaults = {"lr": 2e-2, "epochs": 10, "batch_size": 100, "schedule": "cosine", "weight_decay": 0.1}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        kind: Literal["diagonal", "row"] = "diagonal",
        hidden: int = 16,
        layers: int = 1,
        first_kernel: int = 7,
        levels: int = 2,
    ) -> None:
        super().__init__(event_shape)
        outputs = pixel_values.check_pixels(self.event_shape, levels, "PixelRNN")
        colours = self.event_shape[0]
        if kind not in KINDS:
            raise ValueError(f"PixelRNN: expected kind as one of {', '.join(KINDS)}, got {kind!r}")
        check_count(layers, "PixelRNN: layers")
        if check_count(hidden, "PixelRNN: hidden") < colours:
            raise ValueError(f"PixelRNN: expected hidden of at least {colours}, one a colour, got {hidden}")
        self.levels, self.margin = levels, int(kind == "diagonal")
        self.support: Support = "binary" if levels == 2 else "levels"
        self.first = MaskedConv2d(colours, 2 * hidden, first_kernel, "A", colours=colours)
        _, height, width = self.event_shape
        self.places = nn.Parameter(torch.zeros(1, 2 * hidden, height, width + self.margin))
        self.layers = nn.Sequential(*(Layer(kind, hidden, colours) for _ in range(layers)))
        self.mix = MaskedConv2d(2 * hidden, 2 * hidden, 1, "B", colours=colours)
        self.head = MaskedConv2d(2 * hidden, colours * outputs, 1, "B", colours=colours)

    def logits(self, x: Tensor) -> Tensor:
        """Of every pixel given those before it: the log-odds of 1, or L logits; ``(B, C, H, W, K)``."""
        height, width = x.shape[2:]
        h = self.first(F.pad(2 * x - 1, (0, self.margin))) + self.places[:, :, :height]
        h = self.layers(h)[..., :width]
        return pixel_values.arrange(self.head(F.relu(self.mix(F.relu(h)))), self.event_shape[0])

    def _log_prob(self, x: Tensor) -> Tensor:
        return pixel_values.log_prob(self.logits(x), x)

    def _conditionals(self, x: Tensor) -> Tensor:
        return pixel_values.probabilities(self.logits(x))

    @property
    def order(self) -> Tensor:
        """The order in which pixels are visited, ``(D,)``: row by row, the colours of a pixel in turn."""
        return pixel_values.raster(self.event_shape, self.reference.device)

    def _draw(self, u: Tensor, temperature: float, given: Tensor | None, start: int) -> Tensor:
        x = u.new_zeros(len(u), *self.event_shape) if given is None else given.clone()
        _, height, width = self.event_shape
        for i, place in list(enumerate(self.order.tolist()))[start:]:
            colour, row, column = place // (height * width), place // width % height, place % width
            logits = self.logits(x[:, :, : row + 1])[:, colour, row, column]
            x[:, colour, row, column] = pixel_values.choose(logits, u[:, i], temperature)
        return x

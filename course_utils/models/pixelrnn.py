"""PixelRNN: all conditionals from LSTMs that run over the image."""

from typing import Literal

from course_utils.checks import check_choice, check_count
from course_utils.models.pixel_model import PixelModel
from course_utils.nets import MaskedConv2d
from course_utils.nets.causal_stack import ResidualStack, Widths
from course_utils.nets.pixel_lstm import KINDS, LSTMBlock


class PixelRNN(PixelModel):
    r"""Recurrent networks over the image, whose states remember the pixels before.

        p(x) = Π_i p(x_i | x_{<i}),   rows from the top, pixels from the left, colours R, G, B.

    A masked convolution of kind A comes first, with a bias for each place, then residual layers of LSTMs,
    whose gates are o, f, ι = σ(·) and g = tanh(·) of the parts of K_is ∗ x + K_ss ∗ h, with a masked K_is
    of kind B. There are two kinds. *Row LSTM*: the state comes from three pixels of the row above; its past
    is a triangle.
    *Diagonal BiLSTM*: the state comes from above and from the left and, in a second LSTM, from above and
    from the right; its past is whole. (An empty column at the right sees to that: features of a pixel know
    those before it alone, so without it no feature of a row would know the row's last pixel.)

    Training steps along rows or diagonals, not in parallel over all pixels. Samples cost as little as those
    of `PixelCNN`: states of finished pixels stay, and those of the second LSTM follow row by row.

    A. van den Oord, N. Kalchbrenner and K. Kavukcuoglu, *Pixel Recurrent Neural Networks*, ICML 2016.

    Args:
        event_shape: the shape (C, H, W) of one image.
        kind: "diagonal" or "row".
        hidden: h, of the states; the residual stream has 2h channels.
        layers: how many LSTM layers.
        first_kernel: side of the first kernel, odd.
        levels: 2 for black and white; L up to 256 for grey values k/(L−1).
        classes: the number of classes y of p(x | y); None: no classes.
        given: the channels C' of an image (C', H, W) that x is conditioned on; None: none.

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
        classes: int | None = None,
        given: int | None = None,
    ) -> None:
        super().__init__(event_shape, levels, hidden, classes, given)
        check_choice(kind, "PixelRNN: kind", KINDS)
        check_count(layers, "PixelRNN: layers")
        colours, height, width = self.event_shape
        widths = Widths(colours, hidden, classes=classes, maps=None if given is None else hidden)
        first = MaskedConv2d(colours, 2 * hidden, first_kernel, "A", colours=colours)
        blocks = [LSTMBlock(kind, widths) for _ in range(layers)]
        self.stack = ResidualStack((height, width), first, blocks, margin=int(kind == "diagonal"))
        self.add_head(hidden)

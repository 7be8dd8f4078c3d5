"""PixelCNN: all conditionals at once, by convolutions that cannot look ahead."""

from course_utils.checks import check_count, check_number
from course_utils.models.pixel_model import PixelModel
from course_utils.nets import MaskedConv2d
from course_utils.nets.causal_stack import GatedStack, ResidualBlock, ResidualStack, Widths


class PixelCNN(PixelModel):
    r"""A convolutional network that gives every conditional of the chain rule in one pass.

        p(x) = Π_i p(x_i | x_{<i}),   rows from the top, pixels from the left, colours R, G, B,

    where a stack of masked convolutions computes the logits of p(x_i | x_{<i}) at pixel i: a first one of
    kind A, which does not see the pixel itself, then residual blocks of kind B, which see its features. With
    stacked masks some pixels above and to the right are never seen, the *blind spot*; ``gated=True`` takes
    two stacks of gated layers instead, one for the rows above and one for the row, and sees all.

    Training is parallel over pixels. Sampling is not, but it computes each feature only once (see ``Scan``).

    A. van den Oord, N. Kalchbrenner and K. Kavukcuoglu, *Pixel Recurrent Neural Networks*, ICML 2016; gated:
    A. van den Oord et al., *Conditional Image Generation with PixelCNN Decoders*, NeurIPS 2016.

    Args:
        event_shape: the shape (C, H, W) of one image.
        gated: the two stacks of 2016b instead of the residual one of 2016a.
        hidden: h; a residual stream has 2h channels and bottlenecks of h, gated layers have h.
        blocks: how many layers follow the first.
        kernel: side of their kernels, odd.
        first_kernel: side of the first kernel, odd.
        levels: 2 for black and white; L up to 256 for grey values k/(L−1).
        classes: the number of classes y of p(x | y); None: no classes.
        given: the channels C' of an image that x is conditioned on, p(x | given), such as a smaller or a grey
            one enlarged to (C', H, W); None: none.
        dropout: the share of feature maps left out in training.

    Shapes: x is ``(B, C, H, W)``; ``log_prob`` is ``(B,)`` nats; ``conditionals`` has the shape of x for 2
        levels, else ``(B, C, H, W, L)``.

    Raises:
        ValueError: event_shape is not (C, H, W), a number is out of range, or hidden is less than C.

    >>> model = PixelCNN((3, 4, 4), hidden=6, blocks=1, levels=5)
    >>> x = model.sample(2)
    >>> x.shape, model.log_prob(x).shape, model.conditionals(x).shape
    (torch.Size([2, 3, 4, 4]), torch.Size([2]), torch.Size([2, 3, 4, 4, 5]))
    """

    title = "PixelCNN"
    about = "masked convolutions: all conditionals in one pass (2016)"
    fit_defaults = {"lr": 1e-2, "epochs": 18, "batch_size": 50, "weight_decay": 0.5, "average": 0.99}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        gated: bool = False,
        hidden: int = 32,
        blocks: int = 2,
        kernel: int = 3,
        first_kernel: int = 7,
        levels: int = 2,
        classes: int | None = None,
        given: int | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(event_shape, levels, hidden, classes, given)
        check_count(blocks, "PixelCNN: blocks")
        check_number(dropout, "PixelCNN: dropout", low=0, high=0.99)
        colours, height, width = self.event_shape
        maps = None if given is None else hidden
        widths = Widths(colours, hidden, kernel, classes, maps, dropout)
        if gated:
            self.stack = GatedStack((height, width), first_kernel, blocks, widths)
        else:
            first = MaskedConv2d(colours, 2 * hidden, first_kernel, "A", colours=colours)
            self.stack = ResidualStack((height, width), first, [ResidualBlock(widths) for _ in range(blocks)])
        self.add_head(hidden)

"""PixelCNN: all conditionals at once, by convolutions that cannot look ahead."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.checks import check_count, check_number
from course_utils.models import pixel_values
from course_utils.nets import MaskedConv2d, Scan, whole
from course_utils.nets.causal_stack import GatedStack, ResidualStack
from course_utils.nets.masked_conv import Run
from course_utils.taxonomy import Autoregressive, ClassConditional, Support


class PixelCNN(Autoregressive, ClassConditional):
    r"""A convolutional network that gives every conditional of the chain rule in one pass.

        p(x) = Π_i p(x_i | x_{<i}),   rows from the top, pixels from the left, colours R, G, B,

    where a stack of masked convolutions computes the logits of p(x_i | x_{<i}) at pixel i: a first one of
    kind A, which does not see the pixel itself, then residual blocks of kind B, which see its features. With
    stacked masks some pixels above and to the right are never seen, the *blind spot*; ``gated=True`` takes
    two stacks of gated layers instead, one for the rows above and one for the row, and sees all.

    Training is parallel over pixels. Sampling is not, but it computes each feature only once: when pixel i
    is drawn, only features at i are new (see ``Scan``).

    A. van den Oord, N. Kalchbrenner and K. Kavukcuoglu, *Pixel Recurrent Neural Networks*, ICML 2016; gated:
    A. van den Oord et al., *Conditional Image Generation with PixelCNN Decoders*, NeurIPS 2016.

    Args:
        event_shape: the shape (C, H, W) of one image.
        gated: the two stacks of 2016b instead of the residual one of 2016a.
        hidden: h; a residual stream has 2h channels and bottlenecks of h, gated layers have h.
        blocks: how many layers follow the first.
        kernel: side of their kernels, odd.
        first_kernel: side of the first kernel, odd.
        levels: 2 for black and white, with one log-odds a pixel; L up to 256 for grey values k/(L−1), with
            a softmax over all of them.
        classes: the number of classes y of p(x | y); None: no classes.
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
        dropout: float = 0.2,
    ) -> None:
        super().__init__(event_shape)
        outputs = pixel_values.check_pixels(self.event_shape, levels, "PixelCNN")
        colours = self.event_shape[0]
        check_count(blocks, "PixelCNN: blocks")
        check_number(dropout, "PixelCNN: dropout", low=0, high=0.99)
        if check_count(hidden, "PixelCNN: hidden") < colours:
            raise ValueError(f"PixelCNN: expected hidden of at least {colours}, one a colour, got {hidden}")
        if classes is not None:
            check_count(classes, "PixelCNN: classes")
        self.levels, self.classes = levels, classes
        self.support: Support = "binary" if levels == 2 else "levels"
        stack = GatedStack if gated else ResidualStack
        self.stack = stack(
            colours, self.event_shape[1:], hidden, blocks, kernel, first_kernel, classes, dropout
        )
        width = self.stack.features
        self.mix = MaskedConv2d(width, width, 1, "B", colours=colours)
        self.head = MaskedConv2d(width, colours * outputs, 1, "B", colours=colours)

    def logits(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Of every pixel given those before it: the log-odds of 1, or L logits; ``(B, C, H, W, K)``."""
        return self._read(self.stack(2 * x - 1, y), whole)

    def _read(self, features: Tensor, run: Run) -> Tensor:
        h = run(self.mix, F.relu(features))
        return pixel_values.arrange(run(self.head, F.relu(h)), self.event_shape[0])

    def log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The exact log p(x), or log p(x | y) for classes y ``(B,)``, in nats: ``(B,)``.

        A model with classes that is asked without y takes every class for equally likely:
        p(x) = Σ_y p(x | y) / classes.

        Raises:
            ValueError: x or y has the wrong shape, dtype, device or values.
        """
        return self._log_prob(self.check(x), self._check_classes(y, len(x)))

    def _log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self._over_classes(lambda y: pixel_values.log_prob(self.logits(x, y), x), len(x), y)

    def loss(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The negative log-likelihood E[−log p(x)] over the batch, in nats; with classes E[−log p(x | y)]."""
        x = self.check(x)
        return -self._log_prob(x, self._check_classes(y, len(x), needed=True)).mean()

    def conditionals(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """p(x_i = 1 | x_{<i}) in the shape of x; for L levels p(x_i = each | x_{<i}), ``(B, C, H, W, L)``.

        Raises:
            ValueError: x or y is not what it should be; y is missing in a model with classes.
        """
        return self._conditionals(self.check(x), self._check_classes(y, len(x), needed=True))

    def _conditionals(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return pixel_values.probabilities(self.logits(x, y))

    def sample(
        self,
        n: int,
        *,
        y: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw n images pixel by pixel: ``(n, C, H, W)``; of classes y ``(n,)``, or of any class.

        Args and errors: as ``Autoregressive.sample``; y as in ``log_prob``.
        """
        y = self._classes_of_samples(y, check_count(n, "PixelCNN.sample"), generator)
        condition = {} if y is None else {"y": y}
        return super().sample(n, temperature=temperature, generator=generator, **condition)

    def complete(
        self,
        x: Tensor,
        known: Tensor,
        *,
        y: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw the unknown pixels given the known ones and, in a model with classes, y ``(B,)``.

        Args and errors: as ``Autoregressive.complete``; y is needed in a model with classes.
        """
        y = self._check_classes(y, len(self.check(x)), needed=True)
        condition = {} if y is None else {"y": y}
        return super().complete(x, known, temperature=temperature, generator=generator, **condition)

    @property
    def order(self) -> Tensor:
        """The order in which pixels are visited, ``(D,)``: row by row, the colours of a pixel in turn."""
        return pixel_values.raster(self.event_shape, self.reference.device)

    def _draw(
        self, u: Tensor, temperature: float, given: Tensor | None, start: int, y: Tensor | None = None
    ) -> Tensor:
        colours, height, width = self.event_shape
        was_training = self.training
        self.eval()  # no dropout in a sample
        x = u.new_zeros(len(u), *self.event_shape) if given is None else given.clone()
        u = u.view(len(u), height, width, colours)
        first = min(start // (width * colours), height - 1)
        scan = Scan(first)
        self._read(self.stack(2 * x[:, :, : first + 1] - 1, y, scan.record), scan.record)
        for row in range(first, height):
            if row > first:
                scan.next_row()
            above = self.stack.rows(2 * x[:, :, row : row + 1] - 1, y, scan, row)
            for scan.column in range(width):
                here = x[:, :, row : row + 1, scan.column : scan.column + 1]
                heard = [v[..., scan.column : scan.column + 1] for v in above]
                for colour in range(colours):
                    if (row * width + scan.column) * colours + colour >= start:
                        features = self.stack.columns(2 * here - 1, heard, y, scan)
                        logits = self._read(features, scan)[:, colour, 0, 0]
                        chosen = pixel_values.choose(logits, u[:, row, scan.column, colour], temperature)
                        here[:, colour, 0, 0] = chosen
                scan.known(2 * here - 1)
        self.train(was_training)
        return x

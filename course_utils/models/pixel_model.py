"""What PixelRNN and PixelCNN share: from the features of a causal stack to a density over images."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.checks import check_count, check_events
from course_utils.nets import MaskedConv2d, Scan, whole
from course_utils.nets.causal_stack import CausalStack, Condition
from course_utils.nets.masked_conv import Runner
from course_utils.taxonomy import Autoregressive, ClassConditional, Support

LARGEST = 256


class PixelModel(Autoregressive, ClassConditional):
    """p(x) = Π_i p(x_i | x_{<i}): rows from the top, pixels from the left, colours R, G, B.

    A leaf adds the ``stack`` that computes features of pixel i from those before it, and calls
    ``add_head``. Then two masked 1×1 convolutions give the logits of each pixel: one, the log-odds of
    white, for 2 levels, or L for L levels, with a softmax over all of them.

    Sampling goes pixel by pixel, but computes each feature only once (see ``Scan``).

    Shapes: x ``(B, C, H, W)``, y ``(B,)``, given ``(B, C', H, W)`` with any finite values.
    """

    on_tree: ClassVar[bool] = False
    stack: CausalStack

    def __init__(
        self, event_shape: tuple[int, ...], levels: int, hidden: int, classes: int | None, given: int | None
    ) -> None:
        super().__init__(event_shape)
        who, shape = type(self).__name__, self.event_shape
        if len(shape) != 3:
            raise ValueError(f"{who}: expected event_shape as (C, H, W), got {event_shape!r}")
        self.support: Support = support_of(levels, who)
        check_count(hidden, f"{who}: hidden", low=shape[0])  # at least one feature a colour
        for name, count in (("classes", classes), ("given", given)):
            if count is not None:
                check_count(count, f"{who}: {name}")
        self.levels, self.classes, self.given = levels, classes, given

    def add_head(self, hidden: int) -> None:
        """Add what comes after the stack and, if x is conditioned on an image, what reads that."""
        colours, width = self.event_shape[0], self.stack.features
        outputs = 1 if self.levels == 2 else self.levels
        self.mix = MaskedConv2d(width, width, 1, "B", colours=colours)
        self.head = MaskedConv2d(width, colours * outputs, 1, "B", colours=colours)
        if self.given is not None:  # no masks: all of the image is known
            look, more = nn.Conv2d(self.given, hidden, 5, padding=2), nn.Conv2d(hidden, hidden, 5, padding=2)
            self.reader = nn.Sequential(look, nn.ReLU(), more)

    def logits(self, x: Tensor, y: Tensor | None = None, given: Tensor | None = None) -> Tensor:
        """Of every pixel given those before it: the log-odds of 1, or L logits; ``(B, C, H, W, K)``."""
        return self._read(self.stack(2 * x - 1, self._condition(y, given)), whole)

    def _condition(self, y: Tensor | None, given: Tensor | None) -> Condition:
        return Condition(y, None if given is None else F.pad(self.reader(given), (0, self.stack.margin)))

    def _read(self, features: Tensor, run: Runner) -> Tensor:
        h = run(self.head, F.relu(run(self.mix, F.relu(features))))
        return h.unflatten(1, (self.event_shape[0], -1)).movedim(2, -1)

    def log_prob(self, x: Tensor, y: Tensor | None = None, given: Tensor | None = None) -> Tensor:
        """The exact log p(x), or log p(x | y, given) in a model of that, in nats: ``(B,)``.

        A model with classes that is asked without y takes every class for equally likely:
        p(x) = Σ_y p(x | y) / classes.
        """
        return self._log_prob(*self._checked(x, y, given))

    def _log_prob(self, x: Tensor, y: Tensor | None = None, given: Tensor | None = None) -> Tensor:
        return self._over_classes(lambda y: log_prob(self.logits(x, y, given), x), len(x), y)

    def loss(self, x: Tensor, y: Tensor | None = None, given: Tensor | None = None) -> Tensor:
        """The negative log-likelihood E[−log p(x)], or E[−log p(x | y, given)], over the batch, in nats.

        A model of an image alone takes that in second place too, as ``fit`` hands over (x, given).
        """
        if self.classes is None and self.given is not None and given is None:
            y, given = None, y
        return -self._log_prob(*self._checked(x, y, given, needed=True)).mean()

    def conditionals(self, x: Tensor, y: Tensor | None = None, given: Tensor | None = None) -> Tensor:
        """p(x_i = 1 | x_{<i}) in the shape of x; for L levels p(x_i = each | x_{<i}), ``(B, C, H, W, L)``."""
        return self._conditionals(*self._checked(x, y, given, needed=True))

    def _conditionals(self, x: Tensor, y: Tensor | None = None, given: Tensor | None = None) -> Tensor:
        logits = self.logits(x, y, given)
        return torch.sigmoid(logits[..., 0]) if self.levels == 2 else logits.softmax(-1)

    def _checked(
        self, x: Tensor, y: Tensor | None, given: Tensor | None, *, needed: bool = False
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        x = self.check(x)
        return x, self._check_classes(y, len(x), needed=needed), self._check_given(given, len(x))

    def _check_given(self, given: Tensor | None, n: int) -> Tensor | None:
        who = f"{type(self).__name__}: given"
        if self.given is None:
            if given is not None:
                raise ValueError(f"{who}: expected none, since the model was built without, got some")
            return None
        shape = (self.given, *self.event_shape[1:])
        given = check_events(given, shape, "real", like=self.reference, who=who)
        if len(given) != n:
            raise ValueError(f"{who}: expected {n} images, one for each x, got {len(given)}")
        return given

    def sample(
        self,
        n: int,
        *,
        y: Tensor | None = None,
        given: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw n images pixel by pixel: ``(n, C, H, W)``; of classes y ``(n,)``, or of any class."""
        y = self._classes_of_samples(y, check_count(n, f"{type(self).__name__}.sample"), generator)
        given = self._check_given(given, n)
        return super().sample(n, temperature=temperature, generator=generator, y=y, given=given)

    def complete(
        self,
        x: Tensor,
        known: Tensor,
        *,
        y: Tensor | None = None,
        given: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw the unknown pixels given the known ones and, in a model of p(x | y, given), those."""
        x, y, given = self._checked(x, y, given, needed=True)
        return super().complete(x, known, temperature=temperature, generator=generator, y=y, given=given)

    @property
    def order(self) -> Tensor:
        """The order in which pixels are visited, ``(D,)``: row by row, the colours of a pixel in turn."""
        places = torch.arange(self.dims, device=self.reference.device)
        return places.view(self.event_shape[0], -1).T.flatten()

    def _draw(
        self,
        u: Tensor,
        temperature: float,
        known: Tensor | None,
        start: int,
        y: Tensor | None = None,
        given: Tensor | None = None,
    ) -> Tensor:
        colours, height, width = self.event_shape
        was_training = self.training
        self.eval()  # no dropout in a sample
        x = u.new_zeros(len(u), *self.event_shape) if known is None else known.clone()
        wide = F.pad(2 * x - 1, (0, self.stack.margin))
        u = u.view(len(u), height, width, colours)
        condition = self._condition(y, given)
        first, scan = min(start // (width * colours), height - 1), Scan()
        top = self.stack(2 * x[:, :, : first + 1] - 1, condition.rows(0, first + 1), scan.record)
        self._read(top, scan.record)
        for row in range(first, height):
            if row > first:
                scan.next_row()
            above = self.stack.rows(wide[:, :, row : row + 1], condition.rows(row, 1), scan, row)
            for scan.column in range(width + self.stack.margin):
                here = wide[:, :, row : row + 1, scan.column : scan.column + 1]
                above_here = [v[..., scan.column : scan.column + 1] for v in above]
                for colour in range(colours):
                    features = self.stack.columns(here, above_here, scan)
                    if scan.column < width and (row * width + scan.column) * colours + colour >= start:
                        logits = self._read(features, scan)[:, colour, 0, 0]
                        value = choose(logits, u[:, row, scan.column, colour], temperature)
                        x[:, colour, row, scan.column], here[:, colour, 0, 0] = value, 2 * value - 1
                scan.known(here)
        self.train(was_training)
        return x


def support_of(levels: int, who: str) -> Support:
    """What pixels of L levels are, black and white or grey; a ValueError unless L is from 2 to 256."""
    return "binary" if check_count(levels, f"{who}: levels", low=2, high=LARGEST) == 2 else "levels"


def log_prob(logits: Tensor, x: Tensor) -> Tensor:
    """The sum over pixels of log p(x_i) in nats: ``(B, C, H, W, K)`` and ``(B, C, H, W)`` to ``(B,)``."""
    return log_each(logits, x).flatten(1).sum(1)


def log_each(logits: Tensor, x: Tensor) -> Tensor:
    """log p(x_i) of every pixel in nats: ``(B, …, K)`` and ``(B, …)`` to ``(B, …)``."""
    levels = logits.shape[-1]
    if levels == 1:
        return -F.binary_cross_entropy_with_logits(logits[..., 0], x, reduction="none")
    grey = (x * (levels - 1)).round().long()
    return -F.cross_entropy(logits.movedim(-1, 1), grey, reduction="none")


def choose(logits: Tensor, u: Tensor, temperature: float) -> Tensor:
    """The values that uniform numbers choose: ``(…, K)`` and ``(…)`` to ``(…)``, in [0, 1]."""
    logits, levels = logits / temperature, logits.shape[-1]
    if levels == 1:
        return (u < torch.sigmoid(logits[..., 0])).to(u.dtype)
    below = (logits.softmax(-1).cumsum(-1) <= u[..., None]).sum(-1)
    return below.clamp_max(levels - 1).to(u.dtype) / (levels - 1)

"""The explorer of notebook 00: a digit and the threshold that makes it black and white."""

from functools import partial

from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.datasets import digits
from course_utils.explorers.engine import Explorer, slider

SHOWN = 20


def threshold() -> Explorer:
    """One real digit: which of its 64 pixels are white from a threshold t on, and how much ink that is.

    The course's binary digits use t = 8 of 16.
    """
    return Explorer(
        partial(draw_threshold, digits("levels").train.x[:SHOWN].cpu()),
        title="A handwritten digit in 17 grey levels, and in black and white",
        size=(7, 3.4),
        frame=frame_threshold,
        threshold=slider(1, 16, value=8, tooltip="Pixels of at least this grey level become white"),
        digit=slider(0, SHOWN - 1, value=0, tooltip="Which of the first digits of the training set"),
    )


def frame_threshold(figure: Figure) -> None:
    """Two places for images."""
    for left in (0.02, 0.52):
        figure.add_axes((left, 0.02, 0.46, 0.86)).set_axis_off()


def draw_threshold(x: Tensor, figure: Figure, *, threshold: int, digit: int) -> None:
    """Draw the digit x[digit], ``(1, 8, 8)`` in [0, 1], beside 1[x ≥ threshold/16]."""
    grey = x[digit, None]
    white = (grey >= threshold / 16).to(grey.dtype)
    pair = (grey, "17 grey levels"), (white, f"x ≥ {threshold}/16: {100 * white.mean():.0f} % ink")
    for ax, (picture, title) in zip(figure.axes, pair, strict=True):
        plots.images(picture, title=title, ax=ax)

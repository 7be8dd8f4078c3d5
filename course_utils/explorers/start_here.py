"""The explorers of notebook 00: a model that learns to write, and the threshold that makes a digit binary."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.datasets import digits
from course_utils.explorers.engine import Explorer, bare, slider

SHOWN = 20


def threshold() -> Explorer:
    """One real digit: which of its 64 pixels are ink from a threshold t on, and what share of them that is.

    The course's binary digits use t = 8 of 16.
    """
    x = digits("levels").train.x[:SHOWN].cpu()

    def draw(figure: Figure, *, threshold: int, digit: int) -> None:
        grey, (left, right) = x[digit, None], figure.axes
        binary = (grey >= threshold / 16).to(grey.dtype)
        plots.images(grey, title="17 grey levels", ax=left)
        plots.images(binary, title=f"x ≥ {threshold}/16: {100 * binary.mean():.0f} % ink", ax=right)

    return Explorer(
        draw,
        title="A handwritten digit in 17 grey levels, and in black and white",
        size=(7, 3.1),
        frame=bare((0.02, 0.02, 0.46, 0.86), (0.52, 0.02, 0.46, 0.86)),
        threshold=slider(1, 16, value=8, tooltip="Pixels of at least this grey level become ink"),
        digit=slider(0, SHOWN - 1, value=2, tooltip="Which of the first digits of the training set"),
    )


def writing(samples: Sequence[Tensor]) -> Explorer:
    """What a model draws after 0, 1, 2, … epochs: ``(n, 1, H, W)`` each, best of the same random numbers."""

    def draw(figure: Figure, *, epoch: int) -> None:
        title = f"after {epoch} epochs" if epoch else "before it has learned anything"
        plots.images(samples[epoch].cpu(), columns=12, title=title, ax=figure.axes[0])

    return Explorer(
        draw,
        title="Digits that a model draws while it learns",
        size=(10, 2.25),
        frame=bare((0.01, 0.02, 0.98, 0.8)),
        epoch=slider(0, len(samples) - 1, value=len(samples) - 1, tooltip="Go through the training"),
    )

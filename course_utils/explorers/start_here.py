"""The explorer of notebook 00: a digit and the threshold that makes it black and white."""

from matplotlib.figure import Figure

from course_utils import plots
from course_utils.datasets import digits
from course_utils.explorers.engine import Explorer, slider

SHOWN = 20


def threshold() -> Explorer:
    """One real digit: which of its 64 pixels are ink from a threshold t on, and what share of them that is.

    The course's binary digits use t = 8 of 16.
    """
    x = digits("levels").train.x[:SHOWN].cpu()

    def frame(figure: Figure) -> None:
        for left in (0.02, 0.52):
            figure.add_axes((left, 0.02, 0.46, 0.86)).set_axis_off()

    def draw(figure: Figure, *, threshold: int, digit: int) -> None:
        grey, (left, right) = x[digit, None], figure.axes
        binary = (grey >= threshold / 16).to(grey.dtype)
        plots.images(grey, title="17 grey levels", ax=left)
        plots.images(binary, title=f"x ≥ {threshold}/16: {100 * binary.mean():.0f} % ink", ax=right)

    return Explorer(
        draw,
        title="A handwritten digit in 17 grey levels, and in black and white",
        size=(7, 3.4),
        frame=frame,
        threshold=slider(1, 16, value=8, tooltip="Pixels of at least this grey level become ink"),
        digit=slider(0, SHOWN - 1, value=0, tooltip="Which of the first digits of the training set"),
    )

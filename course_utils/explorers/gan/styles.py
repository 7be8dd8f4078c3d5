"""Noise that moves while the classes stay: what a generator has put into each of the two."""

from math import pi

import torch
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.explorers.engine import Explorer, slider
from course_utils.models import GAN

ROWS = 4


def styles(model: GAN) -> Explorer:
    """Each class in a column, one z for all classes in a row, and every z on its way to another.

    Args:
        model: of images with one channel, told the class.

    Raises:
        ValueError: the model knows no classes.
    """
    classes = getattr(model, "classes", None)
    if not classes:
        raise ValueError(f"styles: expected a GAN with classes, got {type(model).__name__} without")
    y = torch.arange(classes, device=model.reference.device)

    def frame(figure: Figure) -> None:
        figure.add_axes((0.07, 0.01, 0.92, 0.83)).set_axis_off()

    def draw(figure: Figure, *, way: float, seed: int) -> None:
        start, end = model.noise(2 * ROWS, torch.Generator(y.device).manual_seed(seed)).chunk(2)
        angle = torch.tensor(way * pi / 2)
        z = angle.cos() * start + angle.sin() * end  # on an arc: everywhere as likely as z itself
        with torch.no_grad():
            x = model.generator(z.repeat_interleave(classes, 0), y.repeat(ROWS)).cpu()
        columns, rows = [str(k) for k in range(classes)], [f"z {k}" for k in range(1, ROWS + 1)]
        title = f"every z has gone {100 * way:.0f} % of its way"
        plots.images(x, columns=columns, rows=rows, title=title, ax=figure.axes[0])

    return Explorer(
        draw,
        title="One z a row, one class a column",
        size=(9, 4.2),
        frame=frame,
        way=slider(0.0, 1.0, value=0.5, step=0.05, tooltip="How far each z has gone to another one"),
        seed=slider(0, 20, value=0, tooltip="Which z they are"),
    )

"""A zebra made a horse, exchanged bit by bit for the horse that it is, and what comes back from either."""

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.applications.translation import CycleGAN, difference
from course_utils.explorers.engine import Explorer, slider

FEW = 3


def stripes(model: CycleGAN, horses: Tensor, zebras: Tensor, body: Tensor) -> Explorer:
    """G of pictures on the way from F(y) to the true horse x, under those pictures, over the zebra y.

    Args:
        model: G makes zebras of horses.
        horses, zebras: the same animals under both coats, ``(N, 3, H, W)`` each; three of them are shown.
        body: where the animals are, ``(N, 1, H, W)``.

    Raises:
        ValueError: the model is none, or the three differ in number or size.
    """
    if not isinstance(model, CycleGAN):
        raise ValueError(f"stripes: expected a CycleGAN, got {type(model).__name__}")
    size = (len(horses), *model.event_shape[1:])
    if horses.shape != zebras.shape or (len(body), *body.shape[2:]) != size:
        got = ", ".join(str(tuple(part.shape)) for part in (horses, zebras, body))
        raise ValueError(f"stripes: expected pictures of the same animals, and their bodies, got {got}")
    x, y, where = (part[:FEW].to(model.to_y.fine.weight.device) for part in (horses, zebras, body))
    made = model.translate(y, "x")

    def frame(figure: Figure) -> None:
        figure.add_axes((0.1, 0.01, 0.89, 0.86)).set_axis_off()

    def draw(figure: Figure, *, way: float) -> None:
        between = torch.lerp(made, x, way)
        back = model.translate(between)
        error = difference(back, y, where).mean().item()
        title = f"{100 * way:.0f} % of the way from F(y) to x: G is {error:.2f} off the zebra"
        plots.images(
            torch.cat([between, back, y]).cpu(),
            columns=len(y),
            rows=["input", "G(input)", "zebra y"],
            title=title,
            ax=figure.axes[0],
        )

    return Explorer(
        draw,
        title="From a zebra made a horse to the true horse, and what G makes of them",
        size=(6.5, 5.75),
        frame=frame,
        way=slider(
            0.0, 1.0, value=0.0, step=0.05, tooltip="From F(y), the zebra made a horse, to the true horse"
        ),
    )

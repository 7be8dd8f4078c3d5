"""A conditional PixelCNN at work: coarse colours row by row, and the picture that they make so far."""

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import interpolate

from course_utils.applications.colourisation import PATCH, Colouriser
from course_utils.applications.luma_chroma import rgb
from course_utils.explorers.engine import Explorer, picture, slider

DRAWS, FEWEST = 4, 2
SIZE = (9.5, 3.75)
TITLES = ("given", "coarse colours", "refined")


def row_by_row(model: Colouriser, given: Tensor) -> Explorer:
    """A grey picture or sketch, its coarse colours down to some row, and the picture refined from those.

    Args:
        model: what colours.
        given: the pictures to choose from, ``(N, 1, S, S)`` with N of at least 2.

    Raises:
        ValueError: they are fewer, or none that the model takes.
    """
    if len(given) < FEWEST:
        raise ValueError(f"row_by_row: expected at least {FEWEST} pictures, got {len(given)}")
    n, rows = len(given), model.side // PATCH
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(0)
    pictures = given.to(device)
    drawn = model.coarse_sample(pictures.repeat(DRAWS, 1, 1, 1), generator=generator).unflatten(0, (DRAWS, n))

    def frame(figure: Figure) -> None:
        for i in range(len(TITLES)):
            figure.add_axes((0.01 + 0.33 * i, 0.02, 0.32, 0.32 * SIZE[0] / SIZE[1])).set_axis_off()

    def draw(figure: Figure, *, image: int, sample: int, rows: int) -> None:
        here, colours = pictures[image - 1 : image], drawn[sample - 1, image - 1 : image].clone()
        colours[:, -2:, rows:] = 0
        if model.given == "sketch":
            colours[:, :1, rows:] = 1
        fine = model.painted(here, colours)
        y = colours[:, :1] if model.given == "sketch" else torch.full_like(colours[:, :1], 0.5)
        flat = interpolate(rgb(y, colours[:, -2:]), scale_factor=PATCH)
        for axes, title, x in zip(figure.axes, TITLES, (here, flat, fine), strict=True):
            shown = 1 - x if model.given == "grey" and x.shape[1] == 1 else x
            axes.imshow(picture(shown), interpolation="nearest")
            axes.set_title(title)

    return Explorer(
        draw,
        title="A picture is coloured, coarse colour by coarse colour",
        size=SIZE,
        frame=frame,
        image=slider(1, n, value=1, tooltip="Which picture is given"),
        sample=slider(1, DRAWS, value=1, tooltip="Which of the samples for this picture"),
        rows=slider(0, rows, value=rows, tooltip="How many rows of coarse colours have been drawn"),
    )

"""The explorers of notebook 05: a lens over restored photographs, coarse colours drawn row by row."""

from collections.abc import Mapping
from math import log10

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from course_utils.applications.colourisation import PATCH, Colouriser
from course_utils.applications.luma_chroma import rgb
from course_utils.checks import check_events
from course_utils.explorers.engine import Explorer, bare, picture, slider
from course_utils.plots.canvas import VERMILLION

LENS = 64  # pixels that it shows, across and down
SCREEN = 150  # pixels of the whole photograph, at most: it only shows where the lens is
PLACES = ((0.47, 0.50), (0.74, 0.50), (0.47, 0.01), (0.74, 0.01))  # of what the lens shows
WIDE, HIGH = 0.25, 0.43
DRAWS, FEWEST = 4, 2  # of coarse colours for each picture; pictures to choose from
TITLES = ("given", "coarse colours", "refined")


def lens(original: Tensor, restored: Mapping[str, Tensor], *, at: tuple[int, int] | None = None) -> Explorer:
    """Choose a place on a photograph; the lens shows the original there and up to three restored ones.

    Args:
        original: ``(1, C, H, W)`` with C of 1 or 3, at least 64 pixels high and wide, values in [0, 1].
        restored: by name, one to three pictures of its shape; over each stands its PSNR under the lens.
        at: the middle of the lens at first, pixels from the left and from the top; None: the middle.

    Raises:
        ValueError: there are no such pictures, or more than three.
    """
    shape = tuple(original.shape[1:]) if isinstance(original, Tensor) else ()
    if len(shape) != 3 or shape[0] not in (1, 3) or min(shape[1:]) < LENS or len(original) != 1:
        came = tuple(original.shape) if isinstance(original, Tensor) else type(original).__name__
        raise ValueError(f"lens: expected a photograph (1, 1 or 3, H, W) from {LENS}×{LENS} up, got {came}")
    if not 1 <= len(restored) <= len(PLACES) - 1:
        raise ValueError(f"lens: expected 1 to {len(PLACES) - 1} restored pictures, got {len(restored)}")
    shown = {
        name: pixels(check_events(x, shape, "unit", like=original, who=f"lens: {name}"))
        for name, x in {**restored, "original": original}.items()
    }
    (height, width), half = shape[1:], LENS // 2
    start = at or (width // 2, height // 2)
    coarse = -(-max(height, width) // SCREEN)
    whole = pixels(avg_pool2d(original, coarse)) if coarse > 1 else shown["original"]
    box = (0, coarse * whole.shape[1], coarse * whole.shape[0], 0)

    def frame(figure: Figure) -> None:
        ax = figure.add_axes((0.0, 0.01, 0.46, 0.92))
        ax.set_axis_off()
        ax.imshow(whole, extent=box)
        for left, bottom in PLACES[: len(shown)]:
            figure.add_axes((left, bottom, WIDE, HIGH)).set_axis_off()

    def draw(figure: Figure, *, across: int, down: int) -> None:
        photograph, *places = figure.axes
        left, top = across - half, down - half
        line = {"fill": False, "edgecolor": VERMILLION, "linewidth": 3}
        photograph.add_patch(Rectangle((left, top), LENS, LENS, **line))
        truth = cut(shown["original"], left, top)
        for ax, (name, x) in zip(places, shown.items(), strict=True):
            here = cut(x, left, top)
            ax.imshow(here, interpolation="nearest")
            far = "" if name == "original" else f", {psnr(here, truth):.1f} dB"
            ax.set_title(name + far, size=13, pad=4)

    return Explorer(
        draw,
        title=f"A photograph with a frame, and what lies in the frame, {LENS}×{LENS} pixels, restored",
        size=(9.6, 4.9),
        frame=frame,
        across=slider(half, width - half, value=start[0], step=1, tooltip="The middle, from the left"),
        down=slider(half, height - half, value=start[1], step=1, tooltip="The middle, from the top"),
    )


def pixels(x: Tensor) -> np.ndarray:
    """One picture ``(1, C, H, W)`` as bytes ``(H, W, 3)``."""
    return (255 * x[0].detach().cpu().expand(3, -1, -1)).round().byte().movedim(0, 2).numpy()


def cut(x: np.ndarray, left: int, top: int) -> np.ndarray:
    """What the lens shows of a picture."""
    return x[top : top + LENS, left : left + LENS]


def psnr(made: np.ndarray, truth: np.ndarray) -> float:
    """Of bytes, in dB."""
    error = np.square(made.astype(float) - truth).mean() / 255**2
    return -10 * log10(max(error, 1e-10))


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
        size=(9.5, 3.75),
        frame=bare(*((0.01 + 0.33 * i, 0.02, 0.32, 0.32 * 9.5 / 3.75) for i in range(3))),
        image=slider(1, n, value=1, tooltip="Which picture is given"),
        sample=slider(1, DRAWS, value=1, tooltip="Which of the samples for this picture"),
        rows=slider(0, rows, value=rows, tooltip="How many rows of coarse colours have been drawn"),
    )

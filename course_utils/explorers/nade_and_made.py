"""The explorer of notebook 12: which pixels reach an output of MADE, in any order."""

from functools import cache

import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from torch import Tensor

from course_utils.explorers.engine import Explorer, choice, slider, switch
from course_utils.models import MADE
from course_utils.plots.canvas import BLUE, VERMILLION

SIDE, UNITS, PLACES = 3, 6, 9
GREY = "#d0d0d0"
INK = {GREY: "black", BLUE: "white", VERMILLION: "white"}
Spots = list[tuple[float, float]]
ORDERS: dict[str, list[int]] = {
    "row by row": list(range(PLACES)),
    "column by column": [0, 3, 6, 1, 4, 7, 2, 5, 8],
    "from the middle": [4, 1, 5, 7, 3, 0, 2, 8, 6],
    "shuffled": [7, 2, 4, 0, 8, 3, 6, 1, 5],
}


def paths() -> Explorer:
    """A small MADE as a graph: which pixels reach an output, by which hidden units, in which order.

    Nine pixels, two hidden layers of six units; a number on a unit is its degree. Only the
    connections that lead to the chosen output are drawn.
    """

    def frame(figure: Figure) -> None:
        ax = figure.add_axes((0.01, 0.02, 0.64, 0.88), xlim=(-0.3, 3.3), ylim=(0.2, PLACES + 0.5))
        for across, name in enumerate(("pixels", "hidden 1", "hidden 2", "outputs")):
            figure.text(across, PLACES + 0.15, name, ha="center", size=13, transform=ax.transData)
        image = figure.add_axes((0.69, 0.14, 0.3, 0.62), xlim=(0, SIDE), ylim=(SIDE, 0), aspect="equal")
        for one in (ax, image):
            one.set_axis_off()

    def draw(figure: Figure, *, output: int, order: str, degrees: str, direct: bool) -> None:
        model = small_made(order, degrees, direct)
        pixel = int(model.order[output - 1])
        reached = [torch.arange(PLACES) == pixel]
        for mask in reversed(model.masks):  # from the output down
            reached.insert(0, mask[reached[0]].any(0))
        if direct:
            reached[0] = reached[0] | model.direct_mask[pixel]
        draw_network(figure.axes[0], model, pixel, reached, direct)
        draw_image(figure.axes[1], model, pixel, reached[0])

    return Explorer(
        draw,
        frame=frame,
        title="The connections of a MADE: an output depends on pixels before it in the order alone",
        size=(8, 4.2),
        output=slider(1, PLACES, value=5, tooltip="Which pixel's probability is computed: its place"),
        order=choice(list(ORDERS), tooltip="The order in which pixels are visited"),
        degrees=choice(["spread evenly", "random"], tooltip="How hidden units get their degrees"),
        direct=switch(tooltip="Whether pixels are joined to outputs directly"),
    )


@cache
def small_made(order: str, degrees: str, direct: bool) -> MADE:
    """The network of the explorer; its weights do not matter."""
    masks = 1 if degrees == "spread evenly" else 2  # two masks: degrees are drawn
    return MADE((1, SIDE, SIDE), hidden=(UNITS, UNITS), order=ORDERS[order], direct=direct, masks=masks)


def draw_network(ax: Axes, model: MADE, pixel: int, reached: list[Tensor], direct: bool) -> None:
    """Draw layers of units from left to right, in each by rising degree from the top down, and the paths."""
    columns = [*model.degrees, model.degrees[0]]
    spots: list[Spots] = []
    for across, degree in enumerate(columns):
        rank, step = degree.argsort(stable=True).argsort(), 0.98 * (PLACES - 1) / (len(degree) - 1)
        spots.append([(across, PLACES - 0.45 - step * place) for place in rank.tolist()])
    joined = [(k, k + 1, mask & reached[k + 1][:, None]) for k, mask in enumerate(model.masks)]
    if direct:
        joined.append((0, len(columns) - 1, model.direct_mask & reached[-1][:, None]))
    lines = [[spots[a][j], spots[b][i]] for a, b, mask in joined for i, j in mask.nonzero().tolist()]
    ax.add_collection(LineCollection(lines, colors=BLUE, linewidths=1.2, zorder=1), autolim=False)
    faces = [BLUE if on else GREY for layer in reached for on in layer.tolist()]
    faces[pixel - PLACES] = VERMILLION  # the outputs come last
    units = [spot for layer in spots for spot in layer]
    ax.scatter(*zip(*units, strict=True), s=360, c=faces, zorder=3)
    write(ax, units, torch.cat(columns).tolist(), faces, 12)


def draw_image(ax: Axes, model: MADE, pixel: int, known: Tensor) -> None:
    """Draw the image: the pixel whose output was chosen, those that reach it, and each one's place."""
    kinds = torch.where(torch.arange(PLACES) == pixel, 2, known.int())
    colours = ListedColormap(list(INK))
    ax.pcolormesh(kinds.view(SIDE, SIDE), cmap=colours, vmin=0, vmax=2, edgecolor="white", lw=3)
    middles = [(k % SIDE + 0.5, k // SIDE + 0.5) for k in range(PLACES)]
    write(ax, middles, model.degrees[0].tolist(), [list(INK)[kind] for kind in kinds], 18)
    ax.set_title(f"output {int(model.degrees[0][pixel])} sees {int(known.sum())} pixels", size=15)


@cache
def numeral(number: int, size: float) -> Path:
    """The outline of a number around (0, 0), in points."""
    path = TextPath((0, 0), str(number), size=size)
    return path.transformed(Affine2D().translate(*-path.get_extents().get_points().mean(0)))


def write(ax: Axes, spots: Spots, numbers: list[int], faces: list[str], size: float) -> None:
    """Write numbers on faces in one go: as texts they would take longer than all the rest."""
    outlines, inks = [numeral(number, size) for number in numbers], [INK[face] for face in faces]
    place = {"offsets": spots, "offset_transform": ax.transData}
    written = PathCollection(outlines, **place, facecolors=inks, linewidths=0, zorder=4)
    written.set_transform(Affine2D().scale(ax.figure.dpi / 72))
    ax.add_collection(written, autolim=False)

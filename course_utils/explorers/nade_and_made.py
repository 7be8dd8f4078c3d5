"""The explorer of notebook 12: which pixels reach an output of MADE, in any order."""

from functools import cache

import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from torch import Tensor

from course_utils.explorers.engine import Explorer, choice, slider, switch
from course_utils.models import MADE
from course_utils.plots.canvas import BLUE, VERMILLION

SIDE, UNITS = 3, 6
GREY = "#d0d0d0"
INK = {GREY: "black", BLUE: "white", VERMILLION: "white"}
Spots = list[tuple[float, float]]
PLACES = SIDE * SIDE
ORDERS: dict[str, list[int]] = {
    "row by row": list(range(PLACES)),
    "column by column": [column + SIDE * row for column in range(SIDE) for row in range(SIDE)],
    "from the middle": [4, 1, 5, 7, 3, 0, 2, 8, 6],
    "shuffled": [7, 2, 4, 0, 8, 3, 6, 1, 5],
}


def paths() -> Explorer:
    """A small MADE as a graph: which pixels reach an output, by which hidden units, in which order.

    Nine pixels, two hidden layers of six units; a number on a unit is its degree. Only the
    connections that lead to the chosen output are drawn.
    """
    return Explorer(
        draw_paths,
        title="The connections of a MADE: an output hears only the pixels before it in the order",
        size=(8, 4.2),
        frame=frame_paths,
        output=slider(1, PLACES, value=5, tooltip="Which pixel's probability is computed: its place"),
        order=choice(list(ORDERS), tooltip="The order in which pixels are visited"),
        degrees=choice(["spread evenly", "random"], tooltip="How hidden units get their degrees"),
        direct=switch(False, name="direct", tooltip="Whether pixels are joined to outputs directly"),
    )


@cache
def small_made(order: str, degrees: str, direct: bool) -> MADE:
    """The network of the explorer; its weights do not matter."""
    masks = 1 if degrees == "spread evenly" else 2  # two masks: degrees are drawn
    return MADE((1, SIDE, SIDE), hidden=(UNITS, UNITS), order=ORDERS[order], direct=direct, masks=masks)


def heard(masks: list[Tensor], output: int) -> list[Tensor]:
    """Which units of each layer, from the pixels up, reach one output: bool ``(units,)`` each."""
    reached = [torch.arange(len(masks[-1])) == output]
    for mask in reversed(masks):
        reached.insert(0, (reached[0].double() @ mask.double()) > 0)
    return reached


def frame_paths(figure: Figure) -> None:
    """Name the layers, over a place for the network; beside it a place for the image."""
    ax = figure.add_axes((0.01, 0.02, 0.64, 0.88), xlim=(-0.3, 3.3), ylim=(0.2, PLACES + 0.5))
    for across, name in enumerate(("pixels", "hidden 1", "hidden 2", "outputs")):
        figure.text(across, PLACES + 0.15, name, ha="center", size=13, transform=ax.transData)
    ax.set_axis_off()
    figure.add_axes((0.69, 0.14, 0.3, 0.62), xlim=(0, SIDE), ylim=(0, SIDE), aspect="equal").set_axis_off()


def draw_paths(figure: Figure, *, output: int, order: str, degrees: str, direct: bool) -> None:
    """Draw the network as layers of nodes from left to right, and the pixels as an image."""
    model = small_made(order, degrees, direct)
    pixel = int(model.order[output - 1])
    layers, masks = model.degrees, model.masks
    reached = heard(masks, pixel)
    if direct:
        reached[0] = reached[0] | model.direct_mask[pixel]
    ax, image = figure.axes
    columns = [*layers, layers[0]]
    spots = [nodes(degree, across) for across, degree in enumerate(columns)]
    lines = [
        line
        for below, mask in enumerate(masks)
        for line in edges(spots[below], spots[below + 1], mask, reached[below + 1])
    ]
    if direct:
        lines += edges(spots[0], spots[-1], model.direct_mask, torch.arange(PLACES) == pixel)
    ax.add_collection(LineCollection(lines, colors=BLUE, linewidths=1.2, zorder=1), autolim=False)
    faces = [BLUE if on else GREY for layer in reached for on in layer.tolist()]
    faces[pixel - PLACES] = VERMILLION  # the outputs come last
    flat = [spot for layer in spots for spot in layer]
    ax.scatter(*zip(*flat, strict=True), s=360, c=faces, zorder=3)
    write(ax, flat, torch.cat(columns).tolist(), [INK[face] for face in faces], 12)
    draw_context(image, model, pixel, reached[0])


@cache
def numeral(number: int, size: float) -> Path:
    """The outline of a number around (0, 0), in points."""
    path = TextPath((0, 0), str(number), size=size)
    box = path.get_extents()
    return path.transformed(Affine2D().translate(-(box.x0 + box.x1) / 2, -(box.y0 + box.y1) / 2))


def write(ax: Axes, spots: Spots, numbers: list[int], colours: list[str], size: float) -> None:
    """Write numbers in one go: as texts they would take as long as all the rest."""
    paths = [numeral(number, size) for number in numbers]
    written = PathCollection(
        paths, offsets=spots, offset_transform=ax.transData, facecolors=colours, linewidths=0, zorder=4
    )
    written.set_transform(Affine2D().scale(ax.figure.dpi / 72))
    ax.add_collection(written, autolim=False)


def nodes(degree: Tensor, across: int) -> Spots:
    """Where the units of a layer stand: by rising degree from the top down."""
    rank = degree.argsort(stable=True).argsort()
    step = (PLACES - 1) / (len(degree) - 1)
    return [(across, PLACES - 0.45 - float(r) * step * 0.98) for r in rank]


def edges(below: Spots, above: Spots, mask: Tensor, reached: Tensor) -> list[Spots]:
    """From where to where those connections of a mask go that lead to a unit which is reached."""
    return [[below[j], above[k]] for k, j in (mask & reached[:, None]).nonzero().tolist()]


def draw_context(ax: Axes, model: MADE, pixel: int, known: Tensor) -> None:
    """Draw the image: the pixel that is asked for, those that reach it, and each one's place."""
    corners = [(k % SIDE, SIDE - 1 - k // SIDE) for k in range(PLACES)]
    faces = [VERMILLION if k == pixel else BLUE if known[k] else GREY for k in range(PLACES)]
    tiles = [Rectangle(corner, 0.94, 0.94) for corner in corners]
    ax.add_collection(PatchCollection(tiles, color=faces, zorder=1), autolim=False)
    middles = [(x + 0.47, y + 0.47) for x, y in corners]
    write(ax, middles, model.degrees[0].tolist(), [INK[face] for face in faces], 18)
    ax.set_title(f"output {int(model.degrees[0][pixel])} hears {int(known.sum())} pixels", size=15)

"""The explorer of notebook 12: which pixels reach an output of MADE, in any order."""

import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from course_utils.explorers.base import Explorer
from course_utils.explorers.controls import choice, slider, switch
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
        output=slider(1, PLACES, value=5, tooltip="Which pixel's probability is computed: its place"),
        order=choice(list(ORDERS), tooltip="The order in which pixels are visited"),
        degrees=choice(["spread evenly", "random"], tooltip="How hidden units get their degrees"),
        direct=switch(False, name="direct", tooltip="Whether pixels are joined to outputs directly"),
    )


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


def draw_paths(figure: Figure, *, output: int, order: str, degrees: str, direct: bool) -> None:
    """Draw the network as layers of nodes from left to right, and the pixels as an image."""
    model = small_made(order, degrees, direct)
    pixel = int(model.order[output - 1])
    layers, masks = model.degrees, model.masks
    reached = heard(masks, pixel)
    if direct:
        reached[0] = reached[0] | model.direct_mask[pixel]
    ax = figure.add_axes((0.01, 0.02, 0.64, 0.88))
    columns = [*layers, layers[0]]
    spots = [nodes(degree, across) for across, degree in enumerate(columns)]
    for below, mask in enumerate(masks):
        draw_edges(ax, spots[below], spots[below + 1], mask, reached[below + 1])
    if direct:
        only = torch.zeros(PLACES, dtype=torch.bool)
        only[pixel] = True
        draw_edges(ax, spots[0], spots[-1], model.direct_mask & only[:, None], only)
    for across, (degree, spot) in enumerate(zip(columns, spots, strict=True)):
        faces = [BLUE if on else GREY for on in reached[across].tolist()]
        if across == 3:
            faces[pixel] = VERMILLION
        ax.scatter(*zip(*spot, strict=True), s=360, c=faces, zorder=3)
        for (x, y), face, number in zip(spot, faces, degree.tolist(), strict=True):
            ax.text(x, y, f"{number}", color=INK[face], ha="center", va="center", size=12, zorder=4)
    for across, name in enumerate(("pixels", "hidden 1", "hidden 2", "outputs")):
        ax.text(across, PLACES + 0.15, name, ha="center", size=13)
    ax.set(xlim=(-0.3, 3.3), ylim=(0.2, PLACES + 0.5))
    ax.set_axis_off()
    draw_context(figure, model, pixel, reached[0])


def nodes(degree: Tensor, across: int) -> Spots:
    """Where the units of a layer stand: by rising degree from the top down."""
    rank = degree.argsort(stable=True).argsort()
    step = (PLACES - 1) / (len(degree) - 1)
    return [(across, PLACES - 0.45 - float(r) * step * 0.98) for r in rank]


def draw_edges(ax: Axes, below: Spots, above: Spots, mask: Tensor, reached: Tensor) -> None:
    """Draw those connections of a mask that lead to a unit which is reached."""
    ends = (mask & reached[:, None]).nonzero().tolist()
    lines = [(below[j], above[k]) for k, j in ends]
    ax.add_collection(LineCollection(lines, colors=BLUE, linewidths=1.2, zorder=1), autolim=False)


def draw_context(figure: Figure, model: MADE, pixel: int, known: Tensor) -> None:
    """Draw the image: the pixel that is asked for, those that reach it, and each one's place."""
    ax = figure.add_axes((0.69, 0.14, 0.3, 0.62))
    for k, place in enumerate(model.degrees[0].tolist()):
        x, y = k % SIDE, SIDE - 1 - k // SIDE
        face = VERMILLION if k == pixel else BLUE if known[k] else GREY
        ax.add_patch(Rectangle((x, y), 0.94, 0.94, color=face))
        ax.text(x + 0.47, y + 0.47, str(place), color=INK[face], size=18, ha="center", va="center")
    ax.set(xlim=(0, SIDE), ylim=(0, SIDE), aspect="equal")
    ax.set_title(f"output {int(model.degrees[0][pixel])} hears {int(known.sum())} pixels", size=15)
    ax.set_axis_off()

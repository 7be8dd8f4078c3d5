"""The tree of slide 14, where a class says what it can compute."""

from collections.abc import Sequence
from functools import cache, partial
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox, IdentityTransform

import course_utils.models  # noqa: F401  the systems take their places on the tree
from course_utils import plots
from course_utils.evaluation import Row, load
from course_utils.evaluation.results import BINARY, C2ST, GREY, LIKELIHOODS, MEASURES, TV_HISTOGRAM, UNIVERSES
from course_utils.explorers.engine import Explorer, choice
from course_utils.plots.tree import LETTERS, branches, is_system
from course_utils.plots.tree import systems as titles_under
from course_utils.taxonomy import GenerativeModel, children, verbs

Node = type[GenerativeModel]
SIZE = (10.4, 6.0)
LARGEST, SHOWN = list(UNIVERSES)[-1], 16
SAYS = {
    "exact": "computes p(x)",
    "lower bound": "bounds p(x)",
    "unnormalised": "p(x) up to Z",
    "none": "samples only",
}


def systems(rows: Sequence[Row] | None = None, *, start: str = "NADE") -> Explorer:
    """The tree of slide 14: choose a class, and see its branch, its verbs and, of a system, its row.

    Args:
        rows: of the scoreboard; None: those that the course ships.
        start: the name of the class to begin with.

    Raises:
        ValueError: there is no such class on the tree.
    """
    names = {label(node): node.__name__ for node in nodes()}
    if start not in names.values():
        raise ValueError(f"systems: expected one of {', '.join(names.values())}, got {start!r}")
    rows = list(load() if rows is None else rows)
    return Explorer(
        partial(draw_systems, rows, sheets(rows)),
        title="The tree of slide 14, and what a class of it can compute",
        size=SIZE,
        frame=frame_systems,
        node=choice(names, value=start, name="class", tooltip="A branch of the tree, or a system on it"),
    )


def nodes(node: Node = GenerativeModel) -> list[Node]:
    """A node and all under it, each before what hangs under it, left to right."""
    return [node] + [found for child in children(node) for found in nodes(child)]


def label(node: Node) -> str:
    """What a node is called in the list: its title, with its parent's where two have the same."""
    depth = sum(node in nodes(other) for other in nodes()) - 1
    parent: Any = next(base for base in node.__mro__[1:] if hasattr(base, "title") or base is object)
    same = [other for other in nodes() if other.title == node.title and other is not node]
    return "\N{EN SPACE}" * depth + node.title + (f" ({parent.title.lower()})" if same else "")


def frame_systems(figure: Figure) -> None:
    """Draw the tree in full colours, its connections pale, and a place for images."""
    ax = figure.add_axes((0.005, 0.36, 0.99, 0.64))
    plots.tree(ax, about=False)
    ax.set_axis_on()
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    for line in ax.lines:
        line.set_color("0.82")
    figure.add_axes((0.74, 0.02, 0.25, 0.3)).set_axis_off()


def draw_systems(rows: list[Row], sheets: dict[str, np.ndarray], figure: Figure, *, node: str) -> None:
    """Light a branch of the tree and, below, say what the class can do and how its system fares."""
    chosen = next(one for one in nodes() if one.__name__ == node)
    light(figure, chosen)
    says = chosen.about if unsure(chosen) else SAYS[chosen.density]
    lines = [fill(f"{chosen.title}: {says}", 72), fill(f"verbs: {', '.join(verbs(chosen))}", 72)]
    if is_system(chosen):
        lines += facts(chosen.__name__, rows)
    figure.text(0.02, 0.315, "\n".join(lines), size=14, va="top", linespacing=1.45)
    if node in sheets:
        show(figure.axes[1], sheets[node])


def show(ax: Axes, sheet: np.ndarray) -> None:
    """Show images, four in a row, with lines between them."""
    height, width = sheet.shape[:2]
    ax.imshow(sheet)
    cuts = [[(x, -0.5), (x, height - 0.5)] for x in np.arange(1, 4) * width / 4 - 0.5]
    cuts += [[(-0.5, y), (width - 0.5, y)] for y in np.arange(1, 4) * height / 4 - 0.5]
    ax.add_collection(LineCollection(cuts, colors="0.62", linewidths=1.5), autolim=False)


def sheets(rows: list[Row]) -> dict[str, np.ndarray]:
    """Sixteen images of each system that has some, four in a row, ``(4·H, 4·W, 3)`` in bytes."""
    found = {}
    for model in {row.model for row in rows}:
        images = next((row.pictures for row in of(model, rows) if row.pictures is not None), None)
        if images is not None:
            images = images[:SHOWN]
            height, width = images.shape[2:]
            sheet = images.view(4, 4, height, width).transpose(1, 2).reshape(4 * height, 4 * width, 1)
            found[model] = (255 * sheet.numpy()).round().astype(np.uint8).repeat(3, 2)
    return found


def boxes(node: Node = GenerativeModel) -> list[Node]:
    """The classes that have a box, in the order in which ``plots.tree`` draws them."""
    return [found for child in branches(node) for found in boxes(child)] + [node]


@cache
def places(dpi: float, nodes: tuple[Node, ...]) -> tuple[dict[Node, Bbox], dict[Node, Bbox]]:
    """Where the words in a box stand, and the list of a family's systems: in pixels."""
    figure = Figure(figsize=SIZE, dpi=dpi)
    FigureCanvasAgg(figure)
    frame_systems(figure)
    texts = figure.axes[0].texts
    titles = [text.get_window_extent() for text in texts if text.get_bbox_patch()]
    lists = [text.get_window_extent() for text in texts if not text.get_bbox_patch()]
    families = [node for node in nodes if not branches(node)]
    return dict(zip(nodes, titles, strict=True)), dict(zip(families, lists, strict=True))


def light(figure: Figure, chosen: Node) -> None:
    """Leave the way to a class and all under it in colour, its connections strong; veil the rest.

    The words of the tree stand: to draw them anew would take as long as all the rest.
    """
    titles, lists = places(figure.dpi, tuple(boxes()))
    pixel = figure.dpi / 72  # places are in pixels, letters in points
    lit = [node for node in titles if issubclass(chosen, node) or issubclass(node, chosen)]
    pale = [spot.padded(6 * pixel) for node, spot in titles.items() if node not in lit]
    hidden = [spot.padded(pixel) for family, spot in lists.items() if family not in lit]
    on: dict[str, Any] = {"transform": IdentityTransform()}
    for spots, alpha in ((pale, 0.6), (hidden, 1.0)):
        tiles = [spot.corners()[[0, 1, 3, 2]] for spot in spots]
        figure.add_artist(PolyCollection(tiles, facecolors="white", alpha=alpha, linewidths=0, **on))
    joined = [(node, child) for node in lit for child in branches(node) if child in lit]
    ways = [way(titles[node], titles[child], 4.5 * pixel) for node, child in joined]
    figure.add_artist(LineCollection(ways, colors="0.45", linewidths=3, **on))
    for family, spot in lists.items():
        if is_system(chosen) and issubclass(chosen, family):
            x, y = spot_of(chosen, family, spot)
            figure.add_artist(Line2D([x - 9 * pixel], [y], marker=">", ms=9, color="black", **on))


def way(above: Bbox, below: Bbox, edge: float) -> list[tuple[float, float]]:
    """From under a box to the top of another, turning half way; boxes reach by their edge beyond words."""
    x, to = (above.x0 + above.x1) / 2, (below.x0 + below.x1) / 2
    half = (above.y0 + above.y1 + below.y0 + below.y1) / 4
    return [(x, above.y0 - edge), (x, half), (to, half), (to, below.y1 + edge)]


def spot_of(system: Node, family: Node, words: Bbox) -> tuple[float, float]:
    """Where a system stands in the list of its family, on the left: in pixels."""
    titles = titles_under(family)
    heights = [fill(title, LETTERS).count("\n") + 1 for title in titles]
    k = titles.index(system.title)
    middle = (sum(heights[:k]) + heights[k] / 2) / sum(heights)
    return words.x0, words.y1 - middle * words.height


def unsure(node: Node) -> bool:
    """Whether the systems under a node differ in what they can say about p(x)."""
    below = {one.density for one in nodes(node) if is_system(one)}
    return len(below) > 1 or not below <= {node.density}


def of(model: str, rows: list[Row]) -> list[Row]:
    """The rows of a model on digits, those on binary ones first."""
    return [row for data in (BINARY, GREY) for row in rows if row.model == model and row.data == data]


def facts(model: str, rows: list[Row]) -> list[str]:
    """What the table knows of a system, in a few short lines."""
    found = {row.data: row for row in rows if row.model == model}
    lines = []
    if LARGEST in found:
        row = found[LARGEST]
        tv = row[TV_HISTOGRAM].value
        lines.append(f"{LARGEST}: TV {tv:.3f} to p_D")
    for row in of(model, rows)[:1]:
        name = next((name for name in LIKELIHOODS if name in row.scores), None)
        parts = []
        if name is not None:
            mark = {"bound": "≤ ", "estimate": "≈ ", "exact": ""}[MEASURES[name].kind]
            parts.append(f"{mark}{row[name].value:.2f} {MEASURES[name].unit}")
        told = row.two_sample(C2ST)
        parts += [f"{100 * told.value:.0f} % told from real"] if told else []
        lines += [f"{row.data}: {', '.join(parts)}", f"trained in {row.seconds:.0f} s"]
    return lines or ["no row in the table yet"]

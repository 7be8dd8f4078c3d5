"""The explorer of notebook 10: the tree of slide 14, where a class says what it can compute."""

from collections.abc import Sequence
from functools import cache
from textwrap import fill
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox, IdentityTransform

import course_utils.models  # noqa: F401  the systems take their places on the tree
from course_utils import plots
from course_utils.evaluation import Row, load
from course_utils.evaluation.results import BINARY, GREY
from course_utils.explorers.engine import Explorer, choice, picture
from course_utils.plots.tree import LISTED, branches, is_system
from course_utils.plots.tree import systems as titles_under
from course_utils.taxonomy import GenerativeModel, children, verbs

Node = type[GenerativeModel]
SIZE, SHOWN, WIDE = (10.0, 5.4), 12, 46  # inches, images of a system, letters in a line
COMPUTES = {
    "exact": "computes p(x)",
    "lower bound": "bounds p(x)",
    "unnormalised": "p(x) up to Z",
    "none": "samples only",
}


def systems(rows: Sequence[Row] | None = None) -> Explorer:
    """The tree of slide 14: choose a class, and see its branch, its verbs and, of a system, what it draws.

    Args:
        rows: of the scoreboard; None: those that the course ships.
    """
    names = {label(node): node.__name__ for node in nodes()}
    kept = digits(list(load() if rows is None else rows))
    pictures = {model: row.pictures for model, row in kept.items() if row.pictures is not None}
    sheets = {model: picture(x[:SHOWN], 6) for model, x in pictures.items()}

    def draw(figure: Figure, *, node: str) -> None:
        """Light a branch of the tree and, below, say what the class can do and show what its system draws."""
        chosen = next(one for one in nodes() if one.__name__ == node)
        light(figure, chosen)
        can = chosen.about if unsure(chosen) else COMPUTES[chosen.density]
        lines = [fill(f"{chosen.title}: {can}", WIDE), fill(f"verbs: {', '.join(verbs(chosen))}", WIDE)]
        if node in kept:
            row = kept[node]
            kind = "17 grey levels" if row.data == GREY else "black and white"
            lines += [f"digits in {kind}:", f"trained in {row.seconds:.0f} CPU seconds"]
            lines += [f"1,000 samples in {row.sampling:.2g} CPU seconds"]
            figure.axes[1].imshow(sheets[node])
        figure.text(0.02, 0.29, "\n".join(lines), size=14, va="top", linespacing=1.3)

    return Explorer(
        draw,
        frame=frame_systems,
        title="The tree of slide 14, and what a class of it can compute",
        size=SIZE,
        node=choice(names, value="NADE", name="class", tooltip="A branch of the tree, or a system on it"),
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
    figure.add_axes((0.55, 0.02, 0.44, 0.31)).set_axis_off()


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
    heights = [fill(title, LISTED).count("\n") + 1 for title in titles]
    k = titles.index(system.title)
    middle = (sum(heights[:k]) + heights[k] / 2) / sum(heights)
    return words.x0, words.y1 - middle * words.height


def unsure(node: Node) -> bool:
    """Whether the systems under a node differ in what they can say about p(x)."""
    below = {one.density for one in nodes(node) if is_system(one)}
    return len(below) > 1 or not below <= {node.density}


def digits(rows: list[Row]) -> dict[str, Row]:
    """The row of each system on digits: the black-and-white one, if it has two."""
    order = sorted((row for row in rows if row.data in (BINARY, GREY)), key=lambda row: row.data == BINARY)
    return {row.model: row for row in order}

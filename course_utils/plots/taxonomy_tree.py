"""Slide 14, drawn from the classes of the taxonomy."""

import re
from textwrap import fill

from matplotlib.axes import Axes

from course_utils.plots.canvas import BLACK, BLUE, VERMILLION, axes
from course_utils.taxonomy import ExplicitDensity, GenerativeModel, children

Node = type[GenerativeModel]
PALE = {BLUE: "#DCEBF7", VERMILLION: "#FBE6D6", BLACK: "#EEEEEE"}
LETTERS = 19  # of a box in a column
SIZE = 12.5
UNLIT, FAINT = "0.82", "0.6"
TOP, LINE = 0.35, 0.21  # of a row: what the root takes above its middle, and a line of the systems


def tree(ax: Axes | None = None, *, lit: Node | None = None, about: bool = True) -> Axes:
    """Draw the taxonomy of slide 14: a box for each class, the systems that can be built under their family.

    Boxes, words and systems are read from the classes of ``course_utils.taxonomy``; a family without a
    system yet is drawn too; the systems are those of ``course_utils.models`` once that is imported. Explicit
    densities are blue, implicit ones orange.

    Args:
        ax: where to draw.
        lit: a class of the tree; the way from the root to it, and all under it, keep their colours; the rest
            is pale and without its systems; a system is marked in its family's list. None: all is lit.
        about: whether boxes say what a class can do, under its name.
    """
    columns = families(GenerativeModel)
    bottom = levels(GenerativeModel) - 0.5 + LINE * max(listed(family).count("\n") + 1 for family in columns)
    with axes(ax, (2.05 * len(columns), 1.15 * (bottom + TOP))) as ax:
        ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(bottom, -TOP))
        ax.set_axis_off()
        draw_node(ax, GenerativeModel, 0, {family: i for i, family in enumerate(columns)}, lit, about)
    return ax


def is_system(node: Node) -> bool:
    """Whether a class can be built: a leaf of the tree."""
    return not getattr(node, "__abstractmethods__", None)


def branches(node: Node) -> list[Node]:
    """The abstract classes right under a node, in the order of slide 14."""
    return [child for child in children(node) if not is_system(child)]


def families(node: Node) -> list[Node]:
    """The lowest abstract classes under a node, left to right: one column each."""
    below = branches(node)
    return [family for child in below for family in families(child)] if below else [node]


def levels(node: Node) -> int:
    """How many rows of boxes the tree under a node has."""
    return 1 + max((levels(child) for child in branches(node)), default=0)


def systems(family: Node) -> list[str]:
    """The titles of all systems under a family, those built on other systems included."""
    found = []
    for child in children(family):
        if is_system(child):
            found += [child.title, *systems(child)]
    return found


def listed(family: Node, lit: Node | None = None) -> str:
    """The systems of a family, one under the other; the one that is lit has a mark."""
    marked = lit.title if lit is not None and is_system(lit) else None
    titles = [f"► {title}" if title == marked else title for title in systems(family)]
    return "\n".join(fill(title, LETTERS) for title in titles) or "(none yet)"


def wrap(text: str, width: int) -> str:
    """A text in lines, a formula broken before its operators only."""
    tied = re.sub(r"(?<=[=+−→|Π≤…]) | (?=[|…])", "\N{NO-BREAK SPACE}", text)
    return fill(tied, width, break_long_words=False)


def draw_node(
    ax: Axes, node: Node, row: int, place: dict[Node, int], lit: Node | None = None, about: bool = True
) -> float:
    """Draw a node and what hangs under it; return where it stands across."""
    below = branches(node)
    spots = [draw_node(ax, child, row + 1, place, lit, about) for child in below]
    shines = lit is None or issubclass(lit, node) or issubclass(node, lit)
    across = sum(spots) / len(spots) if spots else float(place[node])
    colour = BLACK if node is GenerativeModel else BLUE if issubclass(node, ExplicitDensity) else VERMILLION
    width = LETTERS if not below else 2 * LETTERS
    text = wrap(node.title, width) + (f"\n{wrap(node.about, width)}" if about else "")
    for child, spot in zip(below, spots, strict=True):
        bright = shines and (lit is None or issubclass(lit, child) or issubclass(child, lit))
        ax.plot(
            [across, across, spot, spot],
            [row, row + 0.5, row + 0.5, row + 1],
            color="0.45" if bright else UNLIT,
            lw=1.5 if lit is None or not bright else 3,
            ls="-",
            zorder=1.5 if bright else 1,
        )
    box = {"boxstyle": "round,pad=0.35", "facecolor": PALE[colour], "edgecolor": colour, "linewidth": 1.8}
    if not shines:
        box |= {"facecolor": "white", "edgecolor": UNLIT}
    ink = "black" if shines else FAINT
    ax.text(across, row, text, ha="center", va="center", size=SIZE, bbox=box, zorder=2, color=ink)
    if not below and shines:
        style = {"weight": "bold", "color": ink} if systems(node) else {"color": "0.35"}
        place_of_list = {"ha": "center", "va": "top", "size": SIZE, "linespacing": 1.35}
        ax.text(across, row + 0.45, listed(node, lit), **place_of_list, **style)
    return across

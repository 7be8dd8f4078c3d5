"""Slide 14, drawn from the classes of the taxonomy."""

import re
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes

from course_utils.plots.canvas import BLACK, BLUE, VERMILLION, axes
from course_utils.plots.description import describe, plain
from course_utils.taxonomy import ExplicitDensity, GenerativeModel, children

Node = type[GenerativeModel]
PALE = {BLUE: "#DCEBF7", VERMILLION: "#FBE6D6", BLACK: "#EEEEEE"}
LETTERS, LISTED = 17, 16  # of a box in a column, of a system under it
SIZE = 12.5
TOP, LINE = 0.35, 0.21  # of a row: what the root takes above its middle, and a line of the systems


def tree(ax: Axes | None = None, *, about: bool = True) -> Axes:
    """Draw the taxonomy of slide 14: a box for each class, the systems that can be built under their family.

    Boxes, words and systems are read from the classes of ``course_utils.taxonomy``; a family without a
    system yet is drawn too; the systems are those of ``course_utils.models`` once that is imported. Explicit
    densities are blue, implicit ones orange.

    Args:
        ax: where to draw.
        about: whether boxes say what a class can do, under its name.
    """
    columns = families(GenerativeModel)
    bottom = levels(GenerativeModel) - 0.5 + LINE * max(listed(family).count("\n") + 1 for family in columns)
    with axes(ax, (1.7 * len(columns), (1.15 if about else 0.9) * (bottom + TOP))) as ax:
        ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(bottom, -TOP))
        ax.set_axis_off()
        draw_node(ax, GenerativeModel, 0, {family: i for i, family in enumerate(columns)}, about)
        describe(ax, f"A tree. {outline(GenerativeModel, about)}")
    return ax


def outline(node: Node, about: bool) -> str:
    """A sentence on what hangs under a node, from left to right, and then those on each of its branches."""
    below = branches(node)
    under = ", ".join([child.title for child in below] or systems(node)) or "none yet"
    sentence = f"{node.title}{f' ({plain(node.about)})' if about else ''}: {under}."
    return " ".join([sentence, *(outline(child, about) for child in below)])


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


def listed(family: Node) -> str:
    """The systems of a family, one under the other."""
    return "\n".join(fill(title, LISTED) for title in systems(family)) or "(none yet)"


def wrap(text: str, width: int) -> str:
    """A text in lines of about one length, a formula broken before its operators only."""
    tied = re.sub(r"(?<=[=+−→|Π≤…/]) |(?<=log) |(?<=det) | (?=[|…/])", "\N{NO-BREAK SPACE}", text)
    lines = fill(tied, width, break_long_words=False).count("\n")
    narrower = (fill(tied, w, break_long_words=False) for w in range(1, width + 1))
    return next(filled for filled in narrower if filled.count("\n") == lines)


def draw_node(ax: Axes, node: Node, row: int, place: dict[Node, int], about: bool) -> float:
    """Draw a node and what hangs under it; return where it stands across."""
    below = branches(node)
    spots = [draw_node(ax, child, row + 1, place, about) for child in below]
    across = sum(spots) / len(spots) if spots else float(place[node])
    for spot in spots:
        corners = [across, across, spot, spot], [row, row + 0.5, row + 0.5, row + 1]
        ax.plot(*corners, color="0.45", lw=1.5, ls="-", zorder=1.5)
    colour = BLACK if node is GenerativeModel else BLUE if issubclass(node, ExplicitDensity) else VERMILLION
    width = 2 * LETTERS if below else LETTERS
    text = wrap(node.title, width) + (f"\n{wrap(node.about, width)}" if about else "")
    box = {"boxstyle": "round,pad=0.35", "facecolor": PALE[colour], "edgecolor": colour, "linewidth": 1.8}
    ax.text(across, row, text, ha="center", va="center", size=SIZE, bbox=box, zorder=2, color="black")
    if not below:
        look: dict[str, Any] = {"weight": "bold", "color": "black"} if systems(node) else {"color": "0.35"}
        look |= {"ha": "center", "va": "top", "size": SIZE, "linespacing": 1.35}
        ax.text(across, row + 0.45, listed(node), **look)
    return across

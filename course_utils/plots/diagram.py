"""What depends on what: circles for the variables of slide 13, boxes for the parts of a network."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from course_utils.plots.canvas import BLACK, axes
from course_utils.plots.description import describe, plain

RADIUS, SHADE = 0.32, "#BFD7EA"
Places = Mapping[str, tuple[float, float]]
Arrows = Sequence[tuple[str, str]]


def graph(places: Places, arrows: Arrows, *, hidden: Collection[str] = (), title: str | None = None) -> Axes:
    """Draw a directed graph: observed variables shaded, hidden ones white, arrows from cause to effect.

    Args:
        places: where each variable stands, (across, up); neighbours best stand 1 apart.
        arrows: pairs of names, from and to. An arrow that would cross a third variable is bent over it.
        hidden: the names of those that nobody observes.
        title: over the whole.

    Raises:
        ValueError: no variable, or an arrow or a hidden name that is none of them.
    """
    check("graph", places, arrows, hidden)
    return draw(places, arrows, places.keys() - set(hidden), title, circles=True)


def diagram(places: Places, arrows: Arrows, *, data: Collection[str] = (), title: str | None = None) -> Axes:
    """Draw how a computation flows: a box for each part, as large as its words, and arrows between them.

    Args:
        places: the middle of each box in inches, (across, up), by its words; ``\\n`` starts a line.
        arrows: pairs of words, from and to. An arrow that would cross the middle of a third box is bent.
        data: the boxes that hold numbers, such as an image or noise: shaded. The others compute.
        title: over the whole; it is also how someone who cannot see the picture learns what it is.

    Raises:
        ValueError: no box, or an arrow or a name in data that is none of them.

    >>> ax = diagram({"x": (0, 0), "f": (1, 0), "z": (2, 0)}, [("x", "f"), ("f", "z")], data="xz")
    >>> len(ax.texts)
    5
    """
    check("diagram", places, arrows, data)
    return draw(places, arrows, data, title, circles=False)


def check(who: str, places: Places, arrows: Arrows, names: Collection[str]) -> None:
    """Raise if there is nothing to draw, or a name that has no place."""
    unknown = ({name for pair in arrows for name in pair} | set(names)) - places.keys()
    if not places or unknown:
        known, got = ", ".join(places) or "at least one name", ", ".join(sorted(unknown)) or "none"
        raise ValueError(f"{who}: expected names out of {known}, got {got}")


def draw(places: Places, arrows: Arrows, shaded: Collection[str], title: str | None, circles: bool) -> Axes:
    """Draw a mark with its name at each place, then the arrows, from rim to rim."""
    spots = {name: np.array(place, dtype=float) for name, place in places.items()}
    every, inches = np.stack([*spots.values()]), 1.1 if circles else 1.0
    margin = np.array([0.6, 0.6] if circles else [0.9, 0.5])
    low, high = every.min(0) - margin, every.max(0) + margin + (0, 0.4 * circles)
    width, height = inches * (high - low)
    with axes(None, (width, height + (0.4 if title else 0))) as ax:
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        ax.set_axis_off()
        rims = {}
        for name in places:
            face = SHADE if name in shaded else "white"
            look: dict[str, Any] = {"facecolor": face, "edgecolor": BLACK, "lw": 1.8}
            box = None if circles else look | {"boxstyle": "round,pad=0.4"}
            text = ax.text(*places[name], name, ha="center", va="center", size=15, zorder=3, bbox=box)
            text.set_linespacing(1.3)
            spot = Circle(places[name], RADIUS, **look)
            rims[name] = ax.add_patch(spot) if circles else text.get_bbox_patch()
        for start, end in arrows:
            a, b = spots[start], spots[end]
            blocked = any(crosses(a, b, c) for name, c in spots.items() if name not in (start, end))
            arrow: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 18, "lw": 1.8, "color": BLACK}
            arrow |= {"connectionstyle": f"arc3,rad={-0.45 if blocked else 0.0}", "shrinkA": 0, "shrinkB": 0}
            arrow |= {"patchA": rims[start], "patchB": rims[end]}
            # drawn after the boxes, which find their size only then
            ax.annotate("", places[end], places[start], arrowprops=arrow, zorder=4)
        if title is not None:
            ax.set_title(title)
        lead = {name: [end for start, end in arrows if start == name] for name in places}
        said = ", ".join(f"{name} to {' and '.join(ends)}" for name, ends in lead.items() if ends)
        describe(ax, plain(f"Arrows: {said}." if said else f"{', '.join(places)}."))
    return ax


def crosses(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> bool:
    """Whether the straight way from a to b touches the circle around c.

    >>> crosses(np.array([0.0, 0.0]), np.array([2.0, 0.0]), np.array([1.0, 0.1]))
    True
    """
    way = b - a
    share = float(np.clip((c - a) @ way / (way @ way), 0, 1))
    return bool(np.linalg.norm(a + share * way - c) < RADIUS)

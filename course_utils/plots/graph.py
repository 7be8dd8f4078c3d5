"""Graphs of slide 13: which variable is drawn from which."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from course_utils.plots.canvas import BLACK, axes

RADIUS, SHADE = 0.32, "#BFD7EA"


def graph(
    places: Mapping[str, tuple[float, float]],
    arrows: Sequence[tuple[str, str]],
    *,
    hidden: Collection[str] = (),
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a directed graph: observed variables shaded, hidden ones white, arrows from cause to effect.

    Args:
        places: where each variable stands, (across, up); neighbours best stand 1 apart.
        arrows: pairs of names, from and to. An arrow that would cross a third variable is bent over it.
        hidden: the names of those that nobody observes.
        title: over the whole.
        ax: where to draw.

    Raises:
        ValueError: no variable, or an arrow or a hidden name that is none of them.
    """
    unknown = ({name for pair in arrows for name in pair} | set(hidden)) - places.keys()
    if not places or unknown:
        names, got = ", ".join(places) or "at least one variable", ", ".join(sorted(unknown)) or "none"
        raise ValueError(f"graph: expected names out of {names}, got {got}")
    every = np.array([*places.values()], dtype=float)
    spots = dict(zip(places, every, strict=True))
    low, high = every.min(0) - 0.6, every.max(0) + (0.6, 1.0)
    with axes(ax, (1.1 * (high - low)[0], 1.1 * (high - low)[1] + (0.4 if title else 0))) as ax:
        circles = {}
        for name, (x, y) in places.items():
            face = "white" if name in hidden else SHADE
            circles[name] = Circle((x, y), RADIUS, facecolor=face, edgecolor=BLACK, lw=1.8, zorder=2)
            ax.add_patch(circles[name])
            ax.text(x, y, name, ha="center", va="center", size=15, zorder=3)
        for start, end in arrows:
            others = (spot for name, spot in spots.items() if name not in (start, end))
            bend = -0.45 if any(crosses(spots[start], spots[end], other) for other in others) else 0.0
            look = {"arrowstyle": "-|>", "mutation_scale": 18, "lw": 1.8, "color": BLACK}
            look |= {"connectionstyle": f"arc3,rad={bend}", "shrinkA": 0, "shrinkB": 0}
            look |= {"patchA": circles[start], "patchB": circles[end]}  # it begins and ends at their rims
            ax.annotate("", places[end], places[start], arrowprops=look, zorder=1)
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        ax.set_axis_off()
        if title is not None:
            ax.set_title(title)
    return ax


def crosses(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> bool:
    """Whether the straight way from a to b touches the circle around c.

    >>> crosses(np.array([0.0, 0.0]), np.array([2.0, 0.0]), np.array([1.0, 0.1]))
    True
    """
    way = b - a
    share = float(np.clip((c - a) @ way / (way @ way), 0, 1))
    return bool(np.linalg.norm(a + share * way - c) < RADIUS)

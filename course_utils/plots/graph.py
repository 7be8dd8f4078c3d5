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
    unknown = {name for pair in arrows for name in pair} | set(hidden)
    if not places or not unknown <= places.keys():
        raise ValueError(
            f"graph: expected names out of {', '.join(places) or 'at least one variable'}, "
            f"got {', '.join(sorted(unknown - places.keys())) or 'none'}"
        )
    spots = np.array(list(places.values()), dtype=float)
    low, high = spots.min(0) - 0.6, spots.max(0) + (0.6, 1.0)
    with axes(ax, (1.1 * (high - low)[0], 1.1 * (high - low)[1] + (0.4 if title else 0))) as ax:
        for start, end in arrows:
            a, b = (np.array(places[name], dtype=float) for name in (start, end))
            others = [places[name] for name in places if name not in (start, end)]
            bend = -0.45 if any(crosses(a, b, np.array(c, dtype=float)) for c in others) else 0.0
            style = {"arrowstyle": "-|>", "mutation_scale": 18, "lw": 1.8, "color": BLACK}
            style |= {"connectionstyle": f"arc3,rad={bend}", "shrinkA": 0, "shrinkB": 0}
            start_at, end_at = rim(a, b, bend), rim(b, a, -bend)
            ax.annotate("", end_at, start_at, arrowprops=style, zorder=1)
        for name, (x, y) in places.items():
            face = "white" if name in hidden else SHADE
            ax.add_patch(Circle((x, y), RADIUS, facecolor=face, edgecolor=BLACK, lw=1.8, zorder=2))
            ax.text(x, y, name, ha="center", va="center", size=15, zorder=3)
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


def rim(a: np.ndarray, b: np.ndarray, bend: float) -> tuple[float, float]:
    """Where an arrow between a and b leaves the circle around a."""
    angle = np.arctan2(*(b - a)[::-1]) - bend * 1.5
    return float(a[0] + RADIUS * np.cos(angle)), float(a[1] + RADIUS * np.sin(angle))

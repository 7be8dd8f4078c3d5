"""Densities and points of the plane."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from course_utils.plots.canvas import BLUE, COLOURS, STYLE, array, axes, figure_of, legend
from course_utils.plots.description import describe


def density(
    log_prob: Callable[[Tensor], Tensor],
    extent: tuple[float, float, float, float],
    ax: Axes | None = None,
    *,
    resolution: int = 160,
) -> Axes:
    """Colour the plane by a density p(x) = exp(log p(x)).

    Args:
        log_prob: takes points ``(n, 2)``, returns log p in nats, ``(n,)``.
        extent: (left, right, bottom, top) of the part to show.
        ax: where to draw.
        resolution: how many points along each side.

    Raises:
        ValueError: an empty extent, or ``log_prob`` returns another shape or NaN.
    """
    if len(extent) != 4 or not extent[0] < extent[1] or not extent[2] < extent[3]:
        raise ValueError(f"density: expected extent (left, right, bottom, top), got {extent!r}")
    sides = [torch.linspace(a, b, resolution) for a, b in (extent[:2], extent[2:])]
    grid = torch.stack(torch.meshgrid(*sides, indexing="xy"), dim=-1).reshape(-1, 2)
    with torch.no_grad():
        values = array(log_prob(grid), "density", f"({len(grid)},) from log_prob", 1)
    if len(values) != len(grid):
        raise ValueError(f"density: expected log_prob to return shape ({len(grid)},), got {values.shape}")
    p = np.exp(values).reshape(resolution, resolution)
    with axes(ax, (5.6, 4.4)) as ax:
        picture = ax.imshow(p, extent=extent, origin="lower", cmap="viridis", vmin=0)
        beside = ax.inset_axes((1.04, 0, 0.05, 1))  # as high as the picture, whatever its shape
        bar = figure_of(ax).colorbar(picture, cax=beside)
        bar.set_label("density p(x)", size=STYLE["axes.labelsize"])
        bar.ax.tick_params(labelsize=STYLE["ytick.labelsize"])
        bar.outline.set(visible=False)
        ax.set(xlabel="$x_1$", ylabel="$x_2$")
        describe(ax, f"A density in colours, from 0 to {p.max():.3g}.")
    return ax


def points(x: Tensor, ax: Axes | None = None, *, colour: str = BLUE, label: str | None = None) -> Axes:
    """Draw points of the plane, ``(n, 2)``; many of them show their density.

    Raises:
        ValueError: another shape.
    """
    values = array(x, "points", "(n, 2)", 2)
    if values.shape[1] != 2:
        raise ValueError(f"points: expected a tensor of shape (n, 2), got shape {values.shape}")
    with axes(ax, (4.6, 4.4)) as ax:
        area = min(30.0, max(3.0, 6000 / len(values)))
        ax.scatter(*values.T, s=area, alpha=0.6, color=colour, linewidths=0, label=label)
        ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
        if label is not None:
            legend(ax)
        describe(ax, f"{len(values)} points{f', {label}' if label else ''}.")
    return ax


def labelled(x: Tensor, y: Tensor, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """Draw points of the plane ``(n, 2)`` as the whole numbers ``(n,)`` that they are labelled with.

    Raises:
        ValueError: another shape, or labels that are not whole numbers from 0.
    """
    values, labels = array(x, "labelled", "(n, 2)", 2), array(y, "labelled: y", "(n,)", 1)
    if values.shape[1] != 2 or len(labels) != len(values):
        got = f"{values.shape} and {labels.shape}"
        raise ValueError(f"labelled: expected points (n, 2) and n labels, got {got}")
    if (labels < 0).any() or (labels % 1).any():
        raise ValueError("labelled: expected whole numbers from 0 as labels, got others")
    with axes(ax, (5.4, 4.6)) as ax:
        for k in np.unique(labels).astype(int):
            place, colour = values[labels == k], COLOURS[k % len(COLOURS)]
            ax.scatter(*place.T, s=26 * len(str(k)), marker=f"${k}$", color=colour, linewidths=0)
        ax.set(xticks=[], yticks=[], title=title)
        describe(ax, f"{len(values)} points, each drawn as its label.")
    return ax

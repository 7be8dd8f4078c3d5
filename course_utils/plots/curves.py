"""Curves: training histories, functions of one variable, probabilities of many states."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from course_utils.plots.canvas import (
    BLACK,
    BLUE,
    COLOURS,
    DASHES,
    MARKERS,
    TICKS,
    VERMILLION,
    array,
    axes,
    legend,
)


def history(history: Any, ax: Axes | None = None) -> Axes:
    """Draw what ``fit`` returns: the loss on the training and on the held-out data, epoch by epoch.

    Args:
        history: with ``train`` and ``valid``, one value in nats an epoch, and ``best_epoch``, counted from 1.
        ax: where to draw.

    Raises:
        ValueError: the two curves are empty or differ in length.
    """
    train = array(history.train, "history", "(epochs,)", 1)
    valid = array(history.valid, "history", "(epochs,)", 1)
    if len(train) != len(valid):
        raise ValueError(
            f"history: expected as many held-out values as epochs ({len(train)}), got {len(valid)}"
        )
    epochs = np.arange(1, 1 + len(train))
    best = history.best_epoch
    if not 1 <= best <= len(train):
        raise ValueError(f"history: expected best_epoch in [1, {len(train)}], got {best}")
    with axes(ax, (7, 4)) as ax:
        ax.plot(epochs, train, color=BLUE, label="train")
        ax.plot(epochs, valid, color=VERMILLION, linestyle="--", label="held-out")
        ax.plot(best, valid[best - 1], "o", color=BLACK, ms=9, label=f"best: epoch {best}")
        ax.set(xlabel="epoch", ylabel="loss (nats)")
        ax.xaxis.set_major_locator(MaxNLocator(TICKS, steps=[1, 2, 5, 10], integer=True))
        legend(ax, None)
    return ax


def lines(
    x: Tensor,
    ys: Mapping[str, Tensor],
    xlabel: str,
    ylabel: str,
    ax: Axes | None = None,
    *,
    title: str | None = None,
    scale: str = "linear",
) -> Axes:
    """Draw named curves y(x) over the same x, told apart by colour and by dashes.

    Args:
        x: ``(n,)``.
        ys: a name and ``(n,)`` values for every curve.
        xlabel: what x is, with its unit.
        ylabel: what y is, with its unit.
        ax: where to draw.
        title: over the names of the curves.
        scale: of the y-axis: "linear" or "log".

    Raises:
        ValueError: no curve, more than seven, or one that is not as long as x.
    """
    across = array(x, "lines", "(n,)", 1)
    curves = {name: array(y, f"lines: {name}", f"({len(across)},)", 1) for name, y in ys.items()}
    count_curves(curves, "lines")
    check_scale(scale, "lines")
    for name, y in curves.items():
        if len(y) != len(across):
            raise ValueError(f"lines: expected {len(across)} values of {name}, as many as x, got {len(y)}")
    with axes(ax, (7, 4)) as ax:
        for (name, y), colour, dash in zip(curves.items(), COLOURS, DASHES, strict=False):
            ax.plot(across, y, color=colour, linestyle=dash, label=name)
        ax.set(xlabel=xlabel, ylabel=ylabel, yscale=scale)
        legend(ax, title)
    return ax


def distributions(
    ps: Mapping[str, Tensor],
    ax: Axes | None = None,
    *,
    grid: Tensor | None = None,
    sort: bool = True,
    scale: str = "linear",
    xlabel: str | None = None,
    title: str | None = None,
) -> Axes:
    """Lay distributions over the same states, or densities over the same line, over one another.

    The first one, such as p_D, is an area; the others are dots over it (lines for densities). States stand
    in the order of falling probability under the first one, unless ``sort`` is False.

    Args:
        ps: a name and ``(S,)`` probabilities for every distribution: of states or, with a grid, densities.
        ax: where to draw.
        grid: ``(S,)`` places on the line where the densities are given; None: the states are discrete.
        sort: whether states stand in order of probability (a grid stays as it is).
        scale: of the probabilities: "linear" or "log".
        xlabel: what the states are; None: "state", with the order.
        title: over the names of the distributions.

    Raises:
        ValueError: no distribution or more than seven, different lengths, or negative or infinite values.
    """
    named = {name: array(p, f"distributions: {name}", "(S,)", 1) for name, p in ps.items()}
    count_curves(named, "distributions")
    first = next(iter(named.values()))
    for name, p in named.items():
        if len(p) != len(first):
            raise ValueError(
                f"distributions: expected {len(first)} values of {name}, as of the first, got {len(p)}"
            )
        if p.min() < 0 or np.isinf(p).any():
            raise ValueError(
                f"distributions: expected values ≥ 0 of {name}, got {p[(p < 0) | np.isinf(p)][0]:.4g}"
            )
    check_scale(scale, "distributions")
    across = np.arange(1, 1 + len(first)) if grid is None else array(grid, "distributions: grid", "(S,)", 1)
    if len(across) != len(first):
        raise ValueError(f"distributions: expected a grid of {len(first)} places, got {len(across)}")
    order = np.argsort(-first, kind="stable") if sort and grid is None else np.arange(len(first))
    with axes(ax, (7, 4)) as ax:
        floor = 0.0 if scale == "linear" else min(p[p > 0].min(initial=1) for p in named.values()) / 2
        for (name, p), colour, marker in zip(named.items(), COLOURS, MARKERS, strict=False):
            shown = np.where(p[order] > floor, p[order], floor)
            if p is not first and grid is not None:
                ax.plot(across, shown, color=colour, label=name)
            elif p is not first:
                ax.plot(across, shown, marker, color=colour, ms=4 if len(across) > 100 else 7, label=name)
            elif grid is not None:
                ax.fill_between(across, floor, shown, color=colour, alpha=0.45, lw=0, label=name)
            else:
                edges = np.arange(len(first) + 1) + 0.5
                ax.stairs(shown, edges, baseline=floor, fill=True, color=colour, alpha=0.45, label=name)
        ax.set_yscale(scale)
        ax.set_ylim(bottom=floor)
        states = f"state, by falling {next(iter(named))}" if sort else "state"
        axis, height = ("x", "density") if grid is not None else (states, "probability")
        ax.set(xlabel=xlabel or axis, ylabel=height)
        legend(ax, title)
    return ax


def count_curves(curves: Mapping[str, object], who: str) -> None:
    """Raise a ValueError unless there are as many curves as can be told apart."""
    if not 1 <= len(curves) <= len(COLOURS):
        raise ValueError(f"{who}: expected 1 to {len(COLOURS)} curves, got {len(curves)}")


def check_scale(scale: str, who: str) -> None:
    """Raise a ValueError unless the scale is one of matplotlib's two that the course uses."""
    if scale not in ("linear", "log"):
        raise ValueError(f"{who}: expected scale 'linear' or 'log', got {scale!r}")

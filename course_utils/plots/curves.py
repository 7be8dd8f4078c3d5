"""Curves: training histories, functions of one variable, probabilities of many states."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from course_utils.plots.canvas import BLACK, BLUE, COLOURS, DASHES, VERMILLION, array, axes, legend


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
    with axes(ax, (7, 4)) as ax:
        ax.plot(epochs, train, color=BLUE, label="train")
        ax.plot(epochs, valid, color=VERMILLION, linestyle="--", label="held-out")
        ax.plot(best, valid[best - 1], "o", color=BLACK, ms=9, label=f"best: epoch {best}")
        ax.set(xlabel="epoch", ylabel="loss (nats)")
        legend(ax, None, columns=3)
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
    if not 1 <= len(curves) <= len(COLOURS):
        raise ValueError(f"lines: expected 1 to {len(COLOURS)} curves, got {len(curves)}")
    for name, y in curves.items():
        if len(y) != len(across):
            raise ValueError(f"lines: expected {len(across)} values of {name}, as many as x, got {len(y)}")
    with axes(ax, (7, 4)) as ax:
        for (name, y), colour, dash in zip(curves.items(), COLOURS, DASHES, strict=False):
            ax.plot(across, y, color=colour, linestyle=dash, label=name)
        ax.set(xlabel=xlabel, ylabel=ylabel, yscale=scale)
        legend(ax, title)
    return ax

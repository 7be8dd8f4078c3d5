"""Curves: training histories, functions of one variable, probabilities of many states."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from course_utils.plots.canvas import BLACK, COLOURS, DASHES, TICKS, array, axes, legend, new_axes

ANSWERS = {"fake": "generated"}  # what a reader of the picture calls them
MARKERS = ("o", "o", "x", "^", "s", "+", "d")  # of distributions; the first one is an area


def history(history: Any, ax: Axes | None = None) -> Axes:
    """Draw what ``fit`` returns: the loss on the training and on the held-out data, epoch by epoch.

    Args:
        history: with ``train`` and ``valid``, one value in nats an epoch, and ``best_epoch``, counted from 1.
        ax: where to draw.

    Raises:
        ValueError: the two curves are empty or differ in length.
    """
    curves = _epochs("history", {"train": history.train, "valid": history.valid})
    best, last = history.best_epoch, len(curves["valid"])
    if not 1 <= best <= last:
        raise ValueError(f"history: expected best_epoch in [1, {last}], got {best}")
    with axes(ax, (7, 4)) as ax:
        _over_epochs(ax, {"train": curves["train"], "held-out": curves["valid"]})
        ax.plot(best, curves["valid"][best - 1], "o", color=BLACK, ms=9, label=f"best: epoch {best}")
        ax.set_ylabel("loss (nats)")
        legend(ax)
    return ax


def game(history: Any, ax: tuple[Axes, Axes] | None = None) -> tuple[Axes, Axes]:
    """Draw what ``fit`` returns for a game: the losses of both players, and D's answers, epoch by epoch.

    Where D answers with a probability, a line marks 1/2: an answer that tells nothing.

    Args:
        history: with ``losses`` and ``answers``, lists by name with one value an epoch, and ``probability``.
        ax: two axes, for losses and for answers.

    Raises:
        ValueError: the curves are empty or differ in length.
    """
    curves = _epochs("game", history.losses | history.answers)
    losses, answers = ax or new_axes((9, 3.6), 2)
    with axes(losses, (4.5, 3.6)):
        _over_epochs(losses, {name: curves[name] for name in history.losses})
        losses.set_ylabel("loss (nats)" if history.probability else "loss")
        legend(losses)
    with axes(answers, (4.5, 3.6)):
        _over_epochs(answers, {ANSWERS.get(str(name), str(name)): curves[name] for name in history.answers})
        answers.set_ylabel("D's answer, mean" if history.probability else "critic's score, mean")
        legend(answers)
        if history.probability:
            answers.axhline(0.5, color=BLACK, lw=1, linestyle=":")
            answers.set_ylim(0, 1)
    return losses, answers


def _epochs(who: str, named: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    """The curves of a history, one value an epoch each."""
    curves = {name: array(curve, f"{who}: {name}", "(epochs,)", 1) for name, curve in named.items()}
    if len({len(curve) for curve in curves.values()}) != 1:
        lengths = ", ".join(f"{len(curve)} of {name}" for name, curve in curves.items()) or "none"
        raise ValueError(f"{who}: expected one value an epoch of each curve, got {lengths}")
    return curves


def _over_epochs(ax: Axes, curves: Mapping[str, np.ndarray]) -> None:
    """Curves over the epochs."""
    for (name, curve), colour, dash in zip(curves.items(), COLOURS, DASHES, strict=False):
        ax.plot(np.arange(1, 1 + len(curve)), curve, color=colour, linestyle=dash, label=name)
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(TICKS, steps=[1, 2, 5, 10], integer=True))


def lines(
    x: Tensor,
    ys: Mapping[str, Tensor],
    xlabel: str,
    ylabel: str,
    ax: Axes | None = None,
    *,
    scale: str = "linear",
) -> Axes:
    """Draw named curves y(x) over the same x, told apart by colour and by dashes.

    Args:
        x: ``(n,)``.
        ys: a name and ``(n,)`` values for every curve.
        xlabel: what x is, with its unit.
        ylabel: what y is, with its unit.
        ax: where to draw.
        scale: of the y-axis: "linear" or "log".

    Raises:
        ValueError: no curve, more than seven, or one that is not as long as x.
    """
    across = array(x, "lines", "(n,)", 1)
    curves = _same_length("lines", ys, len(across))
    if scale not in ("linear", "log"):
        raise ValueError(f"lines: expected scale 'linear' or 'log', got {scale!r}")
    with axes(ax, (7, 4)) as ax:
        for (name, y), colour, dash in zip(curves.items(), COLOURS, DASHES, strict=False):
            ax.plot(across, y, color=colour, linestyle=dash, label=name)
        ax.set(xlabel=xlabel, ylabel=ylabel, yscale=scale)
        legend(ax)
    return ax


def distributions(
    ps: Mapping[str, Tensor],
    ax: Axes | None = None,
    *,
    grid: Tensor | None = None,
    sort: bool = True,
    xlabel: str | None = None,
) -> Axes:
    """Lay distributions over the same states, or densities over the same line, over one another.

    The first one, such as p_D, is an area; the others are dots over it (lines for densities). States stand
    in the order of falling probability under the first one, unless ``sort`` is False.

    Args:
        ps: a name and ``(S,)`` probabilities for every distribution: of states or, with a grid, densities.
        ax: where to draw.
        grid: ``(S,)`` places on the line where the densities are given; None: the states are discrete.
        sort: whether states stand in order of probability (a grid stays as it is).
        xlabel: what the states are; None: "state", with the order.

    Raises:
        ValueError: no distribution or more than seven, different lengths, or negative or infinite values.
    """
    named = _same_length("distributions", ps)
    for name, p in named.items():
        if p.min() < 0 or np.isinf(p).any():
            bad = p[(p < 0) | np.isinf(p)][0]
            raise ValueError(f"distributions: expected finite values ≥ 0 of {name}, got {bad:.4g}")
    reference, first = next(iter(named.items()))
    across = np.arange(1, 1 + len(first)) if grid is None else array(grid, "distributions: grid", "(S,)", 1)
    if len(across) != len(first):
        raise ValueError(f"distributions: expected a grid of {len(first)} places, got {len(across)}")
    order = np.argsort(-first, kind="stable") if sort and grid is None else np.arange(len(first))
    with axes(ax, (7, 4)) as ax:
        for (name, p), colour, marker in zip(named.items(), COLOURS, MARKERS, strict=False):
            if grid is not None and name == reference:
                ax.fill_between(across, 0.0, p, color=colour, alpha=0.45, lw=0, label=name)
            elif grid is not None:
                ax.plot(across, p, color=colour, label=name)
            elif name == reference:
                edges = np.arange(len(first) + 1) + 0.5
                ax.stairs(p[order], edges, fill=True, color=colour, alpha=0.45, label=name)
            else:
                size = 4 if len(across) > 100 else 7
                ax.plot(across, p[order], marker, color=colour, ms=size, label=name)
        ax.set_ylim(bottom=0.0)
        states = f"state, by falling {reference}" if sort else "state"
        axis, height = ("x", "density") if grid is not None else (states, "probability")
        ax.set(xlabel=xlabel or axis, ylabel=height)
        legend(ax)
    return ax


def _same_length(who: str, ys: Mapping[str, Tensor], length: int | None = None) -> dict[str, np.ndarray]:
    """As many curves as can be told apart, each of this length or, without one, as long as the first."""
    curves = {name: array(y, f"{who}: {name}", "(n,)", 1) for name, y in ys.items()}
    if not 1 <= len(curves) <= len(COLOURS):
        raise ValueError(f"{who}: expected 1 to {len(COLOURS)} curves, got {len(curves)}")
    length = length or len(next(iter(curves.values())))
    for name, y in curves.items():
        if len(y) != length:
            raise ValueError(f"{who}: expected {length} values of each curve, got {len(y)} of {name}")
    return curves

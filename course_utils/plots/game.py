"""The course of a game between a generator and a discriminator."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from course_utils.plots.canvas import BLACK, BLUE, TICKS, VERMILLION, array, axes, legend, style


def game(history: Any, ax: tuple[Axes, Axes] | None = None) -> tuple[Axes, Axes]:
    """Draw what ``fit`` returns for a game: the losses of both players, and D's answers, epoch by epoch.

    Where D answers with a probability, a line marks 1/2: an answer that tells nothing.

    Args:
        history: with ``discriminator``, ``generator``, ``real`` and ``fake``, one value an epoch each, and
            ``probability``.
        ax: two axes, for losses and for answers.

    Raises:
        ValueError: the curves are empty or differ in length.
    """
    names = ("discriminator", "generator", "real", "fake")
    curves = {name: array(getattr(history, name), f"game: {name}", "(epochs,)", 1) for name in names}
    if len({len(curve) for curve in curves.values()}) > 1:
        lengths = ", ".join(str(len(curve)) for curve in curves.values())
        raise ValueError(f"game: expected curves of one length, got lengths {lengths}")
    if ax is None:
        with style():
            ax = tuple(plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")[1])
    epochs = np.arange(1, 1 + len(curves["real"]))
    labels = ("loss (nats)", "D's answer, mean") if history.probability else ("loss", "critic's score, mean")
    pairs = (("discriminator", "generator"), ("real", "fake"))
    for one, pair, label in zip(ax, pairs, labels, strict=True):
        with axes(one, (4.5, 3.6)):
            for name, colour, dash in zip(pair, (BLUE, VERMILLION), ("-", "--"), strict=True):
                shown = {"fake": "generated"}.get(name, name)
                one.plot(epochs, curves[name], color=colour, linestyle=dash, label=shown)
            one.set(xlabel="epoch", ylabel=label)
            one.xaxis.set_major_locator(MaxNLocator(TICKS, steps=[1, 2, 5, 10], integer=True))
            legend(one, None)
    if history.probability:
        ax[1].axhline(0.5, color=BLACK, lw=1, linestyle=":")
        ax[1].set_ylim(0, 1)
    return ax

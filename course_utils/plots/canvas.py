"""The style of the course's figures, the axes they stand on, and the check of what they show."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, cast

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, MaxNLocator
from torch import Tensor

from course_utils.plots.description import description
from course_utils.plots.output import STORED_DPI, html_image, smaller

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK = COLOURS
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), "-")
TICKS = 6  # intervals on an axis: few are read faster, and drawn faster
FRAME = 0.72  # grey of the gutters between images: seen beside black and beside white
# What belongs to the machine, not to the looks: all else starts from matplotlib's defaults, whatever the
# user's matplotlibrc says.
MACHINE = (
    "backend", "date.epoch", "docstring", "figure.max_open_warning", "figure.raise_window", "interactive",
    "savefig.directory", "timezone", "tk.", "toolbar", "webagg",
)  # fmt: skip
STYLE: dict[Any, Any] = {
    **{key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith(MACHINE)},
    "font.size": 14.0,
    "axes.titlesize": 15.0,
    "axes.labelsize": 14.0,
    "xtick.labelsize": 12.0,
    "ytick.labelsize": 12.0,
    "legend.fontsize": 12.0,
    "legend.frameon": False,
    "axes.titley": 1.0,  # matplotlib's search for a place costs more than the rest of the picture
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=DASHES),
    "lines.linewidth": 2.5,
    "image.cmap": "gray",
    "image.interpolation": "nearest",
}


@contextmanager
def style() -> Iterator[None]:
    """The course's style, for as long as a ``with`` block lasts.

    Only what the style sets is put back: a notebook's backend sets itself up at the first figure,
    perhaps in this block, and that has to stay.

    >>> with style():
    ...     matplotlib.rcParams["font.size"]
    14.0
    """
    before = {key: value for key, wanted in STYLE.items() if (value := matplotlib.rcParams[key]) != wanted}
    matplotlib.rcParams.update({key: STYLE[key] for key in before})
    try:
        yield
    finally:
        matplotlib.rcParams.update(before)


class StyledFigure(Figure):
    """A figure that is rendered in the course's style too: matplotlib makes ticks and finds fonts then.

    A notebook gets it as an image with its description, for which ``image/png`` alone has no place.
    """

    def _ipython_display_(self) -> None:
        from IPython.display import publish_display_data  # only a notebook comes here

        file = BytesIO()
        self.savefig(file, format="png", dpi=STORED_DPI, bbox_inches="tight")
        publish_display_data(html_image(smaller(file.getvalue()), description(self)))

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure, in the style."""
        with style():
            super().draw(renderer)


def new_axes(size: tuple[float, float], columns: int = 1) -> list[Axes]:
    """New axes in a row, on a figure of this size in inches, which a notebook shows.

    A kernel started with ``MPLBACKEND=agg`` in its environment, as on a server, would show nothing: there
    the notebook's own backend takes its place.
    """
    named = os.environ.get("MPLBACKEND", "").lower()
    if named in ("agg", "cairo", "pdf", "ps", "svg", "template") and named == plt.get_backend().lower():
        shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if hasattr(shell, "kernel"):
            shell.enable_matplotlib("inline")
    with style():
        made = plt.subplots(
            1, columns, figsize=size, layout="constrained", squeeze=False, FigureClass=StyledFigure
        )
    return list(made[1][0])


@contextmanager
def axes(ax: Axes | None, size: tuple[float, float]) -> Iterator[Axes]:
    """Give the axes, or new ones of this size in inches, in the course's style."""
    if ax is None:
        (ax,) = new_axes(size)
    with style():
        yield ax
        for text in (ax.xaxis.label, ax.yaxis.label):
            text.set_fontsize(STYLE["axes.labelsize"])
        ax.title.set_fontsize(STYLE["axes.titlesize"])
        ax.tick_params(which="both", labelsize=STYLE["xtick.labelsize"])
        ax.spines[["top", "right"]].set_visible(False)
        for axis in (ax.xaxis, ax.yaxis):
            if type(axis.get_major_locator()) is AutoLocator:
                axis.set_major_locator(MaxNLocator(TICKS, steps=[1, 2, 2.5, 5, 10]))


def figure_of(ax: Axes) -> Figure:
    """The figure on which these axes stand."""
    return cast(Figure, ax.get_figure(root=True))


def array(x: object, who: str, shape: str, *dims: int) -> np.ndarray:
    """The values of x as a fresh array of floats, if x has the right number of dimensions."""
    if not isinstance(x, Tensor | np.ndarray | Sequence) or isinstance(x, str):
        raise ValueError(f"{who}: expected a tensor of shape {shape}, got {type(x).__name__}")
    try:
        values = np.array(x.detach().cpu().numpy() if isinstance(x, Tensor) else x, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{who}: expected numbers of shape {shape}, got {error}") from None
    if values.ndim not in dims or 0 in values.shape:
        raise ValueError(f"{who}: expected a tensor of shape {shape}, got shape {values.shape}")
    if np.isnan(values).any():
        raise ValueError(f"{who}: expected numbers, got NaN")
    return values


def legend(ax: Axes) -> None:
    """Name the curves in rows above the axes, where no data are."""
    handles, names = ax.get_legend_handles_labels()
    if handles:
        points = ax.get_window_extent().width / figure_of(ax).dpi * 72
        entries = [62 + 7 * len(name) for name in names]  # a line, its space and its name, in points
        columns = len(names) if sum(entries) <= points else max(1, int(points / max(entries)))
        place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
        ax.legend(handles, names, ncols=columns, handlelength=2.4, **place)

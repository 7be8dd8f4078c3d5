"""A figure of which a part stands: drawn once, then only what changes is drawn over it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

Frame = Callable[[Figure], None]
VIEW = ("xlim", "ylim", "autoscalex_on", "autoscaley_on", "aspect", "label")


class Stage:
    """A figure with a frame that stands, for pictures that differ only in what is drawn over it.

    Axes with their ticks take most of the time of a small picture. Here they are drawn once and their
    pixels kept (matplotlib's blitting); for every picture, those are put back and the new artists alone
    are drawn on top. Two things that stand may change: titles that the frame leaves empty, and what lies
    on axes whose axis is off (as under an image), with their limits and aspect; all is put back again.

    ``frame`` draws what stands on an empty figure of this size in inches: axes with their limits, labels.

    >>> def frame(figure):
    ...     _ = figure.add_axes((0.2, 0.2, 0.7, 0.7), xlim=(0, 1), ylim=(0, 1))
    >>> stage = Stage((2, 2), 72, frame)
    >>> with stage.acted() as figure:
    ...     _ = figure.axes[0].plot([0, 1], [0, 1])
    >>> stage.pixels().shape, stage.figure.axes[0].lines[:]
    ((144, 144, 4), [])
    """

    def __init__(self, size: tuple[float, float], dpi: int, frame: Frame) -> None:
        self.figure = Figure(figsize=size, dpi=dpi)
        self.canvas = FigureCanvasAgg(self.figure)
        frame(self.figure)
        self.canvas.draw()
        axes = self.figure.axes
        self.bare = [ax for ax in axes if not ax.axison]
        self.framed = [ax for ax in axes if ax.axison]
        self.titles = [ax.title for ax in self.framed if not ax.get_title()]
        for ax in self.framed:
            ax.set_autoscale_on(False)
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)
        self.standing = set(self._artists())
        self.limits = self._limits()
        self.views = [{name: getattr(ax, f"get_{name}")() for name in VIEW} for ax in self.bare]
        self.reaches = [ax.dataLim.frozen() for ax in self.bare]
        self.empty = [(title, _copy(title)) for title in [*self.titles, *(ax.title for ax in self.bare)]]
        for artist in self.standing:
            artist.stale = False  # an empty text is never drawn

    @contextmanager
    def acted(self) -> Iterator[Figure]:
        """Draw over the frame in a ``with`` block; then the pixels show it, and the figure has forgotten it.

        Raises:
            ValueError: the block changed what stands (a label, a limit, a place), whose old pixels would
                stay; and every later block does, since it stays changed.
        """
        self.canvas.restore_region(self.background)
        for ax in self.figure.axes:
            ax.set_prop_cycle(None)  # the same colours and dashes every time
        try:
            yield self.figure
            self._check()
            shown = [*self.bare, *(title for title in self.titles if title.get_text()), *self._new()]
            for artist in sorted(shown, key=self._depth):
                if artist.axes not in self.bare or isinstance(artist, Axes):
                    artist.draw(self.canvas.renderer)
        finally:
            for artist in self._new():
                artist.remove()
            self._put_back()

    def pixels(self) -> np.ndarray:
        """What the figure shows, ``(height, width, 4)``, until something else is drawn."""
        return np.asarray(self.canvas.buffer_rgba())

    def _put_back(self) -> None:
        """The empty titles, and on bare axes what autoscaling and images move."""
        for title, empty in self.empty:
            title.update_from(empty)
            title.set_text("")
        for ax, view, reach in zip(self.bare, self.views, self.reaches, strict=True):
            ax.set_axis_off()
            ax.set(**view)
            ax.reset_position()  # an image of another aspect moved the axes
            ax.dataLim.set(reach.frozen())

    def _check(self) -> None:
        free = {*self.titles, *self.figure.axes}  # axes are stale with all that is added to them
        fixed = [*self.figure.get_children(), *(child for ax in self.framed for child in ax.get_children())]
        stale = [a for a in fixed if a.stale and a in self.standing - free]
        changed = [a for a in stale if not isinstance(a, Text) or a.get_text()]  # empty texts are not drawn
        if changed or self._limits() != self.limits:
            what = ", ".join(type(artist).__name__ for artist in changed) or "limits or place"
            raise ValueError(
                f"Stage: expected nothing but new artists over the frame, got a change of {what}"
            )

    def _artists(self) -> Iterator[Artist]:
        yield from self.figure.get_children()
        for ax in [*self.framed, *self.bare]:
            yield from ax.get_children()

    def _new(self) -> list[Artist]:
        return [artist for artist in self._artists() if artist not in self.standing]

    def _depth(self, artist: Artist) -> tuple[float, int, float]:
        """By this matplotlib would sort: axes by axes, and in each its own."""
        ax: Any = artist.axes
        axes = self.figure.axes
        if ax is None:
            return artist.zorder, len(axes), 0
        return ax.zorder, axes.index(ax), -1 if artist is ax else artist.zorder

    def _limits(self) -> list[tuple[float, ...]]:
        return [(*ax.get_xlim(), *ax.get_ylim(), *ax.get_position().bounds) for ax in self.framed]


def _copy(text: Text) -> Text:
    copied = Text()
    copied.update_from(text)
    return copied

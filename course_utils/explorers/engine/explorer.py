"""Pictures under sliders: a pure drawing function, and the thin binding that puts controls over it.

The function draws its values over what stands on a matplotlib ``Figure``, and remembers nothing. The binding
turns the figure into PNG bytes and hands those to one ``ipywidgets.Image`` that stays: the fastest way from a
slider to a new picture, without flicker.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from textwrap import wrap
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor
from traitlets import Unicode

from course_utils import plots
from course_utils.explorers.engine.controls import control
from course_utils.explorers.engine.stage import Frame, Stage
from course_utils.plots.description import description
from course_utils.plots.images import compose, ink_on_white
from course_utils.plots.output import SCREEN_DPI, STORED_DPI, html_image, smaller

LEFT, RIGHT, BELOW = 1.0, 0.25, 0.7  # inches for the labels of an axis


class NamedImage(ipywidgets.Image):
    """An image whose tooltip is its name for a screen reader; the page wants a description beside it."""

    description = Unicode("").tag(sync=True)


class Explorer:
    """A picture under sliders; the last line of a notebook cell shows it.

    Args:
        draw: ``draw(figure, **values)`` adds the picture of these values to what the frame has drawn. It
            is pure: the same values give the same picture, whatever was drawn before.
        frame: ``frame(figure)`` draws what no control changes, such as axes with their ticks: once, on an
            empty figure. See ``Stage``.
        title: what the picture shows, in a sentence: its text for those who cannot see it.
        size: width and height of the picture in inches; one inch is 72 pixels on the screen.
        controls: for each keyword of ``draw`` a widget: ``controls.slider``, ``choice``, ``switch``.

    Attributes:
        error: what the last change of a control raised, else None. It stands in the picture as well.

    Raises:
        ValueError: a control that is no widget with a value.

    >>> from course_utils.explorers.engine import slider
    >>> def draw(figure, slope):
    ...     _ = figure.add_subplot().plot([0, slope])
    >>> explorer = Explorer(draw, title="A line", size=(2, 1), slope=slider(1, 5))
    >>> explorer.describe()
    'A line (slope = 3). Across: from -0.05 to 1.05. Up: from -0.15 to 3.15.'
    >>> before = explorer.image.value
    >>> explorer.controls["slope"].value = 5
    >>> explorer.image.value == before
    False
    """

    def __init__(
        self,
        draw: Callable[..., None],
        /,
        *,
        title: str,
        size: tuple[float, float] = (8, 4),
        frame: Frame = lambda figure: None,
        **controls: Any,
    ) -> None:
        self.draw, self.frame, self.title, self.error = draw, frame, title, None
        self.controls: dict[str, Any] = {name: control(name, given) for name, given in controls.items()}
        self.size = size
        self._on_screen = self._stage(SCREEN_DPI)
        width, height = (f"{int(inches * SCREEN_DPI)}px" for inches in size)
        shown, self.seen = self._drawn(SCREEN_DPI, self.values)  # the present picture, and its words
        self.image = NamedImage(
            value=png(shown),
            format="png",
            tooltip=self.describe(),
            layout=ipywidgets.Layout(width=width, height=height, flex="0 0 auto", object_fit="contain"),
        )
        for widget in self.controls.values():
            widget.observe(self._changed, names="value")
        self.widget = ipywidgets.VBox([*self.controls.values(), self.image])

    @property
    def values(self) -> dict[str, Any]:
        """The present value of every control."""
        return {name: widget.value for name, widget in self.controls.items()}

    def stored(self) -> bytes:
        """The present picture as PNG for a page without a kernel: twice as fine, in few bytes."""
        return smaller(png(self._present(STORED_DPI)))

    def _stage(self, dpi: int) -> Stage:
        with plots.style():
            return Stage(self.size, dpi, self.frame)

    def _drawn(self, dpi: int, values: dict[str, Any]) -> tuple[np.ndarray, str]:
        """The picture of these values, and what it shows in words."""
        stage = self._on_screen if dpi == SCREEN_DPI else self._stage(dpi)
        with collect_later(), plots.style():
            with stage.acted() as figure:
                self.draw(figure, **values)
                seen = description(figure)
            return stage.pixels(), seen

    def _present(self, dpi: int) -> np.ndarray:
        """The picture of the present values or, where that fails, of the error."""
        try:
            (shown, self.seen), self.error = self._drawn(dpi, self.values), None
        except Exception as error:
            shown, self.error = Stage(self.size, dpi, partial(self._tell, error)).pixels(), error
            self.seen = f"{type(error).__name__}: {error}"
        return shown

    def _tell(self, error: Exception, figure: Figure) -> None:
        words = " ".join(f"{type(error).__name__}: {error}".split())
        width, height = self.size
        lines = wrap(words, int(width * 8), max_lines=max(1, int(height * 3)))
        figure.text(0.03, 0.5, "\n".join(lines), fontsize=12, va="center", parse_math=False)

    def _changed(self, change: dict[str, Any]) -> None:
        shown = png(self._present(SCREEN_DPI))
        with self.image.hold_sync():  # in one message
            self.image.value, self.image.tooltip = shown, self.describe()

    def describe(self) -> str:
        """The title, the value of every control, and what the present picture shows, in words."""
        state = ", ".join(f"{name} = {value}" for name, value in self.values.items())
        return f"{self.title} ({state}). {self.seen}".strip()

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, Any]:
        view = self.widget._repr_mimebundle_() or {}
        stored = html_image(self.stored(), self.describe())
        return {kind: data for kind, data in view.items() if "widget" in kind} | stored


@contextmanager
def collect_later() -> Iterator[None]:
    """No garbage is collected in a ``with`` block: a figure makes much, and its picture would wait."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def bare(*places: tuple[float, float, float, float]) -> Frame:
    """A frame of axes for images alone: left, bottom, width and height of each in parts of the figure."""

    def frame(figure: Figure) -> None:
        for place in places:
            figure.add_axes(place).set_axis_off()

    return frame


def picture(x: Tensor, columns: int = 1) -> np.ndarray:
    """Images ``(N, C, H, W)`` with grey gutters between them, as bytes ``(height, width, 3)`` for ``imshow``.

    As ``plots.images`` draws them, without what that does for a figure of its own: no check, no style.
    """
    tiles = x.detach().cpu().double().clamp(0, 1).numpy()
    return (255 * compose(ink_on_white(tiles), columns, 0)[0]).round().astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    """Pixels ``(height, width, 4)`` as PNG bytes: the same pixels, the same bytes."""
    file = BytesIO()
    Image.fromarray(pixels).convert("RGB").save(file, "png", compress_level=1)
    return file.getvalue()


def panels(figure: Figure, columns: int = 1, *, header: float = 0.75) -> list[Axes]:
    """Axes side by side on a figure, with room for labels in the course's size of letters.

    They and their labels have fixed places, so that nothing jumps and no time goes into a layout. ``header``:
    inches over them for a title and the names of curves (a row of names: 0.4; both: 0.75).
    """
    width, height = figure.get_size_inches()
    wide = (width - RIGHT - columns * LEFT) / columns
    high = height - BELOW - header
    place = {
        "left": LEFT / width,
        "right": 1 - RIGHT / width,
        "bottom": BELOW / height,
        "top": 1 - header / height,
        "wspace": LEFT / wide,
    }
    axes = list(figure.subplots(1, columns, squeeze=False, gridspec_kw=place).flat)
    for ax in axes:
        ax.xaxis.set_label_coords(0.5, -0.36 / high)
        ax.yaxis.set_label_coords(-0.75 / wide, 0.5)
    return axes

"""What a figure really shows: the texts that matplotlib draws, and what is wrong with them."""

from typing import Any
from unittest.mock import patch

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from course_utils import plots
from course_utils.explorers.engine import Explorer
from course_utils.explorers.engine.explorer import SCREEN_DPI, png

SMALLEST = 12  # points: read from the back of a lecture hall


def drawn(explorer: Explorer, **values: Any) -> Figure:
    """A figure that an explorer drew, at its present values but for these."""
    with plots.style():
        figure = Figure(figsize=explorer.size, dpi=SCREEN_DPI)
        FigureCanvasAgg(figure)
        explorer.frame(figure)
        explorer.draw(figure, **{**explorer.values, **values})
    return figure


def picture(explorer: Explorer, **values: Any) -> bytes:
    """The picture of an explorer on the screen, at its present values but for these."""
    return png(explorer._drawn(SCREEN_DPI, {**explorer.values, **values})[0])


def extremes(widget: Any) -> list[Any]:
    """The values at the ends of a control: both ends of a slider, every option of a choice or a switch."""
    if widget.has_trait("options"):
        return [value for _, value in widget._options_full]
    return [widget.min, widget.max] if widget.has_trait("min") else [False, True]


def drawn_texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Every text that reaches the canvas of a figure, with its box in pixels."""
    found = {}
    original = Text.draw

    def record(text, renderer, *args, **kwargs):
        if text.get_visible() and text.get_text().strip():
            found[id(text)] = (text, text.get_window_extent(renderer))
        return original(text, renderer, *args, **kwargs)

    with patch.object(Text, "draw", record):
        figure.canvas.draw()
    return list(found.values())


def faults(figure: Figure) -> list[str]:
    """Texts that stand partly outside the canvas, cover one another, or are too small to read."""
    width, height = figure.canvas.get_width_height()
    texts = drawn_texts(figure)
    found = [] if texts else ["no text at all"]
    for i, (text, box) in enumerate(texts):
        name = repr(text.get_text())
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
            found.append(f"{name} stands outside the canvas")
        if text.get_size() < SMALLEST:
            found.append(f"{name} has {text.get_size():g} points")
        for other, place in texts[:i]:
            both = Bbox.intersection(box, place)
            if both is not None and both.width > 1 and both.height > 1:
                found.append(f"{name} covers {other.get_text()!r}")
    return found

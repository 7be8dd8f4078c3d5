"""What a figure really shows: the texts that matplotlib draws, with their boxes."""

from unittest.mock import patch

from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


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


def clipped(figure: Figure) -> list[str]:
    """The texts that stand partly outside the canvas."""
    width, height = figure.canvas.get_width_height()
    return [
        text.get_text()
        for text, box in drawn_texts(figure)
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """The pairs of texts that cover one another."""
    found = drawn_texts(figure)
    return [
        (a.get_text(), b.get_text())
        for i, (a, one) in enumerate(found)
        for b, two in found[:i]
        if min(one.x1, two.x1) - max(one.x0, two.x0) > 1 and min(one.y1, two.y1) - max(one.y0, two.y0) > 1
    ]


def small(figure: Figure) -> list[str]:
    """The texts below 12 points."""
    return [text.get_text() for text, _ in drawn_texts(figure) if text.get_size() < 12]

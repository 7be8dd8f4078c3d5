"""What a figure shows, in sentences: for those who cannot see it."""

import re
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FuncFormatter

SEEN = 0.01  # of the height of axes: a lower or higher place than both ends of a curve that one sees
TEXTS = 40  # of a drawn tree or graph: more of them are not read to anyone


def describe(ax: Axes, words: str) -> Axes:
    """Say in words what axes show; they come before the sentences that ``description`` finds itself.

    Raises:
        ValueError: there are no words.

    >>> ax = describe(Figure().add_subplot(title="Digits"), "Every digit has its own style.")
    >>> description(ax.figure)
    'Digits. Every digit has its own style. Across: from 0 to 1. Up: from 0 to 1.'
    """
    if not isinstance(words, str) or not words.strip():
        raise ValueError(f"describe: expected a sentence, got {words!r}")
    ax.set_label(" ".join(f"{words} {ax.get_label()}".split()))
    return ax


def description(figure: Figure) -> str:
    """Sentences on a figure: titles, what was said of its axes, their labels and ranges, and its curves.

    >>> ax = Figure().add_subplot(xlabel="epoch", ylabel="loss (nats)", xlim=(0, 10), ylim=(17, 30))
    >>> _ = ax.plot([1, 5, 10], [28.0, 17.5, 18.25], label="held-out")
    >>> description(ax.figure)  # doctest: +NORMALIZE_WHITESPACE
    'Across: epoch, from 0 to 10. Up: loss (nats), from 17 to 30. Curve held-out: from 28 to 18.25,
     lowest 17.5 at 5.'
    """
    shown = (ax for ax in figure.axes if ax.get_visible())
    texts = (plain(text.get_text()) for text in figure.texts)
    sentences = [text for text in texts if any(map(str.isalpha, text))]  # bare numbers are ticks
    sentences += [sentence for ax in shown for sentence in _of(ax)]
    return " ".join(s if s.endswith((".", "?", "!")) else f"{s}." for s in sentences if s)


def plain(text: str) -> str:
    """A label without the marks of mathematical type.

    >>> plain(r"$p_D$ (nats)")
    'p_D (nats)'
    """
    return " ".join(re.sub(r"[$\\{}]|mathbb|mathrm|mathbf", "", text).split())


def _of(ax: Axes) -> Iterator[str]:
    yield plain(ax.get_title())
    yield str(ax.get_label())
    if not ax.axison:
        if not ax.get_label():
            yield ", ".join(plain(text.get_text()) for text in ax.texts[:TEXTS] if text.get_text().strip())
        return
    for way, axis in (("Across", ax.xaxis), ("Up", ax.yaxis)):
        yield f"{way}: {_range(axis)}"
    handles, names = ax.get_legend_handles_labels()
    for handle, name in zip(handles, names, strict=True):
        if isinstance(handle, Line2D) and handle.get_linestyle() != "None":
            yield f"Curve {plain(name)}{_course(handle, ax)}"
        else:
            yield f"Marked: {plain(name)}"


def _range(axis: Axis) -> str:
    """The label of an axis and where it goes, or the names that stand along it."""
    label, (low, high) = plain(axis.get_label_text()), sorted(axis.get_view_interval())
    is_named = isinstance(axis.get_major_formatter(), FixedFormatter | FuncFormatter)
    names = [plain(tick.get_text()) for tick in axis.get_ticklabels()] if is_named else []  # they take time
    where = ", ".join(filter(None, names)) or f"from {low:.4g} to {high:.4g}"
    logarithmic = " (logarithmic)" if axis.get_scale() == "log" else ""
    return ", ".join(part for part in (label, where) if part) + logarithmic


def _course(line: Line2D, ax: Axes) -> str:
    """Where a curve begins and ends, and its extremes where one sees that they lie between."""
    x, y = (np.asarray(values, dtype=float) for values in line.get_data())
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    if len(y) < 2:
        return "".join(f": {value:.4g}" for value in y)
    said = f": from {y[0]:.4g} to {y[-1]:.4g}"
    on_screen = ax.transData - ax.transAxes  # as logarithmic as the axes
    height = on_screen.transform(np.stack([x, y], 1))[:, 1]
    for name, up in (("lowest", -height), ("highest", height)):
        at = int(up.argmax())
        if up[at] > max(up[0], up[-1]) + SEEN:
            said += f", {name} {y[at]:.4g} at {x[at]:.4g}"
    return said

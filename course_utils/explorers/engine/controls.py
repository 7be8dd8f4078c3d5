"""The controls over an explorer's picture: sliders, choices, switches, all with a name and a tooltip."""

from typing import Any

import ipywidgets
from ipywidgets import DOMWidget

WIDTH = "min(100%, 36em)"
NAMES = {"description_width": "9em"}


def slider(
    low: float,
    high: float,
    *,
    value: float | None = None,
    step: float | None = None,
    name: str = "",
    tooltip: str = "",
) -> DOMWidget:
    """A slider that redraws while it moves: over integers if low, high and step are, else over floats.

    Args:
        low: the smallest value.
        high: the greatest value.
        value: where it starts; None: in the middle.
        step: what one arrow key moves; None: 1, or a hundredth of the range.
        name: what stands beside it; empty: the keyword under which the explorer gets it.
        tooltip: what it does, in a sentence.

    Raises:
        ValueError: the value lies outside.

    >>> slider(1, 16).value
    8
    >>> slider(0.0, 1.0, value=0.3).step
    0.01
    """
    whole = all(isinstance(v, int) for v in (low, high, value, step) if v is not None)
    if value is None:
        value = (low + high) // 2 if whole else (low + high) / 2
    if not low <= value <= high:
        raise ValueError(f"slider: expected a value in [{low}, {high}], got {value!r}")
    kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    widget = kind(value=value, min=low, max=high, step=step or (1 if whole else (high - low) / 100))
    return _dress(widget, name, tooltip)


def choice(
    options: list[Any] | dict[str, Any], *, value: Any = None, name: str = "", tooltip: str = ""
) -> DOMWidget:
    """A drop-down list of options, from the first or a given value on; a dict gives them other names.

    >>> choice(["linear", "log"]).value
    'linear'
    """
    chosen = {} if value is None else {"value": value}
    return _dress(ipywidgets.Dropdown(options=options, **chosen), name, tooltip)


def switch(value: bool = False, *, tooltip: str = "") -> DOMWidget:
    """A box to tick."""
    return _dress(ipywidgets.Checkbox(value=value), "", tooltip)


def _dress(widget: Any, name: str, tooltip: str) -> DOMWidget:
    widget.description, widget.tooltip = name, tooltip
    widget.style, widget.layout.width = NAMES, WIDTH
    return widget


def control(name: str, given: Any) -> DOMWidget:
    """The widget with a name and a tooltip, by default those of the keyword under which it is given."""
    if not isinstance(given, DOMWidget) or not given.has_trait("value"):
        raise ValueError(f"Explorer: expected {name} as a widget, such as slider(1, 16), got {given!r}")
    widget: Any = given
    widget.description = widget.description or name.replace("_", " ")
    widget.tooltip = widget.tooltip or f"Change {widget.description}"
    return widget

import gc
from io import BytesIO

import ipywidgets
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn import faults, picture
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from course_utils import plots
from course_utils.explorers.engine import Explorer, choice, panels, slider, switch
from course_utils.explorers.engine.explorer import SCREEN_DPI, smaller


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def sine(figure, *, rate=1.0, kind="sine", grid=False):
    ax = panels(figure)[0]
    t = torch.linspace(0, 6, 50)
    plots.lines(t, {kind: (rate * t).sin()}, "t", "nats", ax)
    ax.grid(grid)


def plain(**controls):
    return Explorer(sine, title="A sine", size=(4, 3), **controls)


def test_controls_are_widgets_with_names_and_tooltips():
    explorer = plain(rate=slider(0.5, 2.0), kind=choice(["sine", "cosine"]), grid=switch())
    kinds = [type(widget) for widget in explorer.controls.values()]
    assert kinds == [ipywidgets.FloatSlider, ipywidgets.Dropdown, ipywidgets.Checkbox]
    assert explorer.values == {"rate": 1.25, "kind": "sine", "grid": False}
    whole, half = (plain(rate=slider(1, 5, step=step)).controls["rate"] for step in (2, 0.5))
    assert type(whole) is ipywidgets.IntSlider and (whole.step, half.step) == (2, 0.5)
    assert plain(kind=choice({"first": "a", "second": "b"})).values == {"kind": "a"}
    own = ipywidgets.IntSlider(3, 0, 9)
    assert plain(rate=own).controls["rate"] is own and own.description == "rate" and own.tooltip


def test_a_failing_drawing_is_reported_in_the_picture_and_the_next_one_is_whole_again():
    def fragile(figure, *, a):
        panels(figure)[0].plot([0, a])
        if a > 3:
            raise KeyError(f"no entry\nfor {a}")

    explorer = Explorer(fragile, title="Fragile", a=slider(1, 6))
    good = explorer.image.value
    explorer.controls["a"].value = 5
    assert isinstance(explorer.error, KeyError) and explorer.image.value != good
    assert "KeyError" in explorer._repr_mimebundle_()["text/html"] and explorer.error is not None
    assert (pixels(explorer.image.value) < 128).any()
    with pytest.raises(KeyError, match="for 4"):
        picture(explorer, a=4)
    explorer.controls["a"].value = 3
    assert explorer.error is None and explorer.image.value == good


def test_an_error_is_one_readable_line_inside_the_picture():
    explorer = plain(rate=slider(1, 2))
    error = ValueError("expected $\\frac$ of shape (B, 1, 8, 8),\n got " + "x " * 500)
    figure = Figure(figsize=explorer.size, dpi=SCREEN_DPI)
    FigureCanvasAgg(figure)
    explorer._tell(error, figure)
    (text,) = figure.texts
    shown = text.get_text().replace("\n", " ")
    assert shown.startswith("ValueError: expected $\\frac$ of shape (B, 1, 8, 8), got x") and shown.endswith(
        "[...]"
    )
    assert faults(figure) == []


def test_an_error_in_the_first_picture_is_raised():
    with pytest.raises(ZeroDivisionError):
        Explorer(lambda figure, *, a: 1 / 0, title="No", a=slider(1, 2))


def test_nothing_global_changes_and_no_figure_is_registered():
    before = dict(matplotlib.rcParams), plt.get_fignums(), gc.isenabled()
    picture(plain(rate=slider(1, 3)), rate=2)
    assert (dict(matplotlib.rcParams), plt.get_fignums(), gc.isenabled()) == before


def test_the_collector_of_garbage_rests_while_a_picture_is_made_and_runs_on_after_an_error():
    running = []

    def draw(figure, *, a):
        running.append(gc.isenabled())
        figure.text(0.1, 0.5, str(1 / (a - 2)))

    explorer = Explorer(draw, title="Collector", size=(4, 3), a=slider(1, 3, value=1))
    explorer.controls["a"].value = 2
    assert explorer.error is not None and gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        picture(explorer, a=2)
    assert running[1:] == [False, False] and gc.isenabled()


BAD = [
    (lambda: plain(rate="fast"), "expected rate as a widget.*got 'fast'"),
    (lambda: plain(rate=(1, 3)), r"expected rate as a widget.*got \(1, 3\)"),
    (lambda: plain(rate=ipywidgets.VBox()), "expected rate as a widget"),
    (lambda: slider(0, 1, value=2), r"slider: expected a value in \[0, 1\], got 2"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input_gets_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_panels_stand_apart_with_room_for_names_and_titles():
    figure = Figure(figsize=(10, 4), dpi=SCREEN_DPI)
    FigureCanvasAgg(figure)
    for ax in panels(figure, 3):
        plots.lines(torch.arange(3.0), {"one": torch.arange(3.0) * -1000}, "x", "y (nats)", ax)
    assert len(figure.axes) == 3 and faults(figure) == []
    boxes = [ax.get_tightbbox() for ax in figure.axes]
    for i, a in enumerate(boxes):
        assert not any(a.overlaps(b) for b in boxes[:i])


def test_the_smaller_png_looks_the_same():
    explorer = plain(rate=slider(1.0, 3.0))
    full = picture(explorer)
    fewer = smaller(full)
    off = np.abs(pixels(full).astype(int) - pixels(fewer))
    assert len(fewer) < 0.6 * len(full) and off.mean() < 0.5 and off.max() < 16
    assert (pixels(fewer)[0, 0] == 255).all()


def test_words_are_those_of_the_present_picture_whatever_other_values_were_drawn():
    def sloped(figure, *, a):
        panels(figure)[0].plot([0, 1], [0, a], label="slope")

    explorer = Explorer(sloped, title="A slope", a=slider(1, 6))
    before = explorer.describe()
    picture(explorer, a=6)
    assert "from 0 to 3" in before and explorer.describe() == before == explorer.image.tooltip

"""Dots with error bars."""

import matplotlib.pyplot as plt
import pytest
from drawn import faults

from course_utils import plots

VALUES = {"NADE": (17.4, 0.2), "VAE": (18.9, 0.3), "BoltzmannMachine": (18.2, 0.1)}
EIGHT = "abcdefgh"
KINDS = {"NADE": "exact", "VAE": "bound", "BoltzmannMachine": "estimate"}


def test_every_number_has_a_row_a_name_and_an_error_of_two_standard_errors(ax):
    plots.dots(VALUES, "nats", ax, kinds=KINDS)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(VALUES)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top
    for container, (value, error) in zip(ax.containers, VALUES.values(), strict=True):
        line, _, (bars,) = container
        assert line.get_xdata()[0] == value
        (low, high) = (point[0] for point in bars.get_segments()[0])
        assert (low, high) == (pytest.approx(value - 2 * error), pytest.approx(value + 2 * error))
    looks = {(c.lines[0].get_color(), c.lines[0].get_marker()) for c in ax.containers}
    assert len(looks) == 3 and len({marker for _, marker in looks}) == 3
    assert ax.get_xlabel() == "nats" and [t.get_text() for t in ax.get_legend().texts] == list(KINDS.values())


def test_a_kind_looks_the_same_in_every_picture(ax):
    looks = []
    for order in (list(VALUES), list(VALUES)[::-1], ["VAE"]):
        ax.clear()
        plots.dots({name: VALUES[name] for name in order}, "nats", ax, kinds=KINDS)
        bars = {c.get_label(): (c.lines[0].get_color(), c.lines[0].get_marker()) for c in ax.containers}
        looks.append(bars["bound"])
    assert len(set(looks)) == 1


def test_the_line_has_a_name(ax):
    plots.dots(VALUES, "nats", ax, kinds=KINDS, line=("truth", 17.0))
    assert "truth" in [t.get_text() for t in ax.get_legend().texts]
    assert any(list(line.get_xdata()) == [17.0, 17.0] for line in ax.lines)


def test_many_rows_are_readable():
    many = {f"a system with a name, {i}": (0.013 * 1.4**i, 0.001 * i) for i in range(15)}
    kinds = {name: f"kind {i % 4}" for i, name in enumerate(many)}
    ax = plots.dots(many, "total variation to p_D", kinds=kinds, line=("p_D itself", 0.013))
    assert faults(ax.figure) == [] and max(ax.figure.get_size_inches()) < 8.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.dots({}, "x"), "at least one number, got none"),
        (lambda: plots.dots({"a": (float("nan"), 0.0)}, "x"), "finite numbers, got a: nan"),
        (lambda: plots.dots({"a": (1.0, float("inf"))}, "x"), "finite numbers"),
        (lambda: plots.dots({"a": (1.0, 0.1)}, "x", kinds={}), "none for a"),
        (lambda: plots.dots(dict.fromkeys(EIGHT, (1.0, 0.1)), "x", kinds={c: c for c in EIGHT}), "8 kinds"),
    ],
)
def test_bad_input_gets_one_clear_error_and_leaves_no_figure(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    assert plt.get_fignums() == []

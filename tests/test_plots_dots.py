"""Dots with error bars, and the tree with one branch lit."""

import matplotlib.pyplot as plt
import pytest
from drawn import faults
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import course_utils.models  # noqa: F401
from course_utils import plots, taxonomy
from course_utils.plots import taxonomy_tree

VALUES = {"NADE": (17.4, 0.2), "VAE": (18.9, 0.3), "BoltzmannMachine": (18.2, 0.1)}
KINDS = {"NADE": "exact", "VAE": "bound", "BoltzmannMachine": "estimate"}


@pytest.fixture
def ax():
    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


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


def test_bounds_have_an_arrow_to_the_left_and_the_line_a_name(ax):
    plots.dots(VALUES, "nats", ax, kinds=KINDS, bounds=("VAE",), line=("truth", 17.0))
    (arrow,) = ax.texts
    assert arrow.xy == (18.9, 1) and arrow.xyann[0] < 0
    assert "truth" in [t.get_text() for t in ax.get_legend().texts]
    assert any(list(line.get_xdata()) == [17.0, 17.0] for line in ax.lines)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_many_rows_are_readable(scale):
    many = {f"a system with a name, {i}": (0.013 * 1.4**i, 0.001 * i) for i in range(15)}
    kinds = {name: f"kind {i % 4}" for i, name in enumerate(many)}
    ax = plots.dots(many, "total variation to p_D", kinds=kinds, line=("p_D itself", 0.013), scale=scale)
    assert faults(ax.figure) == [] and max(ax.figure.get_size_inches()) < 8.5
    plt.close("all")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.dots({}, "x"), "at least one number, got none"),
        (lambda: plots.dots({"a": (float("nan"), 0.0)}, "x"), "finite numbers, got a: nan"),
        (lambda: plots.dots({"a": (1.0, float("inf"))}, "x"), "finite numbers"),
        (lambda: plots.dots({"a": (0.0, 0.1)}, "x", scale="log"), "finite numbers > 0, got a"),
        (lambda: plots.dots({"a": (1.0, 0.1)}, "x", kinds={}), "none for a"),
        (lambda: plots.dots({"a": (1.0, 0.1)}, "x", bounds=("b",)), "none for b"),
        (lambda: plots.dots({"a": (1.0, 0.1)}, "x", scale="up"), "dots: expected scale"),
        (
            lambda: plots.dots({c: (1.0, 0.1) for c in "abcdefgh"}, "x", kinds={c: c for c in "abcdefgh"}),
            "8 kinds",
        ),
    ],
)
def test_bad_input_gets_one_clear_error_and_leaves_no_figure(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    assert plt.get_fignums() == []


def lit_titles(ax) -> set[str]:
    """The titles of the boxes that keep their colour."""
    boxes = [text for text in ax.texts if text.get_bbox_patch()]
    pale = {text for text in boxes if to_hex(text.get_bbox_patch().get_facecolor()) == "#ffffff"}
    return {text.get_text() for text in boxes if text not in pale}


def test_a_lit_branch_is_its_way_from_the_root_and_all_under_it(ax):
    plots.tree(ax, lit=taxonomy.ApproximateDensity, about=False)
    above, below = {"Generative models", "Explicit density"}, {"Variational", "Markov chain"}
    assert lit_titles(ax) == above | {"Approximate density"} | below
    assert sum(line.get_linewidth() == 3 for line in ax.lines) == 4


def test_a_lit_system_is_marked_in_the_list_of_its_family(ax):
    leaf = next(leaf for leaf in taxonomy.leaves() if leaf.__name__ == "MADE")
    plots.tree(ax, lit=leaf, about=False)
    assert lit_titles(ax) == {"Generative models", "Explicit density", "Tractable density", "Autoregressive"}
    lists = [text.get_text() for text in ax.texts if "NADE" in text.get_text()]
    assert lists == ["PixelRNN\nPixelCNN\nNADE\n► MADE"]
    assert "►" not in taxonomy_tree.listed(taxonomy.Autoregressive)


def test_without_a_choice_everything_is_lit(ax):
    plots.tree(ax)
    assert len(lit_titles(ax)) == len([text for text in ax.texts if text.get_bbox_patch()])

"""What is said about a figure to those who cannot see it."""

import pytest
import torch
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.plots.description import description


def test_a_curve_says_where_it_begins_ends_and_turns():
    x = torch.tensor([1.0, 2, 3, 4])
    ys = {"down": torch.tensor([9.0, 7, 3, 1]), "bump": torch.tensor([1.0, 8, 2, 1]), "$p_D$": torch.ones(4)}
    text = description(plots.lines(x, ys, "epoch", "loss (nats)", scale="log").figure)
    assert text.startswith("Across: epoch, from ")
    assert "loss (nats), from" in text and "(logarithmic)" in text
    assert "Curve down: from 9 to 1. " in text and "Curve bump: from 1 to 1, highest 8 at 2. " in text
    assert text.endswith("Curve p_D: from 1 to 1.")


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_curve_turns_where_one_sees_it(scale):
    """The least of a constant is where rounding has put it; what differs by a hair, no reader would see."""
    x, flat = torch.arange(5.0), 1.653 * torch.ones(5, dtype=torch.float64)
    ys = {"rounded": flat + 1e-15 * torch.tensor([0, 2, -3, 1, 0]), "a hair": flat - 0.02 * (x == 2)}
    ys |= {"tall": 1 + 99 * (x == 3), "low": 100 - 20.0 * (x == 2)}
    text = description(plots.lines(x, ys, "x", "nats", scale=scale).figure)
    assert "Curve rounded: from 1.653 to 1.653. " in text and "Curve a hair: from 1.653 to 1.653. " in text
    assert "Curve tall: from 1 to 1, highest 100 at 3. " in text
    assert text.endswith("Curve low: from 100 to 100, lowest 80 at 2.")


def test_every_axes_of_a_figure_is_described_and_no_colour_bar():
    figure = Figure()
    for ax, name in zip(figure.subplots(1, 2), ("left", "right"), strict=True):
        ax.set(title=name, xlabel=f"x of {name}")
    plots.density(lambda z: -z.square().sum(1), (-1, 1, -1, 1), figure.axes[0], resolution=5)
    text = description(figure)
    assert text.count("Across") == 2 and "density p(x)" not in text
    assert text.index("left") < text.index("A density in colours, from 0 to 1") < text.index("x of right")


def test_a_missing_value_ends_no_curve():
    ax = Figure().add_subplot()
    ax.plot([0, 1, 2], [float("nan"), 2, 3], label="a")
    ax.plot([0], [float("nan")], label="b")
    assert "Curve a: from 2 to 3. Curve b." in description(ax.figure)


def test_names_along_an_axis_and_numbers_with_errors_are_read_out():
    ax = plots.dots({"MADE": (17.5, 0.2), "VAE": (18.0, 0.1)}, "nats")
    text = description(ax.figure)
    assert "MADE 17.5 ± 0.2, VAE 18 ± 0.1" in text and "Up: MADE, VAE." in text


def test_own_words_come_first_and_are_words():
    ax = plots.describe(plots.images(torch.zeros(2, 1, 4, 8)), "Both  images are empty.")
    assert description(ax.figure) == "Both images are empty. 2 images of 4×8 pixels, dark ink on white."
    for nothing in ("", "  ", 3):
        with pytest.raises(ValueError, match="describe: expected a sentence"):
            plots.describe(ax, nothing)


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: plots.points(torch.rand(7, 2), label="data"), "7 points, data"),
        (lambda: plots.labelled(torch.rand(3, 2), torch.tensor([0, 1, 1])), "3 points, each drawn as its"),
        (lambda: plots.tree(), "Normalising flow"),
        (lambda: plots.graph({"x": (0, 0), "z": (0, 1)}, [("z", "x")], title="G"), "G. Arrows: z to x."),
        (lambda: plots.scenes(torch.rand(2, 3, 16, 16), labels=torch.tensor([0, 1])), "2 scenes in colour"),
    ],
)
def test_every_kind_of_picture_has_a_description(draw, says):
    assert says in description(draw().figure)


def test_scenes_are_described_with_their_scores_and_titles():
    said = {"scores": torch.tensor([0.9, 0.25]), "titles": ["before", "after"]}
    ax = plots.scenes(torch.rand(2, 3, 16, 16), labels=torch.tensor([1, 0]), **said)
    assert "with: DOG 0.90, CAT 0.25; over them: before, after." in description(ax.figure)

import copy
import os
import subprocess
import sys
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn import drawn_texts, faults
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from course_utils import plots
from course_utils.notebooks.comparison import IMAGE
from course_utils.plots.description import description
from course_utils.plots.output import SCREEN_DPI

X = torch.linspace(0, 1, 50)
P = torch.tensor([0.1, 0.6, 0.3])
Q = torch.tensor([0.2, 0.7, 0.1])
HISTORY = SimpleNamespace(train=[3.0, 2.0, 1.0, 0.5], valid=[3.1, 2.5, 2.2, 2.4], best_epoch=3)


def gaussian(z):
    return -0.5 * (z**2).sum(1) - 1.8379


DRAWINGS = {
    "images": lambda ax: plots.images(torch.rand(7, 1, 8, 8), title="Seven images", ax=ax),
    "labelled images": lambda ax: plots.images(
        torch.rand(6, 3, 8, 8), columns=3, title="t", labels=["p(x) = 0.123"] * 6, ax=ax
    ),
    "history": lambda ax: plots.history(HISTORY, ax),
    "density": lambda ax: plots.density(gaussian, (-3, 3, -2, 2), ax, resolution=20),
    "points": lambda ax: plots.points(torch.rand(20, 2), ax, label="samples"),
    "labelled": lambda ax: plots.labelled(torch.rand(20, 2), torch.arange(20), ax, title="digits"),
    "states": lambda ax: plots.distributions({"p_D": P, "p_M": Q}, ax),
    "densities": lambda ax: plots.distributions({"p_D": X, "a": 1 - X, "b": X / 2}, ax, grid=X),
    "lines": lambda ax: plots.lines(X, {n: X * i for i, n in enumerate("abcdefg")}, "x", "nats", ax),
}


def words(ax):
    return {text.get_text() for text, _ in drawn_texts(ax.figure)}


@pytest.mark.parametrize("name", DRAWINGS)
def test_text_is_large_apart_and_inside_the_canvas_and_no_global_state_changes(name):
    before = dict(matplotlib.rcParams)
    ax = DRAWINGS[name](None)
    assert plt.get_fignums() == [ax.figure.number] and dict(matplotlib.rcParams) == before
    assert words(ax) and all(ax.figure.get_size_inches() < 14)
    assert faults(ax.figure) == []


@pytest.mark.parametrize("name", DRAWINGS)
def test_given_axes_are_drawn_on_in_the_course_style_and_no_figure_is_left(name, ax):
    assert DRAWINGS[name](ax) is ax
    assert plt.get_fignums() == [] and len(ax.get_children()) > 10
    assert not ax.spines["top"].get_visible() and not ax.spines["right"].get_visible()
    ax.figure.canvas.draw()  # labels of ticks are made only now, outside the style
    for label in ax.get_xticklabels() + ax.get_yticklabels():
        assert label.get_size() >= 12


@pytest.mark.parametrize("name", ["history", "states", "densities", "lines", "points"])
def test_names_of_curves_stand_above_the_data(name):
    ax = DRAWINGS[name](None)
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1 - 1


def test_the_mosaic_has_every_pixel_of_every_image_in_reading_order(ax):
    x = torch.rand(5, 3, 4, 6)
    plots.images(x, columns=2, ax=ax)
    (picture,) = ax.images
    shown = picture.get_array()
    zoom, line = 8, 4
    assert picture.get_interpolation() == "nearest"
    for i, tile in enumerate(x):
        top, left = (i // 2) * (4 * zoom + line) + line, (i % 2) * (6 * zoom + line) + line
        block = shown[top : top + 4 * zoom, left : left + 6 * zoom]
        for dy, dx in ((0, 0), (zoom - 1, zoom - 1)):
            np.testing.assert_allclose(block[dy::zoom, dx::zoom], tile.permute(1, 2, 0))
    assert (shown[: 4 * zoom, 6 * zoom + line] == plots.canvas.FRAME).all()
    assert (shown[-4 * zoom :, -6 * zoom :] == 1).all()  # the place of a sixth image stays white


def test_grey_images_are_ink_on_white_with_or_without_a_channel_and_photographs_are_not(ax):
    x = torch.rand(3, 5, 5)
    a = plots.images(x, ax=ax).images[-1].get_array()
    b = plots.images(x[:, None].double().numpy(), ax=ax).images[-1].get_array()
    c = plots.images(1 - x[:, None].expand(3, 3, 5, 5), ax=ax).images[-1].get_array()
    d = plots.images(1 - x, ink=False, ax=ax).images[-1].get_array()
    for other in (b, c, d):
        np.testing.assert_allclose(a, other)
    white = plots.images(torch.zeros(1, 1, 2, 2), ax=ax).images[-1].get_array()
    assert white[white.shape[0] // 2, white.shape[1] // 2].tolist() == [1, 1, 1]


def test_rows_and_columns_of_images_have_their_names_beside_them():
    ax = plots.images(torch.rand(6, 1, 3, 8), columns=["a", "b", "c"], rows=["first", "second"], title="T")
    ax.figure.canvas.draw()
    height, width = ax.images[0].get_array().shape[:2]
    corners = {text.get_text(): text.get_window_extent().corners() for text in ax.texts}
    places = {name: ax.transData.inverted().transform(c).mean(0) for name, c in corners.items()}
    for i, name in enumerate("abc"):
        assert i / 3 < places[name][0] / width < (i + 1) / 3 and places[name][1] < 0
    for i, name in enumerate(("first", "second")):
        assert i / 2 < places[name][1] / height < (i + 1) / 2 and places[name][0] < 0
    assert faults(ax.figure) == []
    assert description(ax.figure) == (
        "T. 2 rows of 3 images of 3×8 pixels, dark ink on white; columns: a, b, c; rows: first, second."
    )


@pytest.mark.parametrize(
    ("n", "names"),
    [
        (6, {"rows": ["a"] * 4}),
        (5, {"columns": ["a"] * 6}),
        (6, {"rows": "ab"}),
        (6, {"columns": 4, "rows": ["a"]}),
    ],
)
def test_names_that_do_not_fit_the_images_are_refused(ax, n, names):
    with pytest.raises(ValueError, match="images: expected"):
        plots.images(torch.rand(n, 1, 4, 4), ax=ax, **names)


def test_an_image_is_at_least_forty_pixels_of_a_screen_wide():
    ax = plots.images(torch.rand(32, 1, 8, 8), columns=16, rows=["real", "sampled"])
    ax.figure.canvas.draw()
    assert ax.get_window_extent().width / ax.figure.dpi * SCREEN_DPI / 16 >= 40


def test_labels_stand_over_their_own_image():
    ax = plots.images(torch.rand(5, 1, 8, 8), columns=3, labels=torch.arange(5))
    ax.figure.canvas.draw()
    picture = ax.images[0].get_array()
    for i, text in enumerate(ax.texts):
        assert text.get_text() == str(i)
        x, y = ax.transData.inverted().transform(text.get_window_extent().corners())[:, :].T
        assert (
            x.min() >= (i % 3) * picture.shape[1] / 3 - 1
            and x.max() <= (i % 3 + 1) * picture.shape[1] / 3 + 1
        )
        rows = slice(max(0, int(y.min())), int(y.max()))
        assert (picture[rows, int(x.min()) : int(x.max())] == 1).all()  # on white, not on an image


def test_history_shows_both_curves_and_marks_the_best_epoch(ax):
    plots.history(HISTORY, ax)
    train, valid, best = ax.lines
    np.testing.assert_allclose(train.get_xydata(), list(enumerate(HISTORY.train, 1)))
    np.testing.assert_allclose(valid.get_xydata(), list(enumerate(HISTORY.valid, 1)))
    np.testing.assert_allclose(best.get_xydata(), [[3, 2.2]])
    assert {"train", "held-out", "best: epoch 3", "epoch", "loss (nats)"} <= words(ax)
    assert train.get_linestyle() != valid.get_linestyle()


def test_density_is_exp_of_log_prob_at_the_right_places(ax):
    def tilted(z):
        return 2 * z[:, 0] - z[:, 1]

    plots.density(tilted, (0, 1, -1, 1), ax, resolution=11)
    (picture,) = ax.images
    shown = picture.get_array()
    assert (
        shown.shape == (11, 11) and picture.origin == "lower" and list(picture.get_extent()) == [0, 1, -1, 1]
    )
    np.testing.assert_allclose(shown[0, 0], np.exp(1.0), rtol=1e-5)
    np.testing.assert_allclose(shown[-1, 0], np.exp(-1.0), rtol=1e-5)
    np.testing.assert_allclose(shown[0, -1], np.exp(3.0), rtol=1e-5)
    assert "density p(x)" in words(ax)
    ax.figure.draw_without_rendering()
    (bar,) = ax.child_axes
    panel, beside = ax.get_window_extent(), bar.get_window_extent()
    np.testing.assert_allclose([beside.y0, beside.y1], [panel.y0, panel.y1])


def test_density_accepts_probability_zero(ax):
    plots.density(lambda z: torch.full((len(z),), -torch.inf), (0, 1, 0, 1), ax, resolution=5)
    assert (ax.images[0].get_array() == 0).all()


def test_labels_stand_at_their_points(ax):
    x, y = torch.rand(12, 2), torch.arange(12) % 3
    plots.labelled(x, y, ax)
    drawn = {artist.get_facecolor().tobytes(): artist.get_offsets() for artist in ax.collections}
    assert len(drawn) == 3
    for k, places in enumerate(drawn.values()):
        assert np.allclose(places, x[y == k].numpy())


def test_points_are_where_they_are(ax):
    x = torch.rand(30, 2)
    plots.points(x, ax)
    np.testing.assert_allclose(ax.collections[0].get_offsets(), x)


def test_states_stand_in_order_of_the_first_distribution(ax):
    plots.distributions({"p_D": P, "p_M": Q}, ax)
    area, dots = ax.patches[0], ax.lines[0]
    np.testing.assert_allclose(area.get_data().values, [0.6, 0.3, 0.1])
    np.testing.assert_allclose(dots.get_xydata(), [[1, 0.7], [2, 0.1], [3, 0.2]])
    assert {"p_D", "p_M", "probability", "state, by falling p_D"} <= words(ax)


def test_states_can_keep_their_order(ax):
    p = torch.tensor([0.0, 0.9, 0.1])
    plots.distributions({"p_D": p, "p_M": P}, ax, sort=False)
    np.testing.assert_allclose(ax.patches[0].get_data().values, p)
    assert "state" in words(ax) and ax.get_ylim()[0] == 0


def test_densities_stand_over_their_grid(ax):
    plots.distributions({"p_D": X, "p_M": 1 - X}, ax, grid=2 * X)
    np.testing.assert_allclose(ax.lines[0].get_xydata(), torch.stack([2 * X, 1 - X], 1))
    assert {"density", "x"} <= words(ax)


def test_lines_carry_their_data_names_and_units_and_differ_in_more_than_colour(ax):
    ys = {name: X * i for i, name in enumerate("abcdefg", 1)}
    plots.lines(X, ys, "θ", "KL (nats)", ax, scale="log")
    for line, (name, y) in zip(ax.lines, ys.items(), strict=True):
        np.testing.assert_allclose(line.get_xydata(), torch.stack([X, y], 1))
        assert line.get_label() == name
    assert {*ys, "θ", "KL (nats)"} <= words(ax) and ax.get_yscale() == "log"
    styles = {
        (line.get_linestyle(), line._unscaled_dash_pattern[1] and str(line._unscaled_dash_pattern))
        for line in ax.lines
    }
    assert len(styles) >= 6 and len({line.get_color() for line in ax.lines}) == 7


def test_nothing_given_is_changed():
    given = {
        "x": torch.rand(4, 1, 8, 8),
        "p": torch.tensor([0.0, 0.5, 0.5]),
        "z": torch.rand(9, 2),
        "train": [2.0, 1.0],
    }
    before = copy.deepcopy(given)
    plots.images(given["x"], title="t")
    plots.points(given["z"])
    plots.distributions({"p": given["p"]})
    plots.lines(given["p"], {"p": given["p"]}, "x", "y")
    plots.history(SimpleNamespace(train=given["train"], valid=given["train"], best_epoch=2))
    assert all(torch.equal(given[k], before[k]) for k in "xpz") and given["train"] == before["train"]


def test_tensors_that_need_gradients_can_be_shown(ax):
    plots.points(torch.rand(5, 2, requires_grad=True), ax)
    plots.density(lambda z: z.sum(1) * torch.ones(1, requires_grad=True), (0, 1, 0, 1), ax, resolution=5)


CELL = "import torch; from course_utils import plots; plots.images(torch.zeros(1, 1, 2, 2));"


@pytest.mark.slow
def test_a_notebook_shows_every_figure():
    """Whatever MPLBACKEND says; and the backend sets itself up at the first figure: the style keeps that."""
    notebook = new_notebook(cells=[new_code_cell(CELL), new_code_cell(CELL)])
    NotebookClient(notebook, kernel_name="python3").execute(env=os.environ | {"MPLBACKEND": "SVG"})
    for cell in notebook.cells:
        assert [output.output_type for output in cell.outputs] == ["display_data"]
        assert IMAGE.fullmatch(cell.outputs[0].data["text/html"])[1].startswith("An image of 2×2 pixels")


@pytest.mark.slow
def test_a_script_keeps_its_backend():
    code = f"import IPython; {CELL} import matplotlib; print(matplotlib.get_backend())"
    env = os.environ | {"MPLBACKEND": "svg"}
    assert subprocess.check_output([sys.executable, "-c", code], env=env, text=True).strip() == "svg"


STRANGE = """
font.size: 30
font.sans-serif: DejaVu Serif
font.family: monospace
text.usetex: True
figure.constrained_layout.use: True
figure.autolayout: True
figure.facecolor: black
figure.dpi: 30
axes.grid: True
axes.facecolor: grey
axes.formatter.use_locale: True
xtick.direction: in
xtick.minor.visible: True
ytick.right: True
lines.marker: o
image.origin: lower
savefig.transparent: True
"""
PICTURES = """
import hashlib, sys, warnings
warnings.simplefilter("error")
import matplotlib, torch
from types import SimpleNamespace
from course_utils import plots
from course_utils.plots.description import description
from course_utils.plots.output import SCREEN_DPI
from course_utils.notebooks.comparison import IMAGE
from course_utils.explorers.engine import Explorer, choice
x = torch.linspace(0, 1, 9)
def draw(figure, k):
    plots.lines(x, {"one": x}, "x", "nats", figure.add_subplot())
shown = [
    plots.images(x[:8].expand(4, 1, 8, 8), title="t", labels=[1, 2, 3, 4]),
    plots.lines(x, {"a": x, "b": -x}, "x", "nats"),
    plots.points(torch.stack([x, x], 1)), plots.tree(),
    plots.history(SimpleNamespace(train=[2.0, 1.0], valid=[2.0, 1.5], best_epoch=2)),
]
for ax in shown:
    ax.figure.canvas.draw()
    print(hashlib.sha256(bytes(ax.figure.canvas.buffer_rgba())).hexdigest())
explorer = Explorer(draw, title="t", k=choice(["a", "b"]))
print(hashlib.sha256(explorer.image.value).hexdigest(), hashlib.sha256(explorer.stored()).hexdigest())
"""


@pytest.mark.slow
def test_pictures_do_not_depend_on_the_users_matplotlibrc(tmp_path):
    (tmp_path / "strange").write_text(STRANGE)
    (tmp_path / "plain").write_text("")
    env = os.environ | {"MPLBACKEND": "agg"}
    plain, strange = (  # each in a Python of its own: other tests leave their marks on matplotlib
        subprocess.check_output(
            [sys.executable, "-c", PICTURES], env=env | {"MATPLOTLIBRC": str(tmp_path / name)}, text=True
        )
        for name in ("plain", "strange")
    )
    assert plain.count("\n") == 6 and strange == plain

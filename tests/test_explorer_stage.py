import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.explorers import Explorer
from course_utils.explorers.stage import Stage

SIZE, DPI = (4, 3), 72


def frame(figure):
    """Axes with a curve, and a place for an image."""
    ax = figure.add_axes((0.15, 0.2, 0.4, 0.6), xlim=(0, 4), ylim=(0, 4), xlabel="x", ylabel="y")
    ax.plot([0, 4], [4, 0])
    figure.add_axes((0.6, 0.2, 0.35, 0.6)).set_axis_off()


def draw(figure, *, a):
    """A curve, an area, a title, an image, words and axes more."""
    left, right = figure.axes
    left.plot([0, a], [0, a], "--", color="k")
    left.fill_between([0, a], [1, 1])
    left.set_title(f"a = {a}")
    right.imshow(np.eye(a), cmap="gray")
    right.set_title(f"{a}×{a}")
    figure.text(0.4, 0.9, "words")
    figure.add_axes((0.2, 0.3, 0.1, 0.1)).plot([a, 1])


def whole(a):
    """The pixels of the same figure when nothing stands."""
    figure = Figure(figsize=SIZE, dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    frame(figure)
    draw(figure, a=a)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).astype(int)


def pixels(stage, act=draw, **values):
    with stage.acted() as figure:
        act(figure, **values)
    return stage.pixels().astype(int)


def test_what_is_drawn_over_the_frame_is_what_a_whole_drawing_shows():
    with plots.style():
        stage = Stage(SIZE, DPI, frame)
        for a in (3, 2, 3):
            different = np.abs(pixels(stage, a=a) - whole(a)).max(-1) > 8
            assert different.mean() < 0.003  # a curve over a spine, not under it


def test_the_frame_is_drawn_once_and_nothing_stays_of_what_was_drawn_over_it():
    calls = []

    def counted(figure):
        calls.append(1)
        frame(figure)

    stage = Stage(SIZE, DPI, counted)
    empty = pixels(stage, lambda figure: None).copy()
    before = [len(ax.get_children()) for ax in stage.figure.axes]
    first = pixels(stage, a=3).copy()
    assert np.abs(first - empty).max() > 100
    assert np.array_equal(pixels(stage, lambda figure: None), empty)
    assert np.array_equal(pixels(stage, a=3), first) and not np.array_equal(pixels(stage, a=2), first)
    assert [len(ax.get_children()) for ax in stage.figure.axes] == before
    assert len(stage.figure.axes) == 2 and len(stage.figure.texts) == 0 and calls == [1]


def test_colours_and_dashes_begin_anew_in_every_picture():
    with plots.style():
        stage = Stage(SIZE, DPI, frame)
        first = pixels(stage, lambda figure: figure.axes[0].plot([0, 1], [3, 3])).copy()
        assert np.array_equal(pixels(stage, lambda figure: figure.axes[0].plot([0, 1], [3, 3])), first)


def test_after_an_error_the_stage_is_empty_again():
    stage = Stage(SIZE, DPI, frame)
    first = pixels(stage, a=3).copy()

    def fail(figure):
        draw(figure, a=2)
        raise KeyError

    with pytest.raises(KeyError):
        pixels(stage, fail)
    assert np.array_equal(pixels(stage, a=3), first)


CHANGES = {
    "a label": lambda figure: figure.axes[0].set_xlabel("z"),
    "the limits": lambda figure: figure.axes[0].set_xlim(0, 9),
    "a curve that stands": lambda figure: figure.axes[0].lines[0].set_color("red"),
    "the background": lambda figure: figure.set_facecolor("red"),
    "ticks": lambda figure: figure.axes[0].tick_params(labelsize=30),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_stands_may_not_change(name):
    stage = Stage(SIZE, DPI, frame)
    with pytest.raises(
        ValueError, match="Stage: expected nothing but new artists over the frame, got a change"
    ):
        pixels(stage, CHANGES[name])


def test_a_title_that_the_frame_gives_may_not_change():
    stage = Stage(SIZE, DPI, lambda figure: figure.add_subplot().set_title("stands"))
    with pytest.raises(ValueError, match="Text"):
        pixels(stage, lambda figure: figure.axes[0].set_title("moves"))


def test_an_explorer_with_a_frame_shows_the_same_as_one_without_and_says_what_fails():
    def both(figure, *, a):
        frame(figure)
        draw(figure, a=a)

    standing = Explorer(draw, title="A stage", size=SIZE, frame=frame, a=(1, 4))
    anew = Explorer(both, title="A stage", size=SIZE, a=(1, 4))
    assert standing.values == anew.values
    with plots.style():
        shares = [
            np.abs(one._pixels(DPI, {"a": 3}).astype(int) - other._pixels(DPI, {"a": 3})).max(-1) > 8
            for one, other in ((standing, anew), (standing, standing))
        ]
    assert shares[0].mean() < 0.003 and not shares[1].any()


def test_an_explorer_says_in_its_picture_that_its_frame_was_moved():
    def move(figure, *, a):
        if a > 4:
            figure.axes[0].set_xlim(0, a)

    explorer = Explorer(move, title="Moves", frame=frame, size=SIZE, a=[3, 5])
    for a in (5, 3):
        explorer.controls["a"].value = a
        assert isinstance(explorer.error, ValueError) and "Stage: expected" in str(explorer.error)

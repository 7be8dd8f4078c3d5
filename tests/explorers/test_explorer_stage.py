import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.explorers.engine import Explorer, choice
from course_utils.explorers.engine.stage import Stage

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


def whole(frame=frame, draw=draw, **values):
    """The pixels of the same figure when nothing stands."""
    figure = Figure(figsize=SIZE, dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    frame(figure)
    draw(figure, **values)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).astype(int)


def pixels(stage, act=draw, **values):
    with stage.acted() as figure:
        act(figure, **values)
    return stage.pixels().astype(int)


def empty(figure):
    """Axes without a curve, and a place for an image."""
    figure.add_axes((0.15, 0.2, 0.4, 0.6), xlim=(0, 4), ylim=(0, 4), xlabel="x", ylabel="y")
    figure.add_axes((0.6, 0.2, 0.35, 0.6)).set_axis_off()


def areas(ax, *zorders):
    for i, (colour, zorder) in enumerate(zip(("red", "blue"), zorders, strict=True)):
        ax.axhspan(1 + i, 3 + i / 2, 0.1, 0.9, color=colour, zorder=zorder)


ADDED = {
    "a title": lambda figure: figure.axes[0].set_title("a title"),
    "a title under which nothing is": lambda figure: figure.axes[1].set_title("a title"),
    "the later over the earlier": lambda figure: areas(figure.axes[0], 1, 1),
    "the higher over the later": lambda figure: areas(figure.axes[0], 5, 4),
    "axes over later ones": lambda figure: (
        figure.add_axes((0.2, 0.3, 0.2, 0.2), zorder=3).plot([0, 1]),
        figure.add_axes((0.3, 0.4, 0.2, 0.2), zorder=2).plot([1, 0]),
    ),
    "words over axes": lambda figure: (
        figure.text(0.22, 0.4, "words"),
        figure.add_axes((0.2, 0.3, 0.2, 0.2)).set_facecolor("yellow"),
    ),
    "half of a colour, once": lambda figure: figure.axes[1].axhspan(0, 0.5, alpha=0.5),
    "an image": lambda figure: figure.axes[1].imshow(np.eye(5)[:3], cmap="gray"),
    "a curve beyond the limits": lambda figure: figure.axes[0].plot([1, 2], [1, 9]),
    "names": lambda figure: (
        figure.axes[0].plot([1, 3], [1, 3], label="one"),
        figure.axes[0].legend(loc="center"),
    ),
}


@pytest.mark.parametrize("name", ADDED)
def test_every_pixel_is_as_in_a_whole_drawing(name):
    with plots.style():
        stage, due = Stage(SIZE, DPI, empty), whole(empty, ADDED[name])
        for _ in range(2):
            assert np.array_equal(pixels(stage, ADDED[name]), due)


LEFT_OVER = {
    "limits found from a curve": lambda figure: figure.axes[1].plot([0, 9], [0, -3]),
    "limits set": lambda figure: figure.axes[1].set(xlim=(-4, 8), ylim=(9, -9)),
    "an image, its limits and its aspect": lambda figure: figure.axes[1].imshow(np.eye(7)[:2]),
    "colours and dashes": lambda figure: [ax.plot([1, 1]) for ax in figure.axes],
    "the colour and the size of a title": lambda figure: [
        ax.set_title("red", color="red", size=30) for ax in figure.axes
    ],
    "an axis switched on": lambda figure: figure.axes[1].set_axis_on(),
}


@pytest.mark.parametrize("name", LEFT_OVER)
def test_a_picture_is_the_same_whatever_was_drawn_before(name):
    def act(figure):
        for ax in figure.axes:
            ax.plot([1, 2], [1, 3])
            ax.set_title("a title")

    with plots.style():
        stage = Stage(SIZE, DPI, empty)
        first = pixels(stage, act).copy()
        assert not np.array_equal(pixels(stage, LEFT_OVER[name]), first)
        assert np.array_equal(pixels(stage, act), first)


def test_limits_that_the_frame_found_for_itself_stand():
    def found(figure):
        figure.add_subplot().plot([0, 1], [0, 1])

    stage = Stage(SIZE, DPI, found)
    (ax,) = stage.figure.axes
    before = ax.get_xlim(), ax.get_ylim()
    shown = pixels(stage, lambda figure: figure.axes[0].plot([0, 5], [0, 5])).copy()
    assert (ax.get_xlim(), ax.get_ylim()) == before
    assert not np.array_equal(pixels(stage, lambda figure: None), shown)


def test_what_the_frame_hides_is_no_change():
    def hiding(figure):
        frame(figure)
        figure.axes[0].plot([0, 4], [1, 1])[0].set_visible(False)

    stage = Stage(SIZE, DPI, hiding)
    assert not np.array_equal(pixels(stage, a=3).copy(), pixels(stage, a=2))


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
    "limits that move across": lambda figure: (figure.axes[0].autoscale(axis="x"), figure.axes[0].plot([9])),
    "limits that move up": lambda figure: (figure.axes[0].autoscale(axis="y"), figure.axes[0].plot([9])),
    "the place": lambda figure: figure.axes[0].set_position((0.2, 0.2, 0.2, 0.2)),
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


def test_an_explorer_says_in_its_picture_that_its_frame_was_moved():
    def move(figure, *, a):
        if a > 4:
            figure.axes[0].set_xlim(0, a)

    explorer = Explorer(move, title="Moves", frame=frame, size=SIZE, a=choice([3, 5]))
    for a in (5, 3):
        explorer.controls["a"].value = a
        assert isinstance(explorer.error, ValueError) and "Stage: expected" in str(explorer.error)

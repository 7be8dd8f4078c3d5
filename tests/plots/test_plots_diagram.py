import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import faults
from matplotlib.colors import to_hex
from matplotlib.patches import Circle

from course_utils import plots
from course_utils.plots.diagram import RADIUS, SHADE, crosses

CHAIN = {"x₁": (0, 0), "x₂": (1, 0), "x₃": (2, 0)}
ARROWS = [("x₁", "x₂"), ("x₂", "x₃"), ("x₁", "x₃")]


@pytest.fixture
def ax():
    drawn = plots.graph(CHAIN | {"z": (1, 1.5)}, [*ARROWS, ("z", "x₁")], hidden=["z"], title="a graph")
    return drawn


def test_every_variable_is_a_circle_with_its_name_and_hidden_ones_are_white(ax):
    circles = {
        tuple(c.center): to_hex(c.get_facecolor()).upper() for c in ax.patches if isinstance(c, Circle)
    }
    named = {text.get_text(): text.get_position() for text in ax.texts if text.get_text()}
    assert named.keys() == {"x₁", "x₂", "x₃", "z"}
    assert {name: circles[place] for name, place in named.items()} == {
        "x₁": SHADE, "x₂": SHADE, "x₃": SHADE, "z": "#FFFFFF"
    }  # fmt: skip
    assert faults(ax.figure) == [] and ax.get_title() == "a graph"


def test_every_arrow_goes_from_rim_to_rim_and_bends_where_another_stands_in_its_way(ax):
    arrows = [text for text in ax.texts if not text.get_text()]
    places = {**CHAIN, "z": (1, 1.5)}
    assert len(arrows) == 4
    for arrow, (start, end) in zip(arrows, [*ARROWS, ("z", "x₁")], strict=True):
        ax.figure.canvas.draw()  # places the arrow in pixels
        path = ax.transData.inverted().transform(arrow.arrow_patch.get_path().vertices)
        for name in (start, end):
            assert np.linalg.norm(path - places[name], axis=1).min() == pytest.approx(RADIUS, abs=0.05)
        bent = not arrow.arrowprops["connectionstyle"].endswith("=0.0")
        assert bent == ((start, end) == ("x₁", "x₃"))
        if bent:
            assert path[0, 1] > 0.1 and path[:, 1].max() > RADIUS  # above the row


def test_a_way_is_blocked_by_what_stands_on_it_alone():
    a, b = np.array([0.0, 0.0]), np.array([2.0, 0.0])
    assert crosses(a, b, np.array([1.0, 0.2])) and not crosses(a, b, np.array([1.0, 0.5]))
    assert not crosses(a, b, np.array([3.0, 0.0]))


PARTS = {"x": (0, 0), "masked 7×7\nkind A": (2, 0), "p(xᵢ | x₁ …)": (4.6, 0), "bias": (2, 1)}
WAYS = [("x", "masked 7×7\nkind A"), ("masked 7×7\nkind A", "p(xᵢ | x₁ …)"), ("bias", "p(xᵢ | x₁ …)")]


def test_every_part_is_a_box_around_its_words_and_arrows_go_from_rim_to_rim():
    ax = plots.diagram(PARTS, WAYS, data=["x"], title="a network")
    ax.figure.canvas.draw()
    words = {text.get_text(): text for text in ax.texts if text.get_text()}
    boxes = {name: text.get_bbox_patch().get_window_extent() for name, text in words.items()}
    assert words.keys() == PARTS.keys() and faults(ax.figure) == [] and ax.get_title() == "a network"
    for name, text in words.items():
        inner, box = text.get_window_extent(), boxes[name]
        assert text.get_size() >= 14 and box.x0 < inner.x0 < inner.x1 < box.x1 and box.y0 < inner.y0 < box.y1
        assert to_hex(text.get_bbox_patch().get_facecolor()).upper() == (SHADE if name == "x" else "#FFFFFF")
        assert box.x0 > 0 and box.x1 < ax.figure.bbox.width
        assert not any(box.overlaps(other) for key, other in boxes.items() if key != name)
    for arrow, (start, end) in zip((t for t in ax.texts if not t.get_text()), WAYS, strict=True):
        path = arrow.arrow_patch.get_path().vertices  # the line, then its head
        assert boxes[start].padded(3).contains(*path[0]) and not boxes[start].padded(-3).contains(*path[0])
        assert any(boxes[end].padded(6).contains(*point) for point in path)
        assert not any(boxes[end].padded(-3).contains(*point) for point in path)


@pytest.mark.parametrize("draw, names", [(plots.graph, "hidden"), (plots.diagram, "data")])
@pytest.mark.parametrize(
    "places, arrows, others", [({}, [], []), (CHAIN, [("x₁", "x₄")], []), (CHAIN, [], ["z"])]
)
def test_names_that_have_no_place_are_errors(draw, names, places, arrows, others):
    with pytest.raises(ValueError, match=f"{draw.__name__}: expected"):
        draw(places, arrows, **{names: others})
    assert plt.get_fignums() == []

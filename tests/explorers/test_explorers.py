import base64
from html import unescape
from io import BytesIO

import numpy as np
import pytest
from drawn import drawn, extremes, faults, picture
from explorer_inputs import INPUTS, shown
from PIL import Image

from course_utils.explorers.engine import Explorer
from course_utils.explorers.engine.explorer import SCREEN_DPI, STORED_DPI
from course_utils.notebooks.comparison import IMAGE

BUILT: dict[str, Explorer] = {}
SHOWN = shown()


@pytest.fixture(params=sorted(SHOWN))
def explorer(request):
    """Each explorer of the course, at its first values."""
    name = request.param
    if name not in BUILT:
        BUILT[name] = SHOWN[name](*INPUTS.get(name, tuple)())
        BUILT[name].first = BUILT[name].values
    built = BUILT[name]
    yield built
    for control, value in built.first.items():
        built.controls[control].value = value


def corners(explorer):
    """The first values, and each control alone at each of its ends."""
    return [{}] + [{name: end} for name, widget in explorer.controls.items() for end in extremes(widget)]


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def test_the_inputs_are_of_explorers_that_exist():
    assert INPUTS.keys() <= SHOWN.keys()


@pytest.mark.slow
def test_first_picture_has_its_size_and_shows_something(explorer):
    first = pixels(explorer.image.value)
    width, height = explorer.size
    assert first.shape == (int(height * SCREEN_DPI), int(width * SCREEN_DPI), 3)
    assert first.std() > 5
    assert explorer.image.layout.width == f"{first.shape[1]}px"
    assert explorer.image.layout.height == f"{first.shape[0]}px"


@pytest.mark.slow
def test_each_control_changes_the_picture_through_its_binding(explorer):
    for name, widget in explorer.controls.items():
        before = explorer.image.value
        shown = set()
        for end in extremes(widget):
            widget.value = end
            assert explorer.error is None
            assert explorer.image.value == picture(explorer)
            shown.add(explorer.image.value)
        widget.value = explorer.first[name]
        assert len(shown) > 1, f"{name} changes nothing"
        assert explorer.image.value == before


@pytest.mark.slow
def test_same_values_give_the_same_bytes_whatever_was_drawn_before(explorer):
    ends = [{name: extremes(widget)[-1]} for name, widget in explorer.controls.items()]
    forth = [picture(explorer, **values) for values in ends]
    back = [picture(explorer, **values) for values in reversed(ends)]
    assert back == forth[::-1] and picture(explorer) == explorer.image.value
    assert explorer.values == explorer.first


@pytest.mark.slow
def test_text_is_large_apart_and_inside_the_picture_at_every_end(explorer):
    for values in corners(explorer):
        figure = drawn(explorer, **values)
        assert faults(figure) == [], values
        assert tuple(figure.get_size_inches()) == explorer.size


@pytest.mark.slow
def test_controls_have_a_name_and_a_tooltip_and_move_continuously(explorer):
    for name, widget in explorer.controls.items():
        assert widget.description and len(widget.tooltip) > len(name) and widget.tooltip[0].isupper()
        assert getattr(widget, "continuous_update", True)
    assert len({widget.description for widget in explorer.controls.values()}) == len(explorer.controls)
    assert len(explorer.title) > 10 and explorer.title[-1] != "."
    assert explorer.widget.children == (*explorer.controls.values(), explorer.image)


@pytest.mark.slow
def test_the_output_is_a_widget_and_a_small_fine_picture_and_words(explorer):
    data = explorer._repr_mimebundle_()
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.widget.model_id
    words, picture = IMAGE.fullmatch(data["text/html"]).groups()
    stored = base64.b64decode(picture)
    width, height = explorer.size
    assert pixels(stored).shape == (int(height * STORED_DPI), int(width * STORED_DPI), 3)
    assert len(stored) <= 100_000  # in colour; in black and white a third of it
    assert f'width="{int(width * SCREEN_DPI)}" height="{int(height * SCREEN_DPI)}"' in data["text/html"]
    assert unescape(words) == data["text/plain"] == explorer.image.tooltip
    assert data["text/plain"].startswith(explorer.title)
    assert all(f"{name} = {value}" in data["text/plain"] for name, value in explorer.values.items())
    assert explorer._repr_mimebundle_() == data


@pytest.mark.slow
def test_the_stored_picture_is_that_of_the_present_values(explorer):
    name, widget = next(iter(explorer.controls.items()))
    before = explorer.stored()
    widget.value = next(
        end for end in extremes(widget) if picture(explorer, **{name: end}) != picture(explorer)
    )
    after = explorer.stored()
    shown = pixels(explorer.image.value)

    def distance(stored: bytes) -> float:
        coarse = Image.open(BytesIO(stored)).convert("RGB").resize(shown.shape[1::-1])
        return np.abs(np.asarray(coarse, float) - shown).mean()

    assert after != before
    assert distance(after) < min(distance(before), 15)

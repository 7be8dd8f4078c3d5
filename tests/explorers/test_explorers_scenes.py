"""The four tasks on one scene: what stands in the picture is what the networks said, above the threshold."""

import pytest
from drawn import drawn, drawn_texts
from explorer_inputs import answered

from course_utils.datasets import ANIMALS
from course_utils.explorers.engine import Explorer
from course_utils.explorers.supervised_learning import four_tasks


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return four_tasks(*answered())


def words(explorer, **values):
    return [text.get_text() for text, _ in drawn_texts(drawn(explorer, **values))]


@pytest.mark.parametrize("threshold", [0.05, 0.4, 0.95])
@pytest.mark.parametrize("scene", [1, 4, 6])
def test_each_panel_says_what_its_network_said_of_this_scene(explorer, scene, threshold):
    x, p, located, found, parts = answered()
    shown = words(explorer, scene=scene, threshold=threshold)
    here = (found.scene == scene - 1) & (found.scores >= threshold)
    said = [f"{ANIMALS[k]} {s:.2f}" for k, s in zip(found.labels[here], found.scores[here], strict=True)]
    best, k = p[scene - 1].max(0)
    said += said + [ANIMALS[located[0][scene - 1]]] + [f"{ANIMALS[k]} {best:.2f}"] * bool(best >= threshold)
    titles = ["classification", "+ localisation", f"detection: {here.sum()}", f"instances: {here.sum()}"]
    assert sorted(shown) == sorted(titles + said)


def test_bad_input_gets_one_clear_error():
    x, p, located, found, parts = answered()
    for bad in (
        (x[:1], p[:1], (located[0][:1], located[1][:1]), found, parts),
        (x, p[:3], located, found, parts),
        (x, p, (located[0], located[1][:2]), found, parts),
    ):
        with pytest.raises(ValueError, match=r"four_tasks: expected N ≥ 2 scenes.*\d, masks$"):
            four_tasks(*bad)
    with pytest.raises(ValueError, match=", no masks"):
        four_tasks(x, p, located, found, found)
    with pytest.raises(ValueError, match=r"value in \[1, 6\], got 7"):
        four_tasks(x, p, located, found, parts, scene=7)
    assert four_tasks(x, p, located, found, parts, scene=5).values == {"scene": 5, "threshold": 0.3}

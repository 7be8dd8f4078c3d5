"""With a part of the notebook's data and time each network is far above its baseline on unseen scenes."""

import pytest
import torch
from torchvision.ops import box_iou

from course_utils.datasets import Scenes, scenes
from course_utils.recognition import (
    Classifier,
    Detector,
    InstanceSegmenter,
    Localiser,
    average_precision,
    connected_components,
    matches,
    mean_box,
)
from course_utils.training import fit

pytestmark = pytest.mark.slow
SILENT = {"progress": False, "device": "cpu"}


@pytest.fixture(scope="module")
def one() -> tuple[Scenes, Scenes]:
    return scenes(1200, objects=1, seed=1), scenes(200, objects=1, seed=2)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@torch.no_grad()
def localised(model: Localiser, test: Scenes) -> torch.Tensor:
    """The share of scenes whose class is right and whose box overlaps the true one by half or more."""
    labels, boxes = model.predict(test.x)
    overlap = box_iou(boxes, test.boxes[:, 0]).diagonal()
    return ((labels == test.labels[:, 0]) & (overlap >= 0.5)).float().mean()


def test_what_a_classifier_learned_to_see_helps_to_localise(one):
    train, test = one
    labels, truth = train.labels[:, 0], test.labels[:, 0]
    classifier = Classifier()
    fit(classifier, (train.x, labels), **SILENT)
    found = []
    for start in (classifier, Classifier()):
        torch.manual_seed(0)
        model = Localiser()
        model.backbone.load_state_dict(start.backbone.state_dict())
        fit(model, (train.x, labels, train.boxes[:, 0]), epochs=2, **SILENT)
        found.append(localised(model, test))
    with torch.no_grad():
        right = (classifier.predict(test.x) == truth).float().mean()
    always = truth.bincount().max() / len(truth)
    assert right > always + 0.2 and found[0] > found[1] + 0.1


def test_localisation_finds_what_the_mean_box_misses(one):
    train, test = one
    model, boxes = Localiser(), train.boxes[:, 0]
    fit(model, (train.x, train.labels[:, 0], boxes), **SILENT)
    blind = box_iou(mean_box(boxes)[None], test.boxes[:, 0])[0] >= 0.5
    assert blind.float().mean() < 0.25 and localised(model, test) > 0.5


def test_pixels_that_point_part_pairs_that_their_classes_merge():
    train, pairs = scenes(1000, touching=True, seed=3), scenes(100, touching=True, seed=4)
    model = InstanceSegmenter()
    fit(model, (train.x, train.labels, train.masks), **SILENT)
    found, merged = model.segment(pairs.x), connected_components(model.semantic(pairs.x))

    def both(guess):
        right = matches(guess, pairs, by="masks")
        return (torch.bincount(guess.scene[right], minlength=len(pairs)) == 2).float().mean()

    assert both(found) > both(merged) + 0.1
    precision = [average_precision(guess, pairs, by="masks")["mean"] for guess in (found, merged)]
    assert precision[0] > 2 * precision[1] and precision[0] > precision[1] + 0.1


def test_a_thousand_scenes_go_a_long_way() -> None:
    """1,000 scenes, half of what the notebook takes: every second object is found and rightly named."""
    train, test = scenes(1000, seed=0), scenes(150, seed=1)
    model = Detector()
    fit(model, (train.x, train.labels, train.boxes), valid=0.05, **SILENT)
    found = model.detect(test.x)
    assert average_precision(found, test)["mean"] > 0.45
    twice = model.detect(test.x, iou=1.0, limit=100)  # without NMS each object is found by several cells
    assert average_precision(twice, test)["mean"] < average_precision(found, test)["mean"] - 0.1
    right = matches(found, test)
    assert right.sum() > 0.7 * (test.labels >= 0).sum()
    assert right.float().mean() < right[found.scores >= 0.5].float().mean()

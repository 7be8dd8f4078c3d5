"""A detector trained on few scenes with its own defaults: far beyond what can be said without a look."""

import torch

from course_utils.datasets.scenes import scenes
from course_utils.recognition import Detector, average_precision, precision_recall, unseen
from course_utils.training import fit


def test_a_thousand_scenes_go_a_long_way() -> None:
    """1,000 scenes, half of what the notebook takes: every second object is found and rightly named."""
    train, test = scenes(1000, seed=0), scenes(150, seed=1)
    torch.manual_seed(0)
    model = Detector()
    fit(model, (train.x, train.labels, train.boxes), valid=0.05, progress=False, device="cpu")
    found = model.detect(test.x)
    blind = unseen(train.labels, train.boxes, len(test))
    assert average_precision(found, test)["mean"] > 0.45
    assert average_precision(blind, test)["mean"] < 0.05
    twice = model.detect(test.x, iou=1.0, limit=100)  # without NMS each object is found by several cells
    assert average_precision(twice, test)["mean"] < average_precision(found, test)["mean"] - 0.1
    precision, recall = precision_recall(found, test)["all"].at(0.05)
    assert recall > 0.7
    assert precision < precision_recall(found, test)["all"].at(0.5)[0]

"""A detector trained on few scenes with its own defaults: far beyond what can be said without a look."""

import pytest
import torch

from course_utils.datasets.scenes import scenes
from course_utils.recognition import Detector, average_precision, matches
from course_utils.training import fit


@pytest.mark.slow
def test_a_thousand_scenes_go_a_long_way() -> None:
    """1,000 scenes, half of what the notebook takes: every second object is found and rightly named."""
    train, test = scenes(1000, seed=0), scenes(150, seed=1)
    torch.manual_seed(0)
    model = Detector()
    fit(model, (train.x, train.labels, train.boxes), valid=0.05, progress=False, device="cpu")
    found = model.detect(test.x)
    assert average_precision(found, test)["mean"] > 0.45
    twice = model.detect(test.x, iou=1.0, limit=100)  # without NMS each object is found by several cells
    assert average_precision(twice, test)["mean"] < average_precision(found, test)["mean"] - 0.1
    right = matches(found, test)
    assert right.sum() > 0.7 * (test.labels >= 0).sum()
    assert right.float().mean() < right[found.scores >= 0.5].float().mean()

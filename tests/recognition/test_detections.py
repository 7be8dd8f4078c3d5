"""Detections: cut by score and by scene with all their parts, and refused where a part does not fit."""

from dataclasses import fields

import pytest
import torch

from course_utils.recognition import Detections, at_one_size


def found(n: int = 6, masks: bool = True) -> Detections:
    corner = torch.arange(2.0 * n).view(n, 2).double()
    shapes = torch.rand(n, 4, 8) < 0.5 if masks else None
    boxes = torch.cat([corner, corner + 1 + corner.flip(1)], 1)
    return Detections(
        torch.arange(n) % 3, torch.linspace(0.9, 0.1, n).double(), torch.arange(n) % 2, boxes, shapes
    )


def test_detections_are_cut_by_score_and_by_scene_with_all_their_parts() -> None:
    all_of = found()
    some = all_of.above(0.5)
    assert len(some) == 3
    assert some.scores.min() >= 0.5
    assert len(all_of.above(all_of.scores[0].item())) == 1, "a score of the threshold itself is enough"
    one = all_of.of(1)
    assert one.scene.tolist() == [1, 1]
    for field in fields(Detections):
        assert torch.equal(getattr(one, field.name), getattr(all_of, field.name)[[1, 4]])
    assert found(masks=False).above(0.5).masks is None
    assert len(all_of.of(9)) == 0
    assert repr(all_of.of(9)) == "Detections(none, boxes and masks)"
    assert all_of.to("cpu").masks.shape == all_of.masks.shape


def test_boxes_of_one_size_keep_their_middles() -> None:
    all_of = found()
    sized = at_one_size(all_of, 20, 10)
    assert torch.allclose(sized.boxes[:, 2:] - sized.boxes[:, :2], torch.tensor([20.0, 10.0]).double())
    assert torch.allclose(sized.boxes.view(-1, 2, 2).mean(1), all_of.boxes.view(-1, 2, 2).mean(1))
    assert torch.equal(sized.scores, all_of.scores)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scene": torch.zeros(2)}, r"scene as torch.int64 \(2,\), got torch.float32"),
        ({"scores": torch.zeros(3)}, r"scores as torch.float32 \(2,\), got torch.float32 \(3,\)"),
        ({"scores": torch.tensor([0.5, 1.5])}, r"scores in \[0, 1\]"),
        ({"labels": None}, "labels as torch.int64 .* got NoneType"),
        ({"boxes": torch.zeros(2, 3)}, "Detections: boxes: expected boxes .* got torch.float32"),
        ({"boxes": [1, 2, 3, 4]}, "Detections: boxes: expected boxes .* got list"),
        ({"boxes": torch.tensor([[3.0, 0, 1, 1]]).repeat(2, 1)}, r"left ≤ right, got \[3.0, 0.0"),
        ({"boxes": torch.full((2, 4), torch.nan)}, "expected finite"),
        ({"masks": torch.zeros(2, 4, 4)}, r"masks as bool \(2, H, W\), got torch.float32"),
    ],
)
def test_detections_of_wrong_parts_are_refused(change: dict, message: str) -> None:
    whole = torch.zeros(2, dtype=torch.int64)
    parts = dict(scene=whole, scores=torch.zeros(2), labels=whole, boxes=torch.zeros(2, 4), masks=None)
    with pytest.raises(ValueError, match=message):
        Detections(**parts | change)

"""Boxes: overlaps against torchvision and by counting pixels, NMS against torchvision and its own law."""

import pytest
import torch
from torch.autograd import gradcheck
from torchvision import ops

from course_utils.recognition import Detections, box_iou, generalised_iou, mask_iou, nms


def boxes_of(n: int, seed: int, side: int = 20) -> torch.Tensor:
    """Boxes with whole corners, so that counting pixels is exact."""
    g = torch.Generator().manual_seed(seed)
    corner = torch.randint(0, side - 1, (n, 2), generator=g)
    size = 1 + (torch.rand(n, 2, generator=g) * (side - corner)).long().clamp(max=side - 1)
    return torch.cat([corner, (corner + size).clamp(max=side)], 1).double()


def painted(boxes: torch.Tensor, side: int = 20) -> torch.Tensor:
    """The pixels of each box: column c is in when left ≤ c < right."""
    at = torch.arange(side)
    across = (at >= boxes[:, 0:1]) & (at < boxes[:, 2:3])
    down = (at >= boxes[:, 1:2]) & (at < boxes[:, 3:4])
    return down[:, :, None] & across[:, None, :]


def test_box_iou_is_what_torchvision_says_and_what_counting_pixels_says() -> None:
    a, b = boxes_of(60, 0), boxes_of(50, 1)
    assert torch.allclose(box_iou(a, b), ops.box_iou(a, b), atol=1e-12)
    assert torch.allclose(box_iou(a, b).float(), mask_iou(painted(a), painted(b)), atol=1e-6)


def test_box_iou_is_symmetric_one_with_itself_and_blind_to_place_and_scale() -> None:
    a, b = boxes_of(30, 2), boxes_of(30, 3)
    assert torch.equal(box_iou(a, b), box_iou(b, a).T)
    assert torch.equal(box_iou(a, a).diag(), torch.ones(30, dtype=a.dtype))
    assert torch.allclose(box_iou(3 * a + 7, 3 * b + 7), box_iou(a, b), atol=1e-12)


def test_boxes_that_share_an_edge_do_not_meet() -> None:
    a = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    b = torch.tensor([[4.0, 0.0, 8.0, 4.0], [3.0, 0.0, 8.0, 4.0]])
    assert box_iou(a, b).tolist() == [[0.0, pytest.approx(4 / 32)]]


def test_boxes_without_area_and_empty_lists_give_zeros_and_no_nan() -> None:
    nothing = torch.zeros(2, 4, requires_grad=True)
    value = box_iou(nothing, nothing).sum() + generalised_iou(nothing, nothing).sum()
    value.backward()
    assert value.item() == 0
    assert bool(nothing.grad.isfinite().all())
    assert box_iou(torch.zeros(0, 4), nothing).shape == (0, 2)


def test_generalised_iou_is_torchvisions_diagonal_and_at_most_iou() -> None:
    a, b = boxes_of(80, 4), boxes_of(80, 5)
    assert torch.allclose(generalised_iou(a, b), ops.generalized_box_iou(a, b).diag(), atol=1e-12)
    assert bool((generalised_iou(a, b) <= box_iou(a, b).diag() + 1e-12).all())


def test_generalised_iou_pulls_boxes_together_that_do_not_meet() -> None:
    a = torch.tensor([[0.0, 0.0, 4.0, 4.0]], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([[10.0, 1.0, 14.0, 5.0]], dtype=torch.float64)
    assert gradcheck(lambda a: generalised_iou(a, b), a)
    generalised_iou(a, b).sum().backward()
    assert a.grad[0, 2] > 0, "moving the right side to the right must help"


def test_mask_iou_counts_pixels() -> None:
    a = torch.zeros(2, 4, 4, dtype=torch.bool)
    a[0, :2], a[1, 1:3] = True, True
    expected = torch.tensor([[1.0, 1 / 3], [1 / 3, 1.0]])
    assert torch.allclose(mask_iou(a, a), expected)
    assert mask_iou(a, torch.zeros_like(a)).sum() == 0


@pytest.mark.parametrize("iou", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_nms_keeps_what_torchvision_keeps(iou: float) -> None:
    for seed in range(5):
        boxes, g = boxes_of(150, 10 + seed), torch.Generator().manual_seed(seed)
        scores, groups = torch.rand(150, generator=g), torch.randint(0, 4, (150,), generator=g)
        assert torch.equal(nms(boxes, scores, iou=iou), ops.nms(boxes, scores.double(), iou))
        assert torch.equal(
            nms(boxes, scores, groups, iou), ops.batched_nms(boxes, scores.double(), groups, iou)
        )


def test_nms_keeps_no_two_that_overlap_and_drops_only_what_a_better_one_covers() -> None:
    boxes, scores = boxes_of(200, 20), torch.rand(200, generator=torch.Generator().manual_seed(0))
    kept = nms(boxes, scores, iou=0.4)
    among = box_iou(boxes[kept], boxes[kept]).fill_diagonal_(0)
    assert among.max() <= 0.4
    assert bool((scores[kept].diff() <= 0).all())
    dropped = torch.ones(200, dtype=torch.bool).index_fill(0, kept, False)
    covered = (box_iou(boxes, boxes[kept]) > 0.4) & (scores[kept] > scores[:, None])
    assert bool(covered.any(1)[dropped].all())


def test_a_box_dropped_suppresses_nobody() -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 1.0], [4.0, 0.0, 14.0, 1.0], [8.0, 0.0, 18.0, 1.0]])
    assert nms(boxes, torch.tensor([0.9, 0.8, 0.7]), iou=0.4).tolist() == [0, 2]


def test_nms_of_ties_takes_the_earlier_and_of_nothing_keeps_nothing() -> None:
    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0]]).repeat(3, 1)
    assert nms(boxes, torch.ones(3)).tolist() == [0]
    assert nms(torch.zeros(0, 4), torch.zeros(0)).tolist() == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: box_iou([1, 2, 3, 4], torch.zeros(1, 4)),
            "box_iou: a: expected boxes as a float .* got list",
        ),
        (
            lambda: box_iou(torch.zeros(1, 4), torch.zeros(4)),
            r"box_iou: b: .* got torch.float32 of shape \(4,\)",
        ),
        (lambda: box_iou(torch.zeros(1, 4), torch.tensor([[3.0, 0, 1, 1]])), r"left ≤ right, got \[3.0, 0.0"),
        (lambda: box_iou(torch.full((1, 4), torch.nan), torch.zeros(1, 4)), "expected finite"),
        (
            lambda: generalised_iou(torch.zeros(2, 4), torch.zeros(3, 4)),
            "as many boxes in b as in a, 2, got 3",
        ),
        (lambda: mask_iou(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2)), "expected a as a bool tensor"),
        (
            lambda: mask_iou(torch.zeros(1, 2, 2, dtype=bool), torch.zeros(1, 2, 3, dtype=bool)),
            r"expected b of size \(2, 2\), got \(2, 3\)",
        ),
        (lambda: nms(torch.zeros(2, 4), torch.zeros(3)), r"expected scores of shape \(2,\), got"),
        (lambda: nms(torch.zeros(2, 4), torch.zeros(2), iou=2), r"nms: iou: expected a number in \[0, 1\]"),
    ],
)
def test_bad_input_says_who_expected_what_and_what_came(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def found(n: int = 6, masks: bool = True) -> Detections:
    scene = torch.arange(n) % 3
    shapes = painted(boxes_of(n, 30)) if masks else None
    return Detections(
        scene, torch.linspace(0.9, 0.1, n).double(), torch.arange(n) % 2, boxes_of(n, 30), shapes
    )


def test_detections_are_cut_by_score_and_by_scene_with_all_their_parts() -> None:
    all_of = found()
    some = all_of.above(0.5)
    assert len(some) == 3
    assert some.scores.min() >= 0.5
    assert len(all_of.above(all_of.scores[0].item())) == 1, "a score of the threshold itself is enough"
    one = all_of.of(1)
    assert one.scene.tolist() == [1, 1]
    assert torch.equal(one.boxes, all_of.boxes[[1, 4]])
    assert torch.equal(one.masks, all_of.masks[[1, 4]])
    assert torch.equal(one.labels, all_of.labels[[1, 4]])
    assert found(masks=False).above(0.5).masks is None
    assert len(all_of.of(9)) == 0
    assert repr(all_of.of(9)) == "Detections(none, boxes and masks)"
    assert all_of.to("cpu").masks.shape == all_of.masks.shape


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scene": torch.zeros(2)}, r"scene as torch.int64 \(2,\), got torch.float32"),
        ({"scores": torch.zeros(3)}, r"scores as torch.float32 \(2,\), got torch.float32 \(3,\)"),
        ({"scores": torch.tensor([0.5, 1.5])}, r"scores in \[0, 1\]"),
        ({"labels": None}, "labels as torch.int64 .* got NoneType"),
        ({"boxes": torch.zeros(2, 3)}, "Detections: boxes: expected boxes"),
        ({"masks": torch.zeros(2, 4, 4)}, r"masks as bool \(2, H, W\), got torch.float32"),
    ],
)
def test_detections_of_wrong_parts_are_refused(change: dict, message: str) -> None:
    whole = torch.zeros(2, dtype=torch.int64)
    parts = dict(scene=whole, scores=torch.zeros(2), labels=whole, boxes=torch.zeros(2, 4), masks=None)
    with pytest.raises(ValueError, match=message):
        Detections(**parts | change)

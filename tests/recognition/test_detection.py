"""The detector: what its cells are taught, what its loss is, and what it lists in the end."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from course_utils.datasets.scenes import Scenes, scenes
from course_utils.recognition import Detections, Detector, average_precision

SIDE = 64


@pytest.fixture(scope="module")
def model() -> Detector:
    torch.manual_seed(0)
    return Detector().double().eval()


@pytest.fixture(scope="module")
def some() -> Scenes:
    part = scenes(12, seed=5)
    return Scenes(part.x.double(), part.labels, part.boxes.double(), part.masks)


def lone(box: list[float], label: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """One scene with one object, and a place left over."""
    return torch.tensor([[label, -1]]), torch.tensor([[box, [0.0] * 4]], dtype=torch.float64)


def test_the_four_cells_round_the_middle_answer_for_an_object(model: Detector) -> None:
    labels, boxes = lone([19, 7, 45, 29])  # the middle is (32, 18): between columns 7 and 8, in row 4
    answers = model.assign(labels, boxes)[0] >= 0
    assert answers.nonzero().tolist() == [[3, 7], [3, 8], [4, 7], [4, 8], [5, 7], [5, 8]]
    labels, boxes = lone([18, 7, 44, 27])  # the middle is (31, 17)
    answers = model.assign(labels, boxes)[0] >= 0
    assert answers.nonzero().tolist() == [[3, 7], [3, 8], [4, 7], [4, 8]]


def test_a_cell_outside_a_narrow_box_does_not_answer_for_it(model: Detector) -> None:
    labels, boxes = lone([30, 4, 35, 40])  # 5 pixels wide: one column of cells lies in it
    answers = model.assign(labels, boxes)[0] >= 0
    assert answers.any(0).nonzero()[:, 0].tolist() == [8]


def test_of_two_objects_at_one_place_the_smaller_has_the_cell(model: Detector) -> None:
    boxes = torch.tensor([[[10.0, 10, 40, 40], [18, 18, 32, 32], [0, 0, 0, 0]]], dtype=torch.float64)
    which = model.assign(torch.tensor([[0, 1, -1]]), boxes)
    assert set(which.unique().tolist()) == {-1, 1}
    swapped = model.assign(torch.tensor([[1, 0, -1]]), boxes[:, [1, 0, 2]])
    assert torch.equal(swapped == 0, which == 1)


def test_nobody_answers_for_a_place_left_over(model: Detector) -> None:
    labels, boxes = lone([20, 8, 44, 28])
    assert (model.assign(torch.full_like(labels, -1), boxes) == -1).all()


class Says(nn.Module):
    """In place of the last layer: says this, whatever the image."""

    def __init__(self, said: torch.Tensor) -> None:
        super().__init__()
        self.said = said

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.said.expand(len(features), -1, -1, -1)


def that_says(model: Detector, said: torch.Tensor) -> Detector:
    model = deepcopy(model)
    model.say = Says(said)
    return model


def say(model: Detector, sides: list[float], label: int, cell: tuple[int, int]) -> torch.Tensor:
    """What the net would have to say at one cell; silence everywhere else."""
    said = torch.zeros(1, model.classes + 4, *model.backbone.grid, dtype=torch.float64)
    said[:, : model.classes] = -30
    said[0, label, cell[0], cell[1]] = 30
    said[0, model.classes :, cell[0], cell[1]] = (torch.tensor(sides).double() / model.unit).log()
    return said


def test_a_cell_measures_left_top_right_bottom_from_its_middle(model: Detector) -> None:
    said = say(model, [5, 7, 11, 13], 2, (4, 9))  # the middle of row 4, column 9 is (38, 18)
    model = that_says(model, said)
    found = model.detect(torch.zeros(1, 3, SIDE, SIDE, dtype=torch.float64))
    assert len(found) == 1
    assert found.labels.tolist() == [2]
    assert found.boxes[0].tolist() == pytest.approx([33, 11, 49, 31])
    assert found.scores.item() == pytest.approx(1)


def test_boxes_end_at_the_edge_of_the_image() -> None:
    wide = Detector((3, 32, 64)).double()
    wide = that_says(wide, say(wide, [90, 90, 90, 90], 0, (5, 11)))
    assert wide.detect(torch.zeros(1, 3, 32, 64).double()).boxes.tolist() == [[0, 0, 64, 32]]


def test_what_the_loss_asks_for_is_what_detect_gives_back(model: Detector, some: Scenes) -> None:
    """A net that says what ``assign`` teaches has no loss, and finds every object with its box."""
    which = model.assign(some.labels, some.boxes)
    scene, row, column = (which >= 0).nonzero(as_tuple=True)
    mine = which[scene, row, column]
    middle, box = model.backbone.centres()[:, row, column].T, some.boxes[scene, mine]
    sides = torch.cat([middle - box[:, :2], box[:, 2:] - middle], 1)
    said = torch.full((len(some), model.classes + 4, *model.backbone.grid), -30.0, dtype=torch.float64)
    said[scene, some.labels[scene, mine], row, column] = 30
    said[scene, model.classes :, row, column] = (sides / model.unit).log()
    model = that_says(model, said)
    assert model.loss(some.x, some.labels, some.boxes).item() == pytest.approx(0, abs=1e-6)
    result = average_precision(model.detect(some.x), some, iou=0.99)
    assert result["mean"] >= 0.9


def test_the_loss_is_the_sum_of_its_two_parts_for_each_answering_cell(model: Detector, some: Scenes) -> None:
    from torchvision.ops import generalized_box_iou_loss  # slow to import

    logits, boxes = model(some.x)
    total, count = 0.0, 0
    wanted = torch.zeros_like(logits)
    which = model.assign(some.labels, some.boxes)
    for n, row, column in (which >= 0).nonzero().tolist():
        k = which[n, row, column]
        wanted[n, some.labels[n, k], row, column] = 1
        total = total + 2 * generalized_box_iou_loss(boxes[n, row, column], some.boxes[n, k], eps=0)
        count += 1
    p = torch.where(wanted == 1, logits.sigmoid(), 1 - logits.sigmoid())  # of what is true
    total = total - ((1 - p) * p.log()).sum()
    assert model.loss(some.x, some.labels, some.boxes).item() == pytest.approx((total / count).item())


@pytest.mark.parametrize("sure", [-40.0, 40.0])
def test_a_net_that_is_sure_has_finite_gradients(model: Detector, some: Scenes, sure: float) -> None:
    said = torch.full((1, model.classes + 4, *model.backbone.grid), sure).requires_grad_()
    sided = torch.cat([said[:, : model.classes], 0 * said[:, model.classes :]], 1).double()
    loss = that_says(model, sided).loss(some.x, some.labels, some.boxes)
    (slope,) = torch.autograd.grad(loss, said)
    assert loss.isfinite() and slope.isfinite().all() and slope.abs().max() > 0


def test_the_loss_has_gradients_everywhere_and_none_for_boxes_without_objects(some: Scenes) -> None:
    torch.manual_seed(1)
    model = Detector().double()
    model.loss(some.x, some.labels, some.boxes).backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().max() > 0 for p in model.parameters())
    model.zero_grad()
    model.loss(some.x, torch.full_like(some.labels, -1), some.boxes).backward()
    assert model.say.weight.grad[model.classes :].abs().max() == 0
    assert model.say.weight.grad[: model.classes].abs().max() > 0


def test_detect_lists_what_the_grid_says_after_nms(model: Detector, some: Scenes) -> None:
    from torchvision.ops import batched_nms

    scores, boxes = model.maps(some.x)
    assert bool(((boxes >= 0) & (boxes <= SIDE)).all())
    threshold = scores.quantile(0.6).item()
    found = model.detect(some.x, threshold=threshold, limit=7)
    scene, label, row, column = (scores >= threshold).nonzero(as_tuple=True)
    flat, score = boxes[scene, row, column], scores[scene, label, row, column]
    kept = batched_nms(flat, score, scene * 3 + label, 0.5)
    expected = [kept[scene[kept] == n][:7] for n in range(len(some))]
    assert torch.equal(found.boxes, torch.cat([flat[rows] for rows in expected]))
    assert torch.equal(found.labels, torch.cat([label[rows] for rows in expected]))
    assert found.scene.bincount().max() <= 7


def test_boxes_of_two_classes_or_of_two_scenes_do_not_suppress_each_other(model: Detector) -> None:
    one, other = say(model, [8, 8, 8, 8], 0, (5, 5)), say(model, [8, 8, 8, 8], 1, (5, 5))
    both = torch.cat([torch.maximum(one, other), one, one])
    model = that_says(model, both)
    found = model.detect(torch.zeros(3, 3, SIDE, SIDE).double())
    assert found.scene.tolist() == [0, 0, 1, 2]
    assert set(found.of(0).labels.tolist()) == {0, 1}


def test_detections_come_scene_by_scene_and_do_not_depend_on_company(model: Detector, some: Scenes) -> None:
    found = model.detect(some.x, threshold=0.01, limit=4)
    assert isinstance(found, Detections)
    assert bool((found.scene.diff() >= 0).all())
    alone = model.detect(some.x[3:4], threshold=0.01, limit=4)
    assert torch.allclose(found.of(3).boxes, alone.boxes)
    assert bool((alone.scores.diff() <= 0).all())
    assert len(model.detect(some.x, threshold=1.0)) == 0


def test_a_few_steps_on_a_few_scenes_find_their_objects() -> None:
    from torchvision.ops import box_iou

    torch.manual_seed(0)
    model, few = Detector(), scenes(4, objects=1, seed=3)
    steps = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(30):
        steps.zero_grad()
        model.loss(few.x, few.labels, few.boxes).backward()
        steps.step()
    found = model.detect(few.x, threshold=0.3)
    assert average_precision(found, few)["mean"] > 0.95
    best = torch.cat([found.of(n).boxes[:1] for n in range(4)])
    assert box_iou(best, few.boxes[:, 0]).diag().min() > 0.6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(2, 3, 32, 32)}, r"Detector: expected a float tensor of shape \(B, 3, 64, 64\)"),
        ({"labels": torch.zeros(2, 1)}, r"Detector: expected labels \(2, K\), int64 .* got torch.float32"),
        ({"labels": torch.zeros(3, 1).long()}, r"and boxes \(2, K, 4\), .*, got torch.int64 \(3, 1\)"),
        ({"labels": [0, 1]}, "got list and torch.float32"),
        ({"labels": torch.full((2, 1), 3)}, "got labels from 3 to 3"),
        ({"labels": torch.full((2, 1), -2)}, "got labels from -2 to -2"),
        ({"boxes": torch.zeros(2, 4)}, r"and torch.float32 \(2, 4\)"),
        ({"boxes": torch.zeros(2, 1, 4).double()}, r"and torch.float64 \(2, 1, 4\)"),
        ({"boxes": torch.tensor([[[3.0, 0, 1, 1]]] * 2)}, "Detector: boxes: expected finite"),
    ],
)
def test_bad_scenes_are_refused(change: dict, message: str) -> None:
    labels, boxes = torch.zeros(2, 1).long(), torch.zeros(2, 1, 4)
    given = {"x": torch.zeros(2, 3, SIDE, SIDE), "labels": labels, "boxes": boxes} | change
    with pytest.raises(ValueError, match=message):
        Detector().loss(**given)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.detect(x, threshold=1.5), "Detector: threshold: expected a number in"),
        (lambda m, x: m.detect(x, limit=0), "Detector: limit: expected a positive integer"),
        (lambda m, x: m.detect(x, iou=-1), "Detector: iou: expected a number in"),
        (lambda m, x: Detector(classes=0), "Detector: classes: expected a positive integer"),
    ],
)
def test_bad_requests_are_refused(model: Detector, call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(model, torch.zeros(1, 3, SIDE, SIDE).double())

"""The exercises of notebook 01: the loss of a class, overlap of boxes, NMS, precision and recall."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds, within

GENERATOR = torch.Generator().manual_seed(0)

# Logits of three classes, and the true ones
NO_IDEA: Cases = {"no idea": (torch.zeros(2, 3), torch.tensor([0, 2]))}
ANSWERS: Cases = {
    **NO_IDEA,
    "sure and right, sure and wrong": (torch.tensor([[9.0, 0, 0], [9.0, 0, 0]]), torch.tensor([0, 1])),
    "eight images": (2 * torch.randn(8, 3, generator=GENERATOR) + 5, torch.arange(8) ** 2 % 3),
    "logits far from 0": (torch.tensor([[300.0, 295.0, 0.0]]), torch.tensor([1])),
}


def some_boxes(n: int) -> Tensor:
    """Boxes at random that overlap more or less, ``(n, 4)``."""
    corner, size = torch.rand(2, n, 2, generator=GENERATOR)
    return torch.cat([20 * corner, 20 * corner + 15 + 10 * size], 1)


# Boxes to compare
BOX = torch.tensor([[10.0, 20.0, 30.0, 30.0]])
SAME: Cases = {"a box and itself": (BOX, BOX)}
APART: Cases = {
    "side by side": (BOX, BOX + torch.tensor([40.0, 0.0, 40.0, 0.0])),
    "apart in both directions": (BOX, BOX + torch.tensor([40.0, 30.0, 40.0, 30.0])),
}
PAIRS: Cases = {
    **SAME,
    **APART,
    "one is half of the other": (BOX, torch.tensor([[10.0, 20.0, 20.0, 30.0]])),
    "six pairs": (some_boxes(6), some_boxes(6) * torch.tensor([1.0, 0.5, 2.0, 1.5])),
}


def row_of(*lefts: float) -> Tensor:
    """Squares of 20 pixels that begin at these columns."""
    return torch.tensor([[left, 10.0, left + 20, 30.0] for left in lefts])


# Boxes of one class with scores, and how much overlap is allowed
CROWDS: Cases = {
    "one animal, two boxes": (row_of(0, 1), torch.tensor([0.6, 0.9]), 0.5),
    "two animals, four boxes": (row_of(0, 1, 25, 26), torch.tensor([0.5, 0.8, 0.9, 0.7]), 0.5),
    "a chain: 1 drops 2, and 2 can no longer drop 3": (row_of(0, 6, 12), torch.tensor([0.9, 0.8, 0.7]), 0.5),
    "an overlap of exactly most": (
        torch.cat([BOX, BOX - BOX.new([0, 0, 10, 0])]),
        torch.tensor([0.9, 0.8]),
        0.5,
    ),
    "twenty boxes": (some_boxes(20), torch.rand(20, generator=GENERATOR), 0.3),
}

# Scores, whether each is right, how many objects there are, and a threshold
FIVE = torch.tensor([0.9, 0.8, 0.7, 0.5, 0.3]), torch.tensor([True, True, False, True, False]), 4
FINDINGS: Cases = {
    "all five detections count": (*FIVE, 0.0),
    "two count, both right": (*FIVE, 0.75),
    "one of them is as high as the threshold": (*FIVE, 0.5),
    "none counts": (*FIVE, 0.95),
}


def apart_enough(kept: Tensor, boxes: Tensor, scores: Tensor, most: float) -> bool:
    """Whether no two boxes that were kept overlap too much."""
    chosen, n = boxes[kept], len(kept)
    table = iou(chosen.repeat_interleave(n, 0), chosen.repeat(n, 1)).view(n, n)
    return bool((table.fill_diagonal_(0) <= most + 1e-6).all())


@exercise(
    "softmax turns the logits of an image into p(y | x); take the probability of the true class.",
    "Work with logarithms: log_p = logits.log_softmax(1) is log p(y | x) of all classes, (N, K).",
    "-log_p[torch.arange(len(y)), y].mean() picks the true class in every row.",
    agrees(
        NO_IDEA,
        lambda logits, y: torch.tensor(3.0).log(),
        says="it is log 3 where all three classes are as probable",
    ),
    agrees(ANSWERS, says="it is the mean of −log p(y | x)"),
)
def class_loss(logits: Tensor, y: Tensor) -> Tensor:
    """The mean −log p(y | x) in nats: logits ``(N, K)`` of p(y | x), true classes ``(N,)``."""
    log_p = logits.log_softmax(1)
    return -log_p[torch.arange(len(y)), y].mean()


@exercise(
    "Where two boxes overlap is a box again: from the larger left to the smaller right, and so on.",
    "If its width or its height is negative they do not meet: clamp both at 0 before you multiply.",
    "Union = area of a + area of b − intersection. sides = torch.minimum(a[:, 2:], b[:, 2:]) - "
    "torch.maximum(a[:, :2], b[:, :2]) gives width and height of the intersection.",
    within(0, 1, PAIRS, says="it lies in [0, 1]"),
    agrees(SAME, lambda a, b: torch.ones(1), says="it is 1 for a box and itself"),
    agrees(APART, lambda a, b: torch.zeros(1), says="it is 0 where two boxes do not meet"),
    agrees(PAIRS, says="it is the intersection divided by the union"),
)
def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of box i of a and box i of b: (left, top, right, bottom), ``(N, 4)``."""
    sides = torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])
    shared = sides.clamp(min=0).prod(1)
    areas = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1)
    return shared / (areas - shared)


@exercise(
    "Take the box with the best score, keep it, drop what overlaps it too much; repeat with the rest.",
    "left = scores.argsort(descending=True) is the order to go in; while len(left): keep left[0].",
    "left = left[1:]; then left = left[iou(boxes[best].expand(len(left), 4), boxes[left]) <= most].",
    holds(
        "the best box is kept, and comes first",
        lambda kept, boxes, scores, most: len(kept) > 0 and int(kept[0]) == int(scores.argmax()),
        "the row of the highest score first",
        CROWDS,
    ),
    holds("no two boxes kept overlap by more than allowed", apart_enough, "boxes apart", CROWDS),
    agrees(CROWDS, says="only a box that was kept drops another"),
)
def suppress(boxes: Tensor, scores: Tensor, most: float) -> Tensor:
    """The rows of the boxes that stay, by falling score: none overlaps a better one by more than ``most``."""
    left, kept = scores.argsort(descending=True), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best.item())
        left = left[iou(boxes[best].expand(len(left), 4), boxes[left]) <= most]
    return torch.tensor(kept)


@exercise(
    "counts = scores >= threshold are the detections that count; hits are those of them that are right.",
    "Precision: hits divided by how many count. Recall: hits divided by how many objects there are.",
    "Where none counts, nothing is wrong: let precision be 1 then.",
    within(0, 1, FINDINGS, says="both lie in [0, 1]"),
    agrees(FINDINGS, says="precision is the share of detections that is right, recall that of objects found"),
)
def precision_and_recall(
    scores: Tensor, right: Tensor, objects: int, threshold: float
) -> tuple[float, float]:
    """Precision and recall of what scores at least the threshold: scores ``(M,)``, right bool ``(M,)``."""
    counts = scores >= threshold
    hits = (counts & right).sum().item()
    return hits / counts.sum().item() if counts.any() else 1.0, hits / objects

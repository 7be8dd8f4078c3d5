"""The exercises of notebook 01: the loss of a class, overlap of boxes, NMS, precision and recall."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, Exercise, agrees, agrees_with, holds, within

GENERATOR = torch.Generator().manual_seed(0)


def class_loss(logits: Tensor, y: Tensor) -> Tensor:
    """The mean −log p(y | x) in nats: logits ``(N, K)`` of p(y | x), true classes ``(N,)``."""
    log_p = logits.log_softmax(1)
    return -log_p[torch.arange(len(y)), y].mean()


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of box i of a and box i of b: (left, top, right, bottom), ``(N, 4)``."""
    sides = torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])
    shared = sides.clamp(min=0).prod(1)
    areas = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1)
    return shared / (areas - shared)


def suppress(boxes: Tensor, scores: Tensor, most: float) -> Tensor:
    """The rows of the boxes that stay, by falling score: none overlaps a better one by more than ``most``."""
    left, kept = scores.argsort(descending=True), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best.item())
        left = left[iou(boxes[best].expand(len(left), 4), boxes[left]) <= most]
    return torch.tensor(kept)


def precision_and_recall(
    scores: Tensor, right: Tensor, objects: int, threshold: float
) -> tuple[float, float]:
    """Precision and recall of what scores at least the threshold: scores ``(M,)``, right bool ``(M,)``."""
    said = scores >= threshold
    hits = (said & right).sum().item()
    return hits / said.sum().item() if said.any() else 1.0, hits / objects


# Logits of three classes, and the true ones
ANSWERS: Cases = {
    "no idea": (torch.zeros(2, 3), torch.tensor([0, 2])),
    "sure and right, sure and wrong": (torch.tensor([[9.0, 0, 0], [9.0, 0, 0]]), torch.tensor([0, 1])),
    "eight images": (
        2 * torch.randn(8, 3, generator=GENERATOR) + 5,
        torch.randint(3, (8,), generator=GENERATOR),
    ),
    "logits far from 0": (torch.tensor([[300.0, 295.0, 0.0]]), torch.tensor([1])),
}


def pairs() -> dict[str, tuple[Tensor, Tensor]]:
    """Boxes to compare, with names that say what to see."""
    box = torch.tensor([[10.0, 20.0, 30.0, 30.0]])
    right, below = torch.tensor([[40.0, 0.0, 40.0, 0.0]]), torch.tensor([[0.0, 30.0, 0.0, 30.0]])
    half = torch.tensor([[10.0, 20.0, 20.0, 30.0]])
    corners = 30 * torch.rand(2, 6, 2, generator=GENERATOR)
    many = torch.cat([corners, corners + 5 + 30 * torch.rand(2, 6, 2, generator=GENERATOR)], 2)
    return {
        "a box and itself": (box, box),
        "side by side": (box, box + right),
        "apart in both directions": (box, box + right + below),
        "one is half of the other": (box, half),
        "six pairs": (many[0], many[1]),
    }


def shifted(*steps: float) -> Tensor:
    """A square of 20 pixels, and copies of it to the right."""
    return torch.tensor([[10.0 + s, 10.0, 30.0 + s, 30.0] for s in steps])


def crowds() -> dict[str, tuple[Tensor, Tensor, float]]:
    """Boxes of one class with scores, and how much overlap is allowed."""
    corner = 20 * torch.rand(20, 2, generator=GENERATOR)
    many = torch.cat([corner, corner + 15 + 10 * torch.rand(20, 2, generator=GENERATOR)], 1)
    return {
        "one animal, two boxes": (shifted(0, 1), torch.tensor([0.6, 0.9]), 0.5),
        "two animals, four boxes": (shifted(0, 1, 25, 26), torch.tensor([0.5, 0.8, 0.9, 0.7]), 0.5),
        "a chain: 1 drops 2, and 2 can no longer drop 3": (
            shifted(0, 6, 12),
            torch.tensor([0.9, 0.8, 0.7]),
            0.5,
        ),
        "an overlap of exactly most": (
            torch.tensor([[0.0, 0.0, 20.0, 10.0], [0.0, 0.0, 10.0, 10.0]]),
            torch.tensor([0.9, 0.8]),
            0.5,
        ),
        "twenty boxes": (many, torch.rand(20, generator=GENERATOR), 0.3),
    }


def findings() -> dict[str, tuple[Tensor, Tensor, int, float]]:
    """Scores, whether each is right, how many objects there are, and a threshold."""
    scores = torch.tensor([0.9, 0.8, 0.7, 0.5, 0.3])
    right = torch.tensor([True, True, False, True, False])
    return {
        "all five said": (scores, right, 4, 0.0),
        "two said, both right": (scores, right, 4, 0.75),
        "one of them is as high as the threshold": (scores, right, 4, 0.5),
        "nothing said": (scores, right, 4, 0.95),
    }


def apart_enough(kept: Tensor, boxes: Tensor, scores: Tensor, most: float) -> bool:
    """Whether no two boxes that were kept overlap too much."""
    chosen = boxes[kept]
    table = iou(chosen.repeat_interleave(len(chosen), 0), chosen.repeat(len(chosen), 1))
    return bool((table.view(len(chosen), -1).fill_diagonal_(0) <= most + 1e-6).all())


CLASS_LOSS = Exercise(
    class_loss,
    (
        "softmax turns the logits of an image into p(y | x); take the probability of the true class.",
        "Work with logarithms: log_p = logits.log_softmax(1) is log p(y | x) of all classes, (N, K).",
        "-log_p[torch.arange(len(y)), y].mean() picks the true class in every row.",
    ),
    agrees_with(
        lambda logits, y: torch.tensor(3.0).log(),
        {"no idea": ANSWERS["no idea"]},
        says="it is log 3 where all three classes are as probable",
    ),
    agrees(ANSWERS, says="it is the mean of −log p(y | x)"),
)

IOU = Exercise(
    iou,
    (
        "Where two boxes overlap is a box again: from the larger left to the smaller right, and so on.",
        "If its width or its height is negative they do not meet: clamp both at 0 before you multiply.",
        "Union = area of a + area of b − intersection. sides = torch.minimum(a[:, 2:], b[:, 2:]) - "
        "torch.maximum(a[:, :2], b[:, :2]) gives width and height of the intersection.",
    ),
    within(0, 1, pairs(), says="it lies in [0, 1]"),
    agrees_with(
        lambda a, b: torch.ones(len(a)),
        {"a box and itself": pairs()["a box and itself"]},
        says="it is 1 for a box and itself",
    ),
    agrees_with(
        lambda a, b: torch.zeros(len(a)),
        {name: two for name, two in pairs().items() if "side" in name or "apart" in name},
        says="it is 0 where two boxes do not meet",
    ),
    agrees(pairs(), says="it is the intersection divided by the union"),
)

SUPPRESS = Exercise(
    suppress,
    (
        "Take the box with the best score, keep it, drop what overlaps it too much; repeat with the rest.",
        "left = scores.argsort(descending=True) is the order to go in; while len(left): keep left[0].",
        "left = left[1:]; then left = left[iou(boxes[best].expand(len(left), 4), boxes[left]) <= most].",
    ),
    holds(
        "the best box is kept, and comes first",
        lambda kept, boxes, scores, most: len(kept) > 0 and int(kept[0]) == int(scores.argmax()),
        "the row of the highest score first",
        crowds(),
    ),
    holds("no two boxes kept overlap by more than allowed", apart_enough, "boxes apart", crowds()),
    agrees(crowds(), says="only a box that was kept drops another"),
)

PRECISION_AND_RECALL = Exercise(
    precision_and_recall,
    (
        "said = scores >= threshold are the detections that count; hits are those of them that are right.",
        "Precision: hits divided by how many were said. Recall: hits divided by how many objects there are.",
        "Where nothing is said, nothing is wrong: let precision be 1 then.",
    ),
    within(0, 1, findings(), says="both lie in [0, 1]"),
    agrees(
        findings(),
        says="precision is the share of what is said that is right, recall the share of objects found",
    ),
)

"""Average precision: one number for how well objects were found, whatever threshold is chosen later."""

from math import nan

import torch
from torch import Tensor

from course_utils.checks import check_number
from course_utils.datasets.scenes import ANIMALS, Scenes
from course_utils.recognition.detections import Detections

RECALL_POINTS, ROUNDING = 101, 1e-9


def matches(detections: Detections, truth: Scenes, *, iou: float = 0.5, by: str = "boxes") -> Tensor:
    """Which detections are right: ``(M,)`` bool, in their order.

    On each scene the detections choose in the order of their scores: each takes the object of its class,
    not yet taken, that it overlaps most. It is right if that overlap is at least ``iou``. So of two
    detections of one object one is wrong.

    Args:
        detections: what was found on the scenes of truth.
        truth: the scenes with what is there.
        iou: the overlap to count as found, in (0, 1].
        by: "boxes" or "masks", what the overlap is measured by.

    Raises:
        ValueError: an argument is not what it should be, or the detections are of other scenes.

    >>> from course_utils.datasets.scenes import scenes
    >>> truth, twice, scores = scenes(2, objects=1), torch.tensor([0, 0, 1]), torch.tensor([0.6, 0.9, 0.3])
    >>> matches(Detections(twice, scores, truth.labels[twice, 0], truth.boxes[twice, 0]), truth).tolist()
    [False, True, True]
    """
    _check(detections, truth, iou, by)
    found, truth = detections.to("cpu"), truth.to("cpu")  # counting is no work for a GPU
    overlap = _overlaps(found, truth, by)
    possible = (truth.labels[found.scene] == found.labels[:, None]) & (overlap >= iou - ROUNDING)
    overlap = torch.where(possible, overlap, 0.0).tolist()
    taken = torch.zeros_like(truth.labels, dtype=torch.bool).tolist()
    right, scenes = torch.zeros(len(found), dtype=torch.bool), found.scene.tolist()
    for row in found.scores.argsort(descending=True, stable=True).tolist():
        free = [0.0 if gone else each for each, gone in zip(overlap[row], taken[scenes[row]], strict=True)]
        if best := max(free):
            right[row] = True
            taken[scenes[row]][free.index(best)] = True
    return right.to(detections.scores.device)


def average_precision(
    detections: Detections, truth: Scenes, *, iou: float = 0.5, by: str = "boxes"
) -> dict[str, float]:
    """Average precision of each class and their "mean": COCO's AP at one overlap (mAP@0.5 for iou = 0.5).

        AP = 1/101 Σ_r max_{r' ≥ r} precision(r'),    r = 0, 0.01 … 1,

    the mean of the precision at 101 values of the recall, where the precision at r is the best to be had at
    a recall of at least r (Lin et al., *Microsoft COCO: Common Objects in Context*, ECCV 2014; Everingham
    et al. 2010). 1: all found before anything wrong. A class without objects in ``truth`` has nan and no
    part in the mean. All detections count (COCO takes the best 100 of each scene).

    Args and errors: as ``matches``.

    >>> from course_utils.datasets.scenes import scenes
    >>> truth = scenes(4, objects=1)
    >>> perfect = Detections(torch.arange(4), torch.ones(4), truth.labels[:, 0], truth.boxes[:, 0])
    >>> average_precision(perfect, truth)["mean"]
    1.0
    """
    right = matches(detections, truth, iou=iou, by=by)
    order = detections.scores.argsort(descending=True, stable=True)
    labels, right = detections.labels[order].cpu(), right[order].cpu()
    objects = [int((truth.labels == k).sum()) for k in range(len(ANIMALS))]
    each = [_area(right[labels == k], n) if n else nan for k, n in enumerate(objects)]
    there = [value for value, n in zip(each, objects, strict=True) if n]
    return dict(zip(ANIMALS, each, strict=True)) | {"mean": sum(there) / len(there)}


def _area(right: Tensor, objects: int) -> float:
    """The average precision of detections by falling score, of which some are right."""
    hits = right.to(torch.float64).cumsum(0)
    precision = hits / torch.arange(1, len(right) + 1)
    best = precision.flip(0).cummax(0).values.flip(0) if len(right) else precision  # still to come
    points = torch.linspace(0, 1, RECALL_POINTS, dtype=torch.float64)
    first = torch.searchsorted(hits / objects, points - ROUNDING)
    return torch.cat([best, best.new_zeros(1)])[first].mean().item()


def _overlaps(found: Detections, truth: Scenes, by: str) -> Tensor:
    """The IoU of each detection with the K objects of its scene: ``(M, K)`` float64."""
    from torchvision.ops import box_iou  # slow to import

    if by == "boxes":
        boxes, others = found.boxes.to(torch.float64), truth.boxes[found.scene].to(torch.float64)
        return box_iou(boxes[:, None], others)[:, 0]
    overlap = torch.zeros(len(found), truth.labels.shape[1], dtype=torch.float64)
    for scene in found.scene.unique().tolist():
        rows = found.scene == scene
        assert found.masks is not None  # as ``average_precision`` has seen to
        a, b = (part.flatten(1).to(torch.float64) for part in (found.masks[rows], truth.masks[scene]))
        shared = a @ b.T
        overlap[rows] = shared / (a.sum(1)[:, None] + b.sum(1) - shared).clamp(min=1)
    return overlap


def _check(detections: Detections, truth: Scenes, iou: float, by: str) -> None:
    """One ValueError for the first thing wrong."""
    who = "average precision"
    if not isinstance(detections, Detections) or not isinstance(truth, Scenes):
        came = f"{type(detections).__name__} and {type(truth).__name__}"
        raise ValueError(f"{who}: expected Detections and the true Scenes, got {came}")
    if by not in ("boxes", "masks") or (by == "masks" and detections.masks is None):
        came = "detections without masks" if by == "masks" else repr(by)
        raise ValueError(f"{who}: expected by as 'boxes', or 'masks' where there are some, got {came}")
    if not 0 < check_number(iou, f"{who}: iou") <= 1:
        raise ValueError(f"{who}: expected iou in (0, 1], got {iou}")
    if not bool((truth.labels >= 0).any()):
        raise ValueError(f"{who}: expected scenes with objects, got {len(truth)} without any")
    numbers = ("scenes", detections.scene, len(truth)), ("labels", detections.labels, len(ANIMALS))
    for what, part, n in numbers:
        if len(part) and not 0 <= part.min() <= part.max() < n:
            raise ValueError(f"{who}: expected {what} 0 to {n - 1}, got {part.min()} to {part.max()}")

"""Average precision: one number for how well objects were found, whatever threshold is chosen later."""

from dataclasses import dataclass
from math import nan

import torch
from torch import Tensor

from course_utils.checks import check_number
from course_utils.datasets.scenes import ANIMALS, Scenes
from course_utils.recognition.boxes import box_iou, mask_iou
from course_utils.recognition.detections import Detections

RECALL_POINTS = 101
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class PrecisionRecall:
    """Precision and recall as the threshold falls: entry i keeps all with a score of at least ``scores[i]``.

        precision = found and right / found,    recall = found and right / there.

    Attributes:
        scores: of the detections, falling, ``(m,)``.
        precision: ``(m,)`` float64.
        recall: ``(m,)`` float64, never falling.

    >>> curve = PrecisionRecall(torch.tensor([0.9, 0.6]), torch.tensor([1.0, 0.5]), torch.tensor([0.5, 0.5]))
    >>> curve.at(0.7), curve.at(0.95)
    ((1.0, 0.5), (1.0, 0.0))
    """

    scores: Tensor
    precision: Tensor
    recall: Tensor

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        return f"PrecisionRecall({len(self)} thresholds, average precision {self.average():.3f})"

    def at(self, threshold: float) -> tuple[float, float]:
        """Precision and recall at a threshold; who finds nothing says nothing wrong: precision 1."""
        last = int((self.scores >= threshold).sum()) - 1
        return (self.precision[last].item(), self.recall[last].item()) if last >= 0 else (1.0, 0.0)

    def interpolated(self) -> Tensor:
        """The best precision to be had at a recall of at least 0, 0.01 … 1: ``(101,)``, 0 where out of reach.

        It never rises, and is not what one threshold gives: the saw teeth of the curve are filled up.
        """
        best = self.precision.flip(0).cummax(0).values.flip(0) if len(self) else self.precision
        points = torch.linspace(0, 1, RECALL_POINTS, dtype=self.recall.dtype, device=self.recall.device)
        first = torch.searchsorted(self.recall, points - ROUNDING)
        return torch.cat([best, best.new_zeros(1)])[first]

    def average(self) -> float:
        """The mean of ``interpolated``: COCO's average precision."""
        return self.interpolated().mean().item()


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
    >>> truth = scenes(2, objects=1)
    >>> twice = torch.tensor([0, 0, 1])
    >>> scores = torch.tensor([0.6, 0.9, 0.3])
    >>> matches(Detections(twice, scores, truth.labels[twice, 0], truth.boxes[twice, 0]), truth).tolist()
    [False, True, True]
    """
    _check(detections, truth, iou, by)
    overlap = _overlaps(detections, truth, by)
    same = truth.labels[detections.scene] == detections.labels[:, None]
    order = detections.scores.argsort(descending=True, stable=True)
    turn = _turns(detections.scene[order])
    taken = torch.zeros_like(truth.labels, dtype=torch.bool)
    right = torch.zeros_like(order, dtype=torch.bool)
    for n in range(int(turn.max()) + 1 if len(turn) else 0):
        rows = order[turn == n]  # the n-th best of each scene: all scenes at the same time
        scene = detections.scene[rows]
        best, which = torch.where(same[rows] & ~taken[scene], overlap[rows], -1.0).max(1)
        hit = best >= iou - ROUNDING
        right[rows] = hit
        taken[scene[hit], which[hit]] = True
    return right


def precision_recall(
    detections: Detections, truth: Scenes, *, iou: float = 0.5, by: str = "boxes"
) -> dict[str, PrecisionRecall]:
    """The curve of precision against recall of each class, and of "all" objects together.

    What is right is decided by ``matches``. A class that has no object in ``truth`` has recall nan.

    Args and errors: as ``matches``.

    >>> from course_utils.datasets.scenes import scenes
    >>> truth = scenes(4, objects=1)
    >>> rows, one = torch.arange(4), torch.ones(4)
    >>> perfect = Detections(rows, one, truth.labels[:, 0], truth.boxes[:, 0])
    >>> precision_recall(perfect, truth)["all"].at(0.5)
    (1.0, 1.0)
    """
    right = matches(detections, truth, iou=iou, by=by)
    order = detections.scores.argsort(descending=True, stable=True)
    found, right = detections[order], right[order]
    curves = {}
    for k, name in enumerate(ANIMALS):
        rows = found.labels == k
        curves[name] = _curve(found.scores[rows], right[rows], int((truth.labels == k).sum()))
    return curves | {"all": _curve(found.scores, right, int((truth.labels >= 0).sum()))}


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
    >>> rows, one = torch.arange(4), torch.ones(4)
    >>> perfect = Detections(rows, one, truth.labels[:, 0], truth.boxes[:, 0])
    >>> average_precision(perfect, truth)["mean"]
    1.0
    """
    curves = precision_recall(detections, truth, iou=iou, by=by)
    there = [name for k, name in enumerate(ANIMALS) if bool((truth.labels == k).any())]
    each = {name: curves[name].average() if name in there else nan for name in ANIMALS}
    return each | {"mean": sum(each[name] for name in there) / len(there)}


def _overlaps(found: Detections, truth: Scenes, by: str) -> Tensor:
    """The IoU of each detection with the K objects of its scene: ``(M, K)`` float64."""
    overlap = torch.zeros(len(found), truth.labels.shape[1], dtype=torch.float64, device=found.boxes.device)
    for scene in found.scene.unique().tolist():
        rows = found.scene == scene
        if by == "masks":
            overlap[rows] = mask_iou(found.masks[rows], truth.masks[scene]).double()
        else:
            overlap[rows] = box_iou(found.boxes[rows].double(), truth.boxes[scene].double())
    return overlap


def _turns(scene: Tensor) -> Tensor:
    """How many entries before this one have the same scene: ``(M,)``.

    >>> _turns(torch.tensor([5, 2, 5, 5, 2])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = scene.argsort(stable=True)
    together = scene[order]
    rank = torch.arange(len(scene), device=scene.device) - torch.searchsorted(together, together)
    return torch.empty_like(rank).scatter_(0, order, rank)


def _curve(scores: Tensor, right: Tensor, there: int) -> PrecisionRecall:
    hits = right.double().cumsum(0)
    count = torch.arange(1, len(right) + 1, device=right.device)
    return PrecisionRecall(scores, hits / count, hits / there if there else hits.fill_(nan))


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
    scene, labels = detections.scene, detections.labels
    if len(detections) and not (scene.min() >= 0 and scene.max() < len(truth)):
        raise ValueError(f"{who}: expected scenes 0 to {len(truth) - 1}, got {scene.min()} to {scene.max()}")
    if len(detections) and not (labels.min() >= 0 and labels.max() < len(ANIMALS)):
        raise ValueError(f"{who}: expected labels 0 to {len(ANIMALS) - 1}, got {labels.unique().tolist()}")

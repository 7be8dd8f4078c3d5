"""Boxes and masks: how much two of them overlap, and which of many to keep.

A box is (left, top, right, bottom) in pixels, right and bottom exclusive: its width is right − left, and
the box of the one pixel in column 3, row 5 is (3, 5, 4, 6).
"""

import torch
from torch import Tensor

from course_utils.checks import check_number


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every box of a with every box of b: |A ∩ B| / |A ∪ B| (Jaccard 1912).

    0 says that two boxes do not meet, 1 that they are the same. Two boxes without any area have 0.

    Shapes: a ``(M, 4)``, b ``(N, 4)``, float, in pixels; the result ``(M, N)`` in [0, 1].

    Raises:
        ValueError: a or b are no boxes.

    >>> a = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    >>> b = torch.tensor([[0.0, 0.0, 4.0, 4.0], [2.0, 0.0, 4.0, 4.0], [4.0, 0.0, 8.0, 4.0]])
    >>> box_iou(a, b).tolist()
    [[1.0, 0.5, 0.0]]
    """
    a, b = check_boxes(a, "box_iou: a"), check_boxes(b, "box_iou: b")
    shared, union = _areas(a[:, None], b)
    return _share(shared, union)


def generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU of box i of a with box i of b: IoU − |C ∖ (A ∪ B)| / |C|.

    C is the smallest box round both. Where two boxes do not meet, their IoU is 0 however far apart they
    are, and no gradient says which way to move; this one falls towards −1 with the distance. As a loss:
    1 − generalised IoU. H. Rezatofighi et al., *Generalized Intersection over Union: A Metric and A Loss
    for Bounding Box Regression*, CVPR 2019.

    Shapes: a, b ``(M, 4)``, float, in pixels; the result ``(M,)`` in [−1, 1].

    Raises:
        ValueError: a or b are no boxes, or not as many.

    >>> a = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).repeat(3, 1)
    >>> b = a + torch.tensor([[0.0], [1.0], [3.0]])
    >>> generalised_iou(a, b).tolist()
    [1.0, -0.5, -0.875]
    """
    a, b = check_boxes(a, "generalised_iou: a"), check_boxes(b, "generalised_iou: b")
    if len(a) != len(b):
        raise ValueError(f"generalised_iou: expected as many boxes in b as in a, {len(a)}, got {len(b)}")
    shared, union = _areas(a, b)
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    return _share(shared, union) - _share(hull - union, hull)


def mask_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every mask of a with every mask of b, counted in pixels.

    Two empty masks have 0.

    Shapes: a ``(M, H, W)``, b ``(N, H, W)``, bool; the result ``(M, N)``, float32, in [0, 1].

    Raises:
        ValueError: a or b are no masks, or not of the same size.

    >>> a = torch.tensor([[[True, True, False]]])
    >>> mask_iou(a, torch.stack([a[0], ~a[0], a[0] | ~a[0]])).tolist()[0][:2]
    [1.0, 0.0]
    """
    for name, masks in (("a", a), ("b", b)):
        if not isinstance(masks, Tensor) or masks.dtype != torch.bool or masks.dim() != 3:
            raise ValueError(f"mask_iou: expected {name} as a bool tensor (M, H, W), got {_came(masks)}")
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"mask_iou: expected b of size {tuple(a.shape[1:])}, got {tuple(b.shape[1:])}")
    a, b = a.flatten(1).float(), b.flatten(1).float()
    shared = a @ b.T
    return _share(shared, a.sum(1)[:, None] + b.sum(1) - shared)


def nms(boxes: Tensor, scores: Tensor, groups: Tensor | None = None, iou: float = 0.5) -> Tensor:
    """Non-maximum suppression: keep the best box, drop all that overlap it too much, and so on with the rest.

    Greedy, within each group by itself. All groups take their step at the same time, so that there are as
    many rounds as boxes kept in the fullest group. Of equal scores the earlier box goes first.

    Args:
        boxes: ``(M, 4)`` in pixels.
        scores: ``(M,)``, the higher the better.
        groups: ``(M,)`` integers: only boxes of one group suppress each other. Give each pair of a scene and
            a class a number of its own; None: one group.
        iou: a box goes if its IoU with a kept one is above this.

    Returns:
        The rows to keep, by falling score, ``(K,)``.

    Raises:
        ValueError: an argument is not what it should be.

    >>> boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 5.0], [8.0, 0.0, 9.0, 1.0]])
    >>> nms(boxes, torch.tensor([0.5, 0.9, 0.7])).tolist()
    [1, 2]
    >>> nms(boxes, torch.tensor([0.5, 0.9, 0.7]), torch.tensor([0, 1, 1])).tolist()
    [1, 2, 0]
    """
    boxes = check_boxes(boxes, "nms: boxes")
    if groups is None:
        groups = torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
    for name, values in (("scores", scores), ("groups", groups)):
        if not isinstance(values, Tensor) or values.shape != (len(boxes),):
            raise ValueError(f"nms: expected {name} of shape ({len(boxes)},), got {_came(values)}")
    check_number(iou, "nms: iou", low=0, high=1)
    order = scores.argsort(descending=True, stable=True)
    boxes, group = boxes[order], groups[order].unique(return_inverse=True)[1]
    keep = torch.zeros_like(order, dtype=torch.bool)
    left = torch.arange(len(order), device=order.device)  # ranks not decided yet, best first
    while len(left):
        best = torch.full_like(order, len(order)).scatter_reduce(0, group[left], left, "amin")[group[left]]
        keep[best] = True
        overlap = _share(*_areas(boxes[left], boxes[best]))
        left = left[(overlap <= iou) & (left != best)]
    return order[keep]


def check_boxes(boxes: Tensor, who: str) -> Tensor:
    """Return the boxes ``(M, 4)`` if finite, left ≤ right and top ≤ bottom; else a ValueError."""
    good = isinstance(boxes, Tensor) and boxes.is_floating_point() and boxes.dim() == 2
    if not good or boxes.shape[1] != 4:
        raise ValueError(f"{who}: expected boxes as a float tensor (M, 4), got {_came(boxes)}")
    values = boxes.detach()
    bad = ~(values.isfinite().all(1) & (values[:, 2:] >= values[:, :2]).all(1))
    if bool(bad.any()):
        worst = [round(v, 3) for v in values[bad][0].tolist()]
        raise ValueError(f"{who}: expected finite (left, top, right, bottom), left ≤ right, got {worst}")
    return boxes


def _areas(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The areas of intersection and union of boxes whose shapes broadcast, in square pixels."""
    sides = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])
    shared = sides.clamp(min=0).prod(-1)
    return shared, _area(a) + _area(b) - shared


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).prod(-1)


def _share(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, and 0 where there is nothing to share: also for the gradient."""
    empty = whole <= 0
    return torch.where(empty, torch.zeros_like(part), part / torch.where(empty, 1, whole))


def _came(value: object) -> str:
    return (
        f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    )

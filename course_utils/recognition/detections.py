"""Detections: what a network says is on some scenes, each object with its box.

A box is (left, top, right, bottom) in pixels, right and bottom exclusive: its width is right − left, and
the box of the one pixel in column 3, row 5 is (3, 5, 4, 6).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from course_utils.checks import check_number, described


@dataclass(frozen=True, eq=False, repr=False)
class Detections:
    """M objects found on some scenes, in one flat list: several for one scene, none for another.

    Attributes:
        scene: the row of the scene that each object is on, ``(M,)`` int64.
        scores: how sure the network is, ``(M,)`` float in [0, 1]. Where to cut is the user's choice.
        labels: the class, ``(M,)`` int64.
        boxes: (left, top, right, bottom) in pixels, right and bottom exclusive, ``(M, 4)`` float.
        masks: the pixels of each object, ``(M, H, W)`` bool, or None where the network has only boxes.

    Raises:
        ValueError: a part has another shape or type.

    >>> boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [2.0, 2.0, 9.0, 9.0]])
    >>> found = Detections(torch.tensor([0, 7]), torch.tensor([0.9, 0.2]), torch.tensor([1, 2]), boxes)
    >>> found
    Detections(2 on 2 scenes, scores 0.20 to 0.90, boxes)
    >>> len(found.above(0.5)), found.of(7).labels.tolist()
    (1, [2])
    """

    scene: Tensor
    scores: Tensor
    labels: Tensor
    boxes: Tensor
    masks: Tensor | None = None

    def __post_init__(self) -> None:
        check_boxes(self.boxes, "Detections: boxes")
        count = len(self.boxes)
        for name, kind in (("scene", torch.int64), ("labels", torch.int64), ("scores", self.boxes.dtype)):
            part = getattr(self, name)
            if not isinstance(part, Tensor) or part.shape != (count,) or part.dtype != kind:
                raise ValueError(f"Detections: expected {name} as {kind} ({count},), got {described(part)}")
        if not bool(((self.scores >= 0) & (self.scores <= 1)).all()):
            raise ValueError("Detections: expected scores in [0, 1], got others")
        masks = self.masks
        if masks is not None and (masks.dtype != torch.bool or masks.dim() != 3 or len(masks) != count):
            raise ValueError(f"Detections: expected masks as bool ({count}, H, W), got {described(masks)}")

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: Tensor | slice) -> "Detections":
        """Some of the objects: rows as a mask, as indices or as a slice."""
        return self._each(lambda part: part[rows])

    def __repr__(self) -> str:
        parts = "boxes" if self.masks is None else "boxes and masks"
        if not len(self):
            return f"Detections(none, {parts})"
        low, high = self.scores.min().item(), self.scores.max().item()
        scenes = len(self.scene.unique())
        return f"Detections({len(self)} on {scenes} scenes, scores {low:.2f} to {high:.2f}, {parts})"

    def above(self, threshold: float) -> "Detections":
        """Those with a score of at least the threshold."""
        return self[self.scores >= check_number(threshold, "Detections: threshold")]

    def of(self, scene: int) -> "Detections":
        """Those on one scene, in their order here."""
        return self[self.scene == scene]

    def to(self, device: str | torch.device) -> "Detections":
        """The same detections on another device."""
        return self._each(lambda part: part.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Detections":
        return replace(self, **{key: change(part) for key, part in vars(self).items() if part is not None})


def check_boxes(boxes: Tensor, who: str) -> Tensor:
    """Return the boxes ``(M, 4)`` if finite, left ≤ right and top ≤ bottom; else raise a ValueError."""
    good = isinstance(boxes, Tensor) and boxes.is_floating_point() and boxes.dim() == 2
    if not good or boxes.shape[1] != 4:
        raise ValueError(f"{who}: expected boxes as a float tensor (M, 4), got {described(boxes)}")
    values = boxes.detach()
    bad = ~(values.isfinite().all(1) & (values[:, 2:] >= values[:, :2]).all(1))
    if bool(bad.any()):
        worst = [round(v, 3) for v in values[bad][0].tolist()]
        raise ValueError(f"{who}: expected finite (left, top, right, bottom), left ≤ right, got {worst}")
    return boxes


def at_one_size(detections: Detections, width: float, height: float) -> Detections:
    """A baseline: the same objects at the same middles, all boxes of one size. What do the sides buy?

    >>> box = torch.tensor([[0.0, 0.0, 4.0, 8.0]])
    >>> at_one_size(Detections(torch.tensor([0]), torch.ones(1), torch.tensor([0]), box), 2, 2).boxes.tolist()
    [[1.0, 3.0, 3.0, 5.0]]
    """
    middle = (detections.boxes[:, :2] + detections.boxes[:, 2:]) / 2
    half = middle.new_tensor([check_number(side, "at_one_size", low=0) for side in (width, height)]) / 2
    return replace(detections, boxes=torch.cat([middle - half, middle + half], 1))

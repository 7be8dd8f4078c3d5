"""Detection: every object on an image, each with its class and its box."""

from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from course_utils.checks import check_count, check_number
from course_utils.recognition.backbone import GROUPS, Recogniser, Residual
from course_utils.recognition.boxes import check_boxes, generalised_iou, nms
from course_utils.recognition.detections import Detections

SIDES = 4
RADIUS = 1.0
FOCUS, BOX_WEIGHT = 1.0, 2.0
PRIOR = 0.05


class Detector(Recogniser):
    r"""Which classes are where: x is a picture, y a list of classes and boxes, as long as it needs to be.

    How can a network of fixed size give a list of any length? Each cell c of the backbone's grid answers for
    itself: is there the middle of a cat, dog or duck at my place (one probability for each class), and how
    far are the four sides of its box from me,

        box_c = (x_c − l_c, y_c − t_c, x_c + r_c, y_c + b_c),    (l, t, r, b)_c = u · exp(what the net says),

    without anchor boxes (Z. Tian et al., *FCOS: Fully Convolutional One-Stage Object Detection*, ICCV 2019).
    The cells within one cell of an object's middle, mostly four, answer for it, for the smaller of two; all
    others should stay silent. Most cells are silent, and easily so: the focal loss gives them little weight
    (T.-Y. Lin et al., *Focal Loss for Dense Object Detection*, ICCV 2017). Boxes are taught by 1 −
    generalised IoU. FCOS's centre-ness, which mutes cells far from a middle, is left out: none of them
    answers here.

    Train it with ``fit(model, (x, labels, boxes))``. Several cells find the same object: ``detect`` keeps the
    surest, ``maps`` shows them all.

    Args:
        event_shape: (C, H, W) of an image with values in [0, 1]; H and W are multiples of 8.
        classes: how many classes there are.
        features: the channels of the backbone's grid.

    Shapes: x ``(B, C, H, W)``; labels ``(B, K)`` int64, −1 where there is no object; boxes ``(B, K, 4)``,
    (left, top, right, bottom) in pixels.

    Raises:
        ValueError: a size does not fit, or x, labels or boxes are not what they should be.

    >>> model = Detector()
    >>> x = torch.rand(2, 3, 64, 64)
    >>> scores, boxes = model.maps(x)
    >>> scores.shape, boxes.shape
    (torch.Size([2, 3, 16, 16]), torch.Size([2, 16, 16, 4]))
    >>> len(model.detect(x, threshold=0, limit=5))
    10
    """

    fit_defaults: ClassVar[dict[str, object]] = {
        "lr": 5e-3,
        "epochs": 4,
        "batch_size": 12,
        "schedule": "cosine",
        "weight_decay": 0.02,
    }

    def __init__(
        self, event_shape: tuple[int, int, int] = (3, 64, 64), *, classes: int = 3, features: int = 32
    ) -> None:
        super().__init__(event_shape, classes, features)
        self.unit = min(event_shape[1:]) / 6
        self.tower = nn.Sequential(Residual(features), nn.GroupNorm(GROUPS, features), nn.SiLU())
        self.say = nn.Conv2d(features, self.classes + SIDES, 1)
        with torch.no_grad():  # silent at first: else the many empty cells drown the few others
            self.say.bias[: self.classes] = torch.tensor(PRIOR).logit()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What each cell says: logits of the classes ``(B, classes, h, w)``, its box ``(B, h, w, 4)``."""
        said = self.say(self.tower(self.backbone(self.check(x))))
        sides = self.unit * said[:, self.classes :].exp().movedim(1, -1)
        middle = self.backbone.centres()
        boxes = torch.cat([middle - sides[..., :2], middle + sides[..., 2:]], -1)
        return said[:, : self.classes], boxes

    def loss(self, x: Tensor, labels: Tensor, boxes: Tensor) -> Tensor:
        """Σ focal loss + 2 Σ (1 − generalised IoU), over the number of cells that answer for an object.

        The first sum is over all cells and classes, in nats; the second over the cells that answer.
        """
        logits, said = self(x)
        self._check_truth(x, labels, boxes)
        which = self.assign(labels, boxes)
        answers = which >= 0
        scene, row, column = answers.nonzero(as_tuple=True)
        mine = which[answers]
        target = torch.zeros_like(logits)
        target[scene, labels[scene, mine], row, column] = 1
        count = max(1, len(mine))
        far = 1 - generalised_iou(said[answers], boxes[scene, mine])
        return (focal_loss(logits, target).sum() + BOX_WEIGHT * far.sum()) / count

    def assign(self, labels: Tensor, boxes: Tensor) -> Tensor:
        """The object each cell answers for, ``(B, h, w)``: its row among the K, or −1.

        A cell answers for an object if its middle lies in the box and within one cell of the box's middle
        across and down (centre sampling: Tian et al., TPAMI 2020), for the smaller of two.
        """
        near = RADIUS * self.backbone.stride
        answers = (labels >= 0)[:, :, None, None]
        for side, middle in enumerate(self._rulers()):
            low, high = boxes[..., side, None], boxes[..., side + 2, None]  # (B, K, 1)
            here = (low < middle) & (middle < high) & ((middle - (low + high) / 2).abs() <= near)
            answers = answers & (here[:, :, None] if side == 0 else here[..., None])
        area = (boxes[..., 2:] - boxes[..., :2]).prod(-1)[:, :, None, None]
        least, which = torch.where(answers, area, torch.inf).min(1)
        return torch.where(least.isfinite(), which, -1)

    def _rulers(self) -> tuple[Tensor, Tensor]:
        """Where the middles of the columns and of the rows of cells lie, in pixels: ``(w,)`` and ``(h,)``."""
        middle = self.backbone.centres()
        return middle[0, :, 0], middle[:, 0, 1]

    @torch.no_grad()
    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the grid says before NMS: scores ``(B, classes, h, w)``, boxes in pixels ``(B, h, w, 4)``."""
        logits, boxes = self(x)
        height, width = x.shape[2:]
        return logits.sigmoid(), boxes.clamp(min=0).minimum(boxes.new_tensor([width, height] * 2))

    def detect(self, x: Tensor, *, threshold: float = 0.05, iou: float = 0.5, limit: int = 20) -> Detections:
        """Find the objects: what is sure enough, without what a surer box of the same class covers.

        Args:
            x: images ``(B, C, H, W)``.
            threshold: the least score. Low for a curve of precision and recall, higher to look at.
            iou: ``nms`` drops a box whose IoU with a surer one of its class is above this.
            limit: how many objects a scene has at most.

        Returns:
            Detections, scene by scene, the surest first.
        """
        check_number(threshold, "Detector: threshold", low=0, high=1)
        check_count(limit, "Detector: limit")
        scores, boxes = self.maps(x)
        scene, label, row, column = (scores >= threshold).nonzero(as_tuple=True)
        found = Detections(scene, scores[scene, label, row, column], label, boxes[scene, row, column])
        found = found[nms(found.boxes, found.scores, scene * self.classes + label, iou)]
        found = found[found.scene.argsort(stable=True)]
        rank = torch.arange(len(found), device=x.device) - torch.searchsorted(found.scene, found.scene)
        return found[rank < limit]

    def _check_truth(self, x: Tensor, labels: Tensor, boxes: Tensor) -> None:
        """One ValueError if labels ``(B, K)`` or boxes ``(B, K, 4)`` are not what they should be."""
        expected = f"Detector: expected labels ({len(x)}, K) and boxes ({len(x)}, K, 4)"
        if not isinstance(labels, Tensor) or labels.dtype != torch.int64 or labels.dim() != 2:
            raise ValueError(f"{expected}, labels int64, got labels {getattr(labels, 'shape', labels)}")
        if len(labels) != len(x) or not isinstance(boxes, Tensor) or boxes.shape != (*labels.shape, SIDES):
            came = getattr(boxes, "shape", type(boxes).__name__)
            raise ValueError(f"{expected}, got labels {tuple(labels.shape)} and boxes {came}")
        if not bool(((labels >= -1) & (labels < self.classes)).all()):
            raise ValueError(f"{expected}, labels from −1 to {self.classes - 1}, got {labels.max()}")
        check_boxes(boxes.flatten(0, 1), "Detector: boxes")


def focal_loss(logits: Tensor, target: Tensor, *, focus: float = FOCUS) -> Tensor:
    r"""Cross-entropy that looks at what is still wrong: −(1 − p_t)^γ log p_t, one value for each logit.

    p_t is the probability given to the truth. With γ = 1 a cell that is 90 % right weighs 10 times less than
    in cross-entropy, γ = 0 (Lin et al., ICCV 2017). They take γ = 2 against 100,000 empty places; with 256
    the doubts between cat and dog, p_t near ½, would then count for too little, and learning is slow.

    Shapes: logits and target alike, any; target in {0, 1}; in nats.

    >>> half = torch.zeros(1)
    >>> focal_loss(half, torch.ones(1)) / focal_loss(half, torch.ones(1), focus=0.0)
    tensor([0.5000])
    """
    log_p = logsigmoid((2 * target - 1) * logits)
    return -((1 - log_p.exp()) ** focus) * log_p


def unseen(labels: Tensor, boxes: Tensor, n: int) -> Detections:
    """A floor: what can be said of n scenes without a look, from the labels and boxes of others.

    On every scene the mean box of each class, with the share of the class among the objects as score.

    Shapes: labels ``(N, K)``, −1 where there is no object; boxes ``(N, K, 4)`` in pixels.

    >>> labels, boxes = torch.tensor([[0, 1], [0, -1]]), torch.tensor([[[0.0, 0, 2, 2]] * 2] * 2)
    >>> said = unseen(labels, boxes, 5)
    >>> len(said), said.of(0).labels.tolist(), said.of(0).boxes[0].tolist()
    (10, [0, 1], [0.0, 0.0, 2.0, 2.0])
    """
    there = labels >= 0
    classes, counts = labels[there].unique(return_counts=True)
    mean = torch.stack([boxes[labels == k].mean(0) for k in classes])
    share = counts.to(boxes.dtype) / counts.sum()
    scene = torch.arange(check_count(n, "unseen: n"), device=labels.device).repeat_interleave(len(classes))
    return Detections(scene, share.repeat(n), classes.repeat(n), mean.repeat(n, 1))


def at_one_size(detections: Detections, width: float, height: float) -> Detections:
    """A floor: the same objects at the same middles, all boxes of one size. What do the sides buy?

    >>> box = torch.tensor([[0.0, 0.0, 4.0, 8.0]])
    >>> at_one_size(Detections(torch.tensor([0]), torch.ones(1), torch.tensor([0]), box), 2, 2).boxes.tolist()
    [[1.0, 3.0, 3.0, 5.0]]
    """
    middle = (detections.boxes[:, :2] + detections.boxes[:, 2:]) / 2
    half = middle.new_tensor([check_number(side, "at_one_size", low=0) for side in (width, height)]) / 2
    return replace(detections, boxes=torch.cat([middle - half, middle + half], 1))

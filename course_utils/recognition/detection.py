"""Detection: every object on an image, each with its class and its box."""

import torch
from torch import Tensor, nn

from course_utils.checks import check_count, check_number
from course_utils.recognition.backbone import GROUPS, STRIDE, Residual, SceneRecogniser
from course_utils.recognition.detections import Detections, check_boxes

SIDES = 4
RADIUS = 1.0
FOCUS, BOX_WEIGHT = 1.0, 2.0
PRIOR = 0.05


class Detector(SceneRecogniser):
    r"""Which classes are where: x is a picture, y a list of classes and boxes, as long as it needs to be.

    How can a network of fixed size give a list of any length? Each cell c of the backbone's grid answers for
    itself: is there the middle of a cat, dog or duck at my place (one probability for each class), and how
    far are the four sides of its box from me,

        box_c = (x_c − l_c, y_c − t_c, x_c + r_c, y_c + b_c),    (l, t, r, b)_c = u · exp(what the net says),

    without anchor boxes (Z. Tian et al., *FCOS: Fully Convolutional One-Stage Object Detection*, ICCV 2019).
    The cells within one cell of an object's middle, mostly four, answer for it, for the smaller of two; all
    others should stay silent. Most cells are silent, and easily so: the focal loss gives them little weight
    (T.-Y. Lin et al., *Focal Loss for Dense Object Detection*, ICCV 2017). Boxes are taught by 1 −
    generalised IoU, which says where to go even to boxes that do not meet (H. Rezatofighi et al.,
    *Generalized Intersection over Union*, CVPR 2019).

    Departures: FCOS's centre-ness, which mutes cells far from a middle, is left out, since none of them
    answers here. The focal loss is −(1 − p)^γ log p with γ = 1 and no weight α; Lin et al. take γ = 2 against
    100,000 empty places, but with 256 the doubts between cat and dog, p near ½, would count for too little.

    Train it with ``fit(model, (x, labels, boxes))``. Several cells find the same object: ``detect`` keeps the
    surest, ``maps`` shows them all.

    Args and errors: as ``SceneRecogniser``. Shapes: x ``(B, C, H, W)``; labels ``(B, K)`` int64, −1 where
    there is no object; boxes ``(B, K, 4)``, (left, top, right, bottom) in pixels.

    >>> len(Detector().detect(torch.rand(2, 3, 64, 64), threshold=0, limit=5))
    10
    """

    fit_defaults = SceneRecogniser.fit_defaults | {"epochs": 4, "batch_size": 12}

    def __init__(
        self, event_shape: tuple[int, int, int] = (3, 64, 64), *, classes: int = 3, features: int = 32
    ) -> None:
        super().__init__(event_shape, classes=classes, features=features)
        self.unit = min(event_shape[1:]) / 6
        self.tower = nn.Sequential(Residual(features), nn.GroupNorm(GROUPS, features), nn.SiLU())
        self.say = nn.Conv2d(features, self.classes + SIDES, 1)
        with torch.no_grad():  # silent at first: else the many empty cells drown the few others
            self.say.get_parameter("bias")[: self.classes] = torch.tensor(PRIOR).logit()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What each cell says: logits of the classes ``(B, classes, h, w)``, its box ``(B, h, w, 4)``."""
        said = self.say(self.tower(self.backbone(self.check(x))))
        left_top, right_bottom = (self.unit * said[:, self.classes :].exp()).chunk(2, 1)
        middle = self.backbone.centres()  # (2, h, w)
        boxes = torch.cat([middle - left_top, middle + right_bottom], 1)
        return said[:, : self.classes], boxes.movedim(1, -1)

    def loss(self, x: Tensor, labels: Tensor, boxes: Tensor) -> Tensor:
        """Σ focal loss + 2 Σ (1 − generalised IoU), over the number of cells that answer for an object.

        The first sum is over all cells and classes, in nats; the second over the cells that answer.
        """
        from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss  # slow to import

        logits, said = self(x)
        self.check_objects(x, labels, "boxes", boxes)
        check_boxes(boxes.flatten(0, 1), "Detector: boxes")
        which = self.assign(labels, boxes)
        answers = which >= 0
        scene, row, column = answers.nonzero(as_tuple=True)
        mine = which[answers]
        target = torch.zeros_like(logits)
        target[scene, labels[scene, mine], row, column] = 1
        surprise = sigmoid_focal_loss(logits, target, alpha=-1, gamma=FOCUS, reduction="sum")
        far = generalized_box_iou_loss(said[answers], boxes[scene, mine], reduction="sum")
        return (surprise + BOX_WEIGHT * far) / max(1, len(mine))

    def assign(self, labels: Tensor, boxes: Tensor) -> Tensor:
        """The object each cell answers for, ``(B, h, w)``: its row among the K, or −1.

        A cell answers for an object if its middle lies in the box and within one cell of the box's middle
        across and down (centre sampling: Tian et al., TPAMI 2020), for the smaller of two.
        """
        near = RADIUS * STRIDE
        answers = (labels >= 0)[:, :, None, None]
        across, down = self.backbone.centres()
        for side, middle in enumerate((across[0], down[:, 0])):
            low, high = boxes[..., side, None], boxes[..., side + 2, None]  # (B, K, 1)
            here = (low < middle) & (middle < high) & ((middle - (low + high) / 2).abs() <= near)
            answers = answers & (here[:, :, None] if side == 0 else here[..., None])
        area = (boxes[..., 2:] - boxes[..., :2]).prod(-1)[:, :, None, None]
        least, which = torch.where(answers, area, torch.inf).min(1)
        return torch.where(least.isfinite(), which, -1)

    @torch.no_grad()
    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the grid says before NMS: scores ``(B, classes, h, w)``, boxes in pixels ``(B, h, w, 4)``."""
        logits, boxes = self(x)
        height, width = x.shape[2:]
        return logits.sigmoid(), boxes.clamp(min=0).minimum(boxes.new_tensor([width, height] * 2))

    def detect(self, x: Tensor, *, threshold: float = 0.05, iou: float = 0.5, limit: int = 20) -> Detections:
        """Find the objects, scene by scene, the surest first: what no surer box of the same class covers.

        Args:
            x: images ``(B, C, H, W)``.
            threshold: the least score. Low for a curve of precision and recall, higher to look at.
            iou: non-maximum suppression drops a box whose IoU with a surer one of its class is above this.
            limit: how many objects a scene has at most.
        """
        from torchvision.ops import batched_nms  # slow to import

        check_number(threshold, "Detector: threshold", low=0, high=1)
        check_number(iou, "Detector: iou", low=0, high=1)
        check_count(limit, "Detector: limit")
        scores, boxes = self.maps(x)
        scene, label, row, column = (scores >= threshold).nonzero(as_tuple=True)
        found = Detections(scene, scores[scene, label, row, column], label, boxes[scene, row, column])
        found = found[batched_nms(found.boxes, found.scores, scene * self.classes + label, iou)]
        found = found[found.scene.argsort(stable=True)]
        rank = torch.arange(len(found), device=x.device) - torch.searchsorted(found.scene, found.scene)
        return found[rank < limit]

"""Classification and localisation: one image, one class and the box of the one object."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, smooth_l1_loss, softplus

from course_utils.checks import check_classes
from course_utils.recognition.backbone import SceneRecogniser
from course_utils.recognition.detections import check_boxes

SIDES = 4
BEND = 0.1


class Localiser(SceneRecogniser):
    r"""Which class is on the image, and where: x is a picture, y a class and four numbers.

    Each cell c of the backbone's grid says how sure it is to lie on the object, which class it sees, and
    how far the four sides of the box are from its middle. Attention weighs what the cells say,

        a = softmax(s),   logits = Σ_c a_c · logits_c,   box = Σ_c a_c · (middle_c ∓ distances_c),

    and the loss is −log p(class | x) plus the smooth L1 distance of the four sides (Girshick, *Fast R-CNN*,
    ICCV 2015) in quarters of the image. Train it with ``fit(model, (x, labels, boxes))``.

    Args and errors: as ``SceneRecogniser``. Shapes: x ``(B, C, H, W)``; labels ``(B,)``; boxes ``(B, 4)``,
    (left, top, right, bottom) in pixels.

    >>> labels, boxes = Localiser().predict(torch.rand(2, 3, 64, 64))
    >>> labels.shape, boxes.shape
    (torch.Size([2]), torch.Size([2, 4]))
    """

    def __init__(
        self, event_shape: tuple[int, int, int] = (3, 64, 64), *, classes: int = 3, features: int = 32
    ) -> None:
        super().__init__(event_shape, classes=classes, features=features)
        self.unit = max(event_shape[1:]) / 4
        self.say = nn.Conv2d(features, 1 + self.classes + SIDES, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The logits of the classes ``(B, classes)`` and the box ``(B, 4)`` in pixels."""
        said = self.say(self.backbone(self.check(x)))
        sure, logits, distances = said.split([1, self.classes, SIDES], 1)
        left_top, right_bottom = (self.unit * softplus(distances)).chunk(2, 1)
        middle = self.backbone.centres()  # (2, h, w)
        each = torch.cat([logits, middle - left_top, middle + right_bottom], 1)
        attention = sure.flatten(2).softmax(2)
        weighed = (attention * each.flatten(2)).sum(2)
        return weighed[:, : self.classes], weighed[:, self.classes :]

    def loss(self, x: Tensor, labels: Tensor, boxes: Tensor) -> Tensor:
        """The mean of −log p(label | x), in nats, plus the mean smooth L1 distance of the sides."""
        logits, guess = self(x)
        labels = check_classes(labels, len(x), self.classes, like=logits, who="Localiser")
        if len(check_boxes(boxes, "Localiser: boxes")) != len(x):
            raise ValueError(f"Localiser: expected {len(x)} boxes, one an image, got {len(boxes)}")
        return cross_entropy(logits, labels) + smooth_l1_loss(guess / self.unit, boxes / self.unit, beta=BEND)

    def predict(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The likeliest class ``(B,)`` and the box ``(B, 4)`` of each image."""
        logits, boxes = self(x)
        return logits.argmax(1), boxes


def mean_box(boxes: Tensor) -> Tensor:
    """The mean box, ``(N, 4)`` to ``(4,)``: the baseline of localisation, a guess without looking.

    >>> mean_box(torch.tensor([[0.0, 0.0, 4.0, 4.0], [2.0, 4.0, 4.0, 8.0]])).tolist()
    [1.0, 2.0, 4.0, 6.0]

    Raises:
        ValueError: boxes are no boxes, or none.
    """
    if not len(check_boxes(boxes, "mean_box: boxes")):
        raise ValueError("mean_box: expected at least one box, got none")
    return boxes.mean(0)

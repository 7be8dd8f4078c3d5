"""Classification: one image, one class."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_utils.checks import check_classes
from course_utils.recognition.backbone import Recogniser


class Classifier(Recogniser):
    """Which class is on the image: x is a picture, y a class, the loss −log p(y | x).

    Each feature counts where it is strongest, wherever that may be on the backbone's grid (global max
    pooling: Oquab et al., *Is object localization for free?*, CVPR 2015), and a linear layer decides. A mean
    over the grid would drown a small animal in its surroundings. Train it with ``fit(model, (x, labels))``.

    Args:
        event_shape: (C, H, W) of an image with values in [0, 1]; H and W are multiples of 8.
        classes: how many classes there are.
        features: the channels of the backbone's grid.

    Shapes: x ``(B, C, H, W)``, labels ``(B,)``, logits ``(B, classes)``; the loss in nats.

    Raises:
        ValueError: a size does not fit, x is no batch of such images, or labels are no classes of them.

    >>> import torch
    >>> model = Classifier()
    >>> x = torch.rand(2, 3, 64, 64)
    >>> model(x).shape, model.predict(x).shape, model.loss(x, torch.tensor([0, 2])).shape
    (torch.Size([2, 3]), torch.Size([2]), torch.Size([]))
    """

    fit_defaults: ClassVar[dict[str, object]] = {
        "lr": 5e-3,
        "epochs": 5,
        "batch_size": 16,
        "clip": 1.0,
        "schedule": "cosine",
        "weight_decay": 0.02,
    }

    def __init__(
        self, event_shape: tuple[int, int, int] = (3, 64, 64), *, classes: int = 3, features: int = 32
    ) -> None:
        super().__init__(event_shape, classes, features)
        self.decide = nn.Linear(features, self.classes)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of the classes, ``(B, C, H, W)`` to ``(B, classes)``."""
        return self.decide(self.backbone(self.check(x)).amax((2, 3)))

    def loss(self, x: Tensor, labels: Tensor) -> Tensor:
        """The mean −log p(label | x) in nats, for labels ``(B,)``."""
        logits = self(x)
        labels = check_classes(labels, len(x), self.classes, like=logits, who="Classifier")
        return cross_entropy(logits, labels)

    def predict(self, x: Tensor) -> Tensor:
        """The likeliest class of each image, ``(B,)``."""
        return self(x).argmax(1)

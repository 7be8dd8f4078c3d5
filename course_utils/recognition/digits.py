"""Recognition: which digit is on the image, and the features by which a network tells."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import cross_entropy, silu

from course_utils.checks import check_count, check_events


class DigitClassifier(nn.Module):
    """A small convolutional network that says which digit is on an image (LeCun et al. 1998 in spirit).

    Two 3×3 convolutions, the second of stride 2, and two linear layers; what comes between those are the
    *features*: few numbers that keep what matters for telling digits apart. Train it with ``fit(model,
    (x, y))``.

    Args:
        event_shape: (C, H, W) of an image with values in [0, 1].
        classes: how many digits there are.
        features: how many features.

    Shapes: x ``(B, C, H, W)``; logits ``(B, classes)``; features ``(B, features)``; the loss in nats.

    Raises:
        ValueError: a size is not positive, or x is no batch of such images.

    >>> import torch
    >>> model = DigitClassifier((1, 8, 8), features=5)
    >>> x = torch.rand(3, 1, 8, 8)
    >>> model(x).shape, model.features(x).shape
    (torch.Size([3, 10]), torch.Size([3, 5]))
    """

    fit_defaults: ClassVar[dict[str, object]] = {
        "lr": 5e-3,
        "epochs": 20,
        "batch_size": 50,
        "schedule": "cosine",
        "weight_decay": 0.1,
    }

    def __init__(
        self, event_shape: tuple[int, int, int] = (1, 8, 8), *, classes: int = 10, features: int = 32
    ) -> None:
        super().__init__()
        channels, height, width = (check_count(d, "DigitClassifier: event_shape") for d in event_shape)
        self.event_shape = (channels, height, width)
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, 16, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
        )
        inputs = 32 * ((height + 1) // 2) * ((width + 1) // 2)
        self.squeeze = nn.Linear(inputs, check_count(features, "DigitClassifier: features"))
        self.decide = nn.Linear(features, check_count(classes, "DigitClassifier: classes"))

    def check(self, x: Tensor) -> Tensor:
        """Return x if it is a batch of images; else raise a ValueError."""
        return check_events(x, self.event_shape, "unit", like=self.decide.weight, who="DigitClassifier")

    def features(self, x: Tensor) -> Tensor:
        """What the last layer decides by: ``(B, C, H, W)`` to ``(B, features)``."""
        return self.squeeze(self.convolutions(self.check(x)))

    def forward(self, x: Tensor) -> Tensor:
        """The logits of the classes, ``(B, C, H, W)`` to ``(B, classes)``."""
        return self.decide(silu(self.features(x)))

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """The mean −log p(y | x) in nats, for labels y ``(B,)``."""
        return cross_entropy(self(x), y)

    def predict(self, x: Tensor) -> Tensor:
        """The likeliest digit of each image, ``(B,)``."""
        return self(x).argmax(1)

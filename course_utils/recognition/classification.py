"""Classification: one image, one class."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy, silu

from course_utils.checks import check_classes, check_count
from course_utils.recognition.backbone import Recogniser, SceneRecogniser


class ImageClassifier(Recogniser):
    """Which class is on the image: x is a picture, y a class, the loss −log p(y | x).

    Shapes: x ``(B, C, H, W)``, y ``(B,)``, logits ``(B, classes)``. Train it with ``fit(model, (x, y))``.
    """

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """The mean −log p(y | x) in nats, for classes y ``(B,)``."""
        logits, who = self(x), type(self).__name__
        return cross_entropy(logits, check_classes(y, len(x), self.classes, like=logits, who=who))

    def predict(self, x: Tensor) -> Tensor:
        """The likeliest class of each image, ``(B,)``."""
        return self(x).argmax(1)


class Classifier(SceneRecogniser, ImageClassifier):
    """Which animal is on the scene.

    Each feature counts where it is strongest, wherever that may be on the backbone's grid (global max
    pooling: Oquab et al., *Is object localization for free?*, CVPR 2015), and a linear layer decides. A mean
    over the grid would drown a small animal in its surroundings.

    Args, shapes and errors: as ``SceneRecogniser`` and ``ImageClassifier``.

    >>> import torch
    >>> Classifier()(torch.rand(2, 3, 64, 64)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self, event_shape: tuple[int, int, int] = (3, 64, 64), *, classes: int = 3, features: int = 32
    ) -> None:
        super().__init__(event_shape, classes=classes, features=features)
        self.decide = nn.Linear(features, self.classes)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of the classes, ``(B, C, H, W)`` to ``(B, classes)``."""
        return self.decide(self.backbone(self.check(x)).amax((2, 3)))


class DigitClassifier(ImageClassifier):
    """A small convolutional network that says which digit is on an image (LeCun et al. 1998 in spirit).

    Two 3×3 convolutions, the second of stride 2, and two linear layers; what comes between those are the
    *features*: few numbers that keep what matters for telling digits apart.

    Args:
        event_shape: (C, H, W) of an image with values in [0, 1].
        classes: how many digits there are.
        features: how many features.

    >>> import torch
    >>> model = DigitClassifier((1, 8, 8), features=5)
    >>> x = torch.rand(3, 1, 8, 8)
    >>> model(x).shape, model.features(x).shape
    (torch.Size([3, 10]), torch.Size([3, 5]))
    """

    fit_defaults = {"lr": 5e-3, "epochs": 20, "batch_size": 50, "schedule": "cosine", "weight_decay": 0.1}

    def __init__(
        self, event_shape: tuple[int, int, int] = (1, 8, 8), *, classes: int = 10, features: int = 32
    ) -> None:
        super().__init__(event_shape, classes)
        channels, height, width = self.event_shape
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, 16, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
        )
        inputs = 32 * ((height + 1) // 2) * ((width + 1) // 2)
        self.squeeze = nn.Linear(inputs, check_count(features, "DigitClassifier: features"))
        self.decide = nn.Linear(features, self.classes)

    def features(self, x: Tensor) -> Tensor:
        """What the last layer decides by: ``(B, C, H, W)`` to ``(B, features)``."""
        return self.squeeze(self.convolutions(self.check(x)))

    def forward(self, x: Tensor) -> Tensor:
        """The logits of the classes, ``(B, C, H, W)`` to ``(B, classes)``."""
        return self.decide(silu(self.features(x)))

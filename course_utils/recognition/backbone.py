"""What the networks for images share: their base, and from pixels to a grid of features the backbone."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, silu

from course_utils.checks import check_count, check_events, described

STRIDE, COARSEST, GROUPS = 4, 8, 4  # pixels of a cell, of a coarse cell; channels normalised together
DEEP, BLOCKS = 40, 2  # channels and residual blocks of the coarse grid


class Residual(nn.Module):
    """x + conv(SiLU(norm(x))), one 3×3 convolution: ``(B, C, h, w)`` to the same (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """To the same shape."""
        return x + self.convolution(silu(self.norm(x)))


def _norm(channels: int) -> nn.GroupNorm:
    # No statistics of the batch: training and testing do the same, and one image is as good as many.
    return nn.GroupNorm(GROUPS, channels)


class Backbone(nn.Module):
    """From an image to features on a grid of cells of 4×4 pixels, each of which sees far around itself.

    One convolution takes patches of 4×4 pixels, another goes on to a grid of 8×8, where a cell sees a whole
    object at little cost; what it saw comes back up and is added to the finer grid, which knows better
    where (feature pyramid: Lin et al., *Feature Pyramid Networks for Object Detection*, CVPR 2017). Groups of
    channels are normalised within each image (Wu & He, *Group Normalization*, ECCV 2018): a net of this kind
    learns several times as fast with it.

    Args:
        event_shape: (C, H, W) of an image with values in [0, 1]; H and W are multiples of 8.
        features: the channels of the grid, a multiple of 4.

    Raises:
        ValueError: a size is not positive or not the multiple it should be.
    """

    def __init__(self, event_shape: tuple[int, int, int] = (3, 64, 64), *, features: int = 32) -> None:
        super().__init__()
        channels, height, width = (check_count(d, "Backbone: event_shape") for d in event_shape)
        if height % COARSEST or width % COARSEST:
            raise ValueError(f"Backbone: expected H and W as multiples of {COARSEST}, got {event_shape}")
        if check_count(features, "Backbone: features") % GROUPS:
            raise ValueError(f"Backbone: expected features as a multiple of {GROUPS}, got {features}")
        self.grid = (height // STRIDE, width // STRIDE)
        self.down = nn.Sequential(nn.Conv2d(channels, features, STRIDE, stride=STRIDE), Residual(features))
        self.around = nn.Sequential(
            _norm(features),
            nn.SiLU(),
            nn.Conv2d(features, DEEP, 3, stride=2, padding=1),
            *[Residual(DEEP) for _ in range(BLOCKS)],
            _norm(DEEP),
            nn.SiLU(),
            nn.Conv2d(DEEP, features, 1),
        )
        self.norm = _norm(features)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, features, H/4, W/4)``."""
        fine = self.down(4 * x - 2)
        return silu(self.norm(fine + interpolate(self.around(fine), size=self.grid)))

    def centres(self) -> Tensor:
        """Where the middle of each cell lies, (x, y) in pixels: ``(2, H/4, W/4)``."""
        height, width = (STRIDE * n for n in self.grid)
        return positions(height, width, STRIDE, like=self.norm.weight)


def positions(height: int, width: int, step: int = 1, *, like: Tensor) -> Tensor:
    """Where the middle of each cell of step×step pixels lies, (x, y) in pixels: ``(2, H/step, W/step)``."""
    kind = {"dtype": like.dtype, "device": like.device}
    y, x = ((torch.arange(n // step, **kind) + 0.5) * step for n in (height, width))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))


class Recogniser(nn.Module):
    """What every network of this room has: images that it takes, classes, and how ``fit`` trains it.

    Args:
        event_shape: (C, H, W) of an image with values in [0, 1].
        classes: how many classes there are.

    Raises:
        ValueError: a size does not fit; from every verb: x is no batch of such images, or what goes with it
            (classes, labels, boxes, masks) is not what it should be.
    """

    fit_defaults: ClassVar[dict[str, object]] = {"lr": 5e-3, "epochs": 5, "batch_size": 16, "clip": 1.0}
    fit_defaults |= {"schedule": "cosine", "weight_decay": 0.02}

    def __init__(self, event_shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        who = type(self).__name__
        channels, height, width = (check_count(d, f"{who}: event_shape") for d in event_shape)
        self.event_shape = (channels, height, width)
        self.classes = check_count(classes, f"{who}: classes")

    def check(self, x: Tensor) -> Tensor:
        """Return x if it is a batch of images; else raise a ValueError."""
        like = next(self.parameters())
        return check_events(x, self.event_shape, "unit", like=like, who=type(self).__name__)


class SceneRecogniser(Recogniser):
    """A network for scenes: what it has to say, it says by the features of a backbone.

    Args:
        event_shape: (C, H, W) of an image with values in [0, 1]; H and W are multiples of 8.
        classes: how many classes there are.
        features: the channels of the backbone's grid, a multiple of 4.
    """

    def __init__(
        self, event_shape: tuple[int, int, int] = (3, 64, 64), *, classes: int = 3, features: int = 32
    ) -> None:
        super().__init__(event_shape, classes)
        self.backbone = Backbone(event_shape, features=features)

    def check_objects(self, x: Tensor, labels: Tensor, name: str, values: Tensor) -> None:
        """Raise a ValueError unless labels ``(B, K)`` and values, "boxes" or "masks" of them, fit x."""
        sides, dtype = ((4,), x.dtype) if name == "boxes" else (self.event_shape[1:], torch.bool)
        expected = (
            f"{type(self).__name__}: expected labels ({len(x)}, K), int64 from −1 to {self.classes - 1}, and "
            f"{name} ({len(x)}, K, {', '.join(map(str, sides))}), {dtype}"
        )
        good = isinstance(labels, Tensor) and isinstance(values, Tensor) and labels.dim() == 2
        shapes = good and len(labels) == len(x) and values.shape == (*labels.shape, *sides)
        if not shapes or labels.dtype != torch.int64 or values.dtype != dtype:
            raise ValueError(f"{expected}, got {described(labels)} and {described(values)}")
        if not bool(((labels >= -1) & (labels < self.classes)).all()):
            raise ValueError(f"{expected}, got labels from {labels.min()} to {labels.max()}")

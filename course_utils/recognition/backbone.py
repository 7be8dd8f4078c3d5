"""The backbone: the part that every network for scenes shares, from pixels to a grid of features."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, silu

from course_utils.checks import check_count, check_events

STRIDE = 4
COARSEST = 8
GROUPS = 4


class Residual(nn.Module):
    """x + conv(SiLU(norm(x))), one 3×3 convolution: ``(B, C, h, w)`` to the same (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, h, w)`` to ``(B, C, h, w)``."""
        return x + self.convolution(silu(self.norm(x)))


def _norm(channels: int) -> nn.GroupNorm:
    # No statistics of the batch: training and testing do the same, and one image is as good as many.
    return nn.GroupNorm(GROUPS, channels)


class Backbone(nn.Module):
    """From an image to features on a grid of cells of 4×4 pixels, each of which sees far around itself.

    One convolution takes patches of 4×4 pixels, another goes on to a grid of 8×8, where a cell sees a whole
    object at little cost; what it saw comes back up and is added to the finer grid, which knows better
    where (feature pyramid: Lin et al., *Feature Pyramid Networks for Object Detection*, CVPR
    2017). Groups of channels are normalised within each image (Wu & He, *Group Normalization*, ECCV 2018):
    a net of this kind learns several times as fast with it. Cell (i, j) of the grid covers the pixels from
    4i to 4i + 3 down and from 4j to 4j + 3 across.

    Args:
        event_shape: (C, H, W) of an image with values in [0, 1]; H and W are multiples of 8.
        features: the channels of the grid, a multiple of 4.
        deep: the channels of the coarse grid, a multiple of 4.
        blocks: residual blocks on the coarse grid.

    Shapes: x ``(B, C, H, W)`` to ``(B, features, H/4, W/4)``.

    Raises:
        ValueError: a size is not positive or not the multiple it should be; from ``check``: x is no batch
            of such images.

    >>> backbone = Backbone((3, 64, 64))
    >>> backbone(torch.rand(2, 3, 64, 64)).shape, backbone.grid, backbone.features
    (torch.Size([2, 32, 16, 16]), (16, 16), 32)
    """

    stride = STRIDE

    def __init__(
        self,
        event_shape: tuple[int, int, int] = (3, 64, 64),
        *,
        features: int = 32,
        deep: int = 40,
        blocks: int = 2,
    ) -> None:
        super().__init__()
        channels, height, width = (check_count(d, "Backbone: event_shape") for d in event_shape)
        if height % COARSEST or width % COARSEST:
            raise ValueError(f"Backbone: expected H and W as multiples of {COARSEST}, got {event_shape}")
        self.event_shape = (channels, height, width)
        self.grid = (height // STRIDE, width // STRIDE)
        for name, size in (("features", features), ("deep", deep)):
            if check_count(size, f"Backbone: {name}") % GROUPS:
                raise ValueError(f"Backbone: expected {name} as a multiple of {GROUPS}, got {size}")
        self.features = features
        self.down = nn.Sequential(nn.Conv2d(channels, features, STRIDE, stride=STRIDE), Residual(features))
        self.around = nn.Sequential(
            _norm(features),
            nn.SiLU(),
            nn.Conv2d(features, deep, 3, stride=2, padding=1),
            *[Residual(deep) for _ in range(check_count(blocks, "Backbone: blocks"))],
            _norm(deep),
            nn.SiLU(),
            nn.Conv2d(deep, features, 1),
        )
        self.norm = _norm(features)

    def check(self, x: Tensor, who: str = "Backbone") -> Tensor:
        """Return x if it is a batch of images; else raise a ValueError."""
        return check_events(x, self.event_shape, "unit", like=self.down[0].weight, who=who)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, features, H/4, W/4)``, for x that ``check`` has seen."""
        fine = self.down(4 * x - 2)
        return silu(self.norm(fine + interpolate(self.around(fine), size=self.grid)))

    def centres(self) -> Tensor:
        """Where the middle of each cell lies, (x, y) in pixels: ``(H/4, W/4, 2)``.

        >>> Backbone((3, 8, 16)).centres()[1, 3].tolist()
        [14.0, 6.0]
        """
        like = self.down[0].weight
        rows, columns = ((torch.arange(n, device=like.device) + 0.5) * STRIDE for n in self.grid)
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        return torch.stack([x, y], -1).to(like.dtype)


class Recogniser(nn.Module):
    """What every network for scenes shares: a backbone, a number of classes, the check of its input.

    Args: as those of the networks built on it.
    """

    def __init__(self, event_shape: tuple[int, int, int], classes: int, features: int) -> None:
        super().__init__()
        self.classes = check_count(classes, f"{type(self).__name__}: classes")
        self.backbone = Backbone(event_shape, features=features)

    def check(self, x: Tensor) -> Tensor:
        """Return x if it is a batch of images; else raise a ValueError."""
        return self.backbone.check(x, type(self).__name__)

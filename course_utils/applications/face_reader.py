"""What a face was drawn from, read off its pixels: the judge of generated faces."""

from functools import partial
from math import pi

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from course_utils.checks import check_count
from course_utils.datasets.faces import FACTORS, GLASSES_FROM, NAMES

SIDE = 32
HUES = ("shirt", "background")


def readable(factors: Tensor) -> Tensor:
    """Factors ``(N, 14)`` as numbers that a regression can predict, ``(N, 16)``, each in [−1, 1].

    Glasses are worn or not; a hue is a place on a circle, so two numbers.

    >>> from course_utils.datasets.faces import faces
    >>> readable(faces(3).factors).shape
    torch.Size([3, 16])
    """
    found = []
    for factor, value in zip(FACTORS, factors.unbind(1), strict=True):
        if factor.name in HUES:
            found += [(2 * pi * value).cos(), (2 * pi * value).sin()]
        elif factor.name == "glasses":
            found += [2 * (value >= GLASSES_FROM).float() - 1]
        else:
            found += [(2 * value - factor.low - factor.high) / (factor.high - factor.low)]
    return torch.stack(found, 1)


# to which factor each of the readable numbers belongs
COLUMNS = torch.tensor([k for k, name in enumerate(NAMES) for _ in range(1 + (name in HUES))])


class FaceReader(nn.Module):
    """A convolutional regression from faces to their factors: a baseline's net, here a measuring device.

    Pictures of any size are seen at 32×32. Its last hidden layer is what squared Fréchet distances between
    sets of faces are computed from: they carry no other name, since the features are the course's own.

    >>> reader = FaceReader(hidden=8)
    >>> x = torch.rand(5, 3, 64, 64)
    >>> reader(x).shape, reader.features(x).shape
    (torch.Size([5, 16]), torch.Size([5, 64]))
    """

    def __init__(self, *, hidden: int = 24) -> None:
        super().__init__()
        h = check_count(hidden, "FaceReader: hidden")
        convolution = partial(nn.Conv2d, stride=2, padding=2)
        self.body = nn.Sequential(
            convolution(3, h, 5),
            nn.SiLU(),
            convolution(h, 2 * h, 5),
            nn.SiLU(),
            convolution(2 * h, 2 * h, 5),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(2 * h * (SIDE // 8) ** 2, 64),
            nn.SiLU(),
        )
        self.last = nn.Linear(64, len(COLUMNS))

    def features(self, x: Tensor) -> Tensor:
        """The last hidden layer, ``(N, 64)``."""
        return self.body(2 * adaptive_avg_pool2d(x, SIDE) - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Readable numbers ``(N, 16)`` of pictures ``(N, 3, H, W)``."""
        return self.last(self.features(x))

    def loss(self, x: Tensor, factors: Tensor) -> Tensor:
        """The mean squared error of the readable numbers: a scalar."""
        return (self(x) - readable(factors)).square().mean()


def followed(mixed: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Which of two faces a mixture of both follows, factor by factor: 0 for a, 1 for b, ``(14,)``.

    Readings ``(N, 16)`` of N ≥ 3 mixtures are fitted by α·(reading of a) + β·(reading of b), least squares;
    |β| / (|α| + |β|) is b's share.

    Raises:
        ValueError: their shapes are not that.

    >>> a, b = torch.randn(2, 50, 16)
    >>> [round(followed(a + k * (b - a), a, b).mean().item(), 3) for k in (0.0, 0.25, 1.0)]
    [0.0, 0.25, 1.0]
    """
    if {mixed.shape, a.shape, b.shape} != {(len(mixed), len(COLUMNS))} or len(mixed) < 3:
        shapes = ", ".join(str(tuple(part.shape)) for part in (mixed, a, b))
        raise ValueError(f"followed: expected readings (N, {len(COLUMNS)}) of N ≥ 3 faces, got {shapes}")
    y, *sources = (part - part.mean(0) for part in (mixed, a, b))
    shares = []
    for k in range(len(FACTORS)):
        mine = COLUMNS == k
        both = torch.stack([source[:, mine].flatten() for source in sources], 1)
        alpha, beta = torch.linalg.lstsq(both, y[:, mine].reshape(-1, 1)).solution[:, 0].abs()
        shares.append(beta / (alpha + beta))
    return torch.stack(shares)

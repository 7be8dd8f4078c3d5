"""Photographs that come with scikit-image and scikit-learn, and small patches of them to learn from."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from course_utils.checks import check_count, check_seed

TEST, VALID = "astronaut", "coffee"  # nothing is learned from these
TRAINING = ("brick", "camera", "chelsea", "china.jpg", "coins", "flower.jpg", "grass", "gravel", "rocket")
NAMES = (TEST, VALID, *TRAINING)
LUMA = (0.299, 0.587, 0.114)  # of ITU-R BT.601: what R, G and B add to how light a colour looks
SCALES = (1.0, 0.5)


def photograph(name: str) -> Tensor:
    """A photograph in colour, ``(1, 3, H, W)`` with values in [0, 1]; of a grey one all channels agree.

    Raises:
        ValueError: there is none of this name.

    >>> photograph("astronaut").shape
    torch.Size([1, 3, 512, 512])
    """
    if name not in NAMES:
        raise ValueError(f"photograph: expected one of {', '.join(NAMES)}, got {name!r}")
    if name.endswith(".jpg"):
        from sklearn.datasets import load_sample_image  # costs a second: only who asks pays

        pixels = load_sample_image(name)
    else:
        from skimage import data

        pixels = getattr(data, name)()
    values = torch.tensor(pixels).float().div_(255)
    return values.expand(3, -1, -1)[None] if values.dim() == 2 else values.movedim(2, 0)[None]


def luma(x: Tensor) -> Tensor:
    """How light each pixel looks, 0.299 R + 0.587 G + 0.114 B: ``(N, 3, H, W)`` to ``(N, 1, H, W)``.

    Grey images ``(N, 1, H, W)`` stay as they are.

    >>> luma(torch.ones(1, 3, 1, 2)).tolist()
    [[[[1.0, 1.0]]]]
    """
    if x.shape[1] == 1:
        return x
    red, green, blue = LUMA
    return red * x[:, :1] + green * x[:, 1:2] + blue * x[:, 2:]


def patches(n: int, side: int, *, names: Sequence[str] = TRAINING, seed: int = 0) -> Tensor:
    """Grey squares cut out of photographs, ``(n, 1, side, side)`` with values in [0, 1].

    Each photograph, at full and at half size, gives equally many. Each square is the one of two random ones
    with more contrast: a clear sky teaches little.

    Raises:
        ValueError: n or side is no positive integer, side is more than 150, a name or the seed is none.

    >>> patches(5, 48).shape
    torch.Size([5, 1, 48, 48])
    """
    if check_count(side, "patches: side") > 150:
        raise ValueError(f"patches: expected a side of at most 150, got {side}")
    generator = torch.Generator().manual_seed(check_seed(seed, "patches"))
    sources = [
        interpolate(luma(photograph(name)), scale_factor=scale, mode="bicubic", antialias=True)[0, 0]
        for name in names
        for scale in SCALES
    ]
    counts = torch.arange(check_count(n, "patches: n") + len(sources) - 1, n - 1, -1) // len(sources)
    cut = [_two_each(x, int(count), side, generator) for x, count in zip(sources, counts, strict=True)]
    pairs = torch.cat(cut)
    best = pairs.flatten(2).std(2).argmax(1)
    found = pairs[torch.arange(n), best][torch.randperm(n, generator=generator)]
    return found[:, None].clamp_(0, 1)


def _two_each(x: Tensor, n: int, side: int, generator: torch.Generator) -> Tensor:
    """n pairs of random squares of a picture ``(H, W)``: ``(n, 2, side, side)``."""
    squares = x.unfold(0, side, 1).unfold(1, side, 1)
    down, across = (torch.randint(end, (n, 2), generator=generator) for end in squares.shape[:2])
    return squares[down, across]

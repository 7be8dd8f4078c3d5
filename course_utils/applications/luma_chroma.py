"""A colour picture as what a grey one shows, its luma, and what it lacks, its chroma; and its outlines."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from course_utils.datasets import photographs

RED, GREEN, BLUE = photographs.LUMA
FAINT, CLEAR = 0.04, 0.12  # differences of neighbouring pixels that are no outline, and that are one


def luma(x: Tensor) -> Tensor:
    """The grey picture, Y = 0.299 R + 0.587 G + 0.114 B: ``(N, 3, H, W)`` to ``(N, 1, H, W)``."""
    return photographs.luma(x).clamp(max=1)  # white is 1, not a bit more


def chroma(x: Tensor) -> Tensor:
    """What is lost in grey: (B − Y)/1.772 and (R − Y)/1.402, each in [−½, ½]: ``(N, 2, H, W)``."""
    y = luma(x)
    return torch.cat([(x[:, 2:] - y) / 1.772, (x[:, :1] - y) / 1.402], 1)


def rgb(y: Tensor, c: Tensor) -> Tensor:
    """The colour picture of a luma in [0, 1] and a chroma: ``(N, 1, H, W)`` and ``(N, 2, H, W)`` to RGB.

    Where that colour is no mixture of red, green and blue light, it is moved towards grey until it is: luma
    and hue stay as they are.

    >>> x = rgb(torch.full((1, 1, 1, 1), 0.5), torch.tensor([0.4, 0.0]).view(1, 2, 1, 1))
    >>> [round(value, 2) for value in x.flatten().tolist()], round(luma(x).item(), 3)
    ([0.5, 0.4, 1.0], 0.5)
    """
    blue, red = 1.772 * c[:, :1], 1.402 * c[:, 1:]
    away = torch.cat([red, -(RED * red + BLUE * blue) / GREEN, blue], 1)
    room = torch.where(away > 0, 1 - y, y) / away.abs().clamp_min(1e-9)
    return (y + away * room.amin(1, keepdim=True).clamp(max=1)).clamp(0, 1)


def saturation(x: Tensor) -> Tensor:
    """How far each pixel is from grey, the length of its chroma: ``(N, 3, H, W)`` to ``(N, 1, H, W)``."""
    return chroma(x).square().sum(1, keepdim=True).sqrt()  # a norm over two channels is far slower


def sketch(x: Tensor) -> Tensor:
    """The outlines of colour pictures, 1 for ink and 0 for paper: ``(N, 3, H, W)`` to ``(N, 1, H, W)``.

    A pixel gets ink where it differs from its right or lower neighbour in any of red, green and blue.
    """
    right, down = pad(x, (0, 1, 0, 0), "replicate"), pad(x, (0, 0, 0, 1), "replicate")
    step = torch.maximum((right[..., 1:] - x).abs(), (down[..., 1:, :] - x).abs()).amax(1, keepdim=True)
    return ((step - FAINT) / (CLEAR - FAINT)).clamp(0, 1)

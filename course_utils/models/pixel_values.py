"""What the networks over pixels say: logits of black and white or of grey levels, read, scored and drawn.

Logits are ``(…, K)``: K = 1, the log-odds of white, for 2 levels; else K = L, one for each level.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.checks import check_count

LARGEST = 256


def check_pixels(event_shape: tuple[int, ...], levels: int, who: str) -> int:
    """Return the number of logits a pixel, for images (C, H, W) with this number of levels.

    Raises:
        ValueError: the events are no images, or levels is no number from 2 to 256.
    """
    if len(event_shape) != 3:
        raise ValueError(f"{who}: expected event_shape as (C, H, W), got {event_shape!r}")
    if not 2 <= check_count(levels, f"{who}: levels") <= LARGEST:
        raise ValueError(f"{who}: expected levels from 2 to {LARGEST}, got {levels}")
    return 1 if levels == 2 else levels


def arrange(maps: Tensor, colours: int) -> Tensor:
    """Logits of every pixel from the maps of a network: ``(B, C·K, H, W)`` to ``(B, C, H, W, K)``."""
    return maps.unflatten(1, (colours, -1)).movedim(2, -1)


def log_prob(logits: Tensor, x: Tensor) -> Tensor:
    """The sum over pixels of log p(x_i) in nats: ``(B, C, H, W, K)`` and ``(B, C, H, W)`` to ``(B,)``."""
    levels = logits.shape[-1]
    if levels == 1:
        nats = F.binary_cross_entropy_with_logits(logits[..., 0], x, reduction="none")
    else:
        grey = (x * (levels - 1)).round().long()
        nats = F.cross_entropy(logits.movedim(-1, 1), grey, reduction="none")
    return -nats.flatten(1).sum(1)


def probabilities(logits: Tensor) -> Tensor:
    """p(white) for 2 levels, ``(…, 1)`` to ``(…)``; else p(each level), ``(…, L)``."""
    return torch.sigmoid(logits[..., 0]) if logits.shape[-1] == 1 else logits.softmax(-1)


def choose(logits: Tensor, u: Tensor, temperature: float) -> Tensor:
    """The values that uniform numbers choose: ``(…, K)`` and ``(…)`` to ``(…)``, in [0, 1].

    >>> choose(torch.zeros(3, 3), torch.tensor([0.2, 0.5, 0.9]), 1.0).tolist()
    [0.0, 0.5, 1.0]
    """
    logits, levels = logits / temperature, logits.shape[-1]
    if levels == 1:
        return (u < torch.sigmoid(logits[..., 0])).to(u.dtype)
    below = (logits.softmax(-1).cumsum(-1) <= u[..., None]).sum(-1)
    return below.clamp_max(levels - 1).to(u.dtype) / (levels - 1)


def raster(event_shape: tuple[int, ...], device: torch.device) -> Tensor:
    """The places of the flattened image in raster order, the colours of a pixel one after another.

    >>> raster((3, 1, 2), torch.device("cpu")).tolist()
    [0, 2, 4, 1, 3, 5]
    """
    colours, height, width = event_shape
    return torch.arange(colours * height * width, device=device).view(colours, -1).T.flatten()

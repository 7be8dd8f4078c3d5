"""The explorers of notebook 14: images blend by latent variables and by pixels, samples at a temperature."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.explorers.engine import Explorer, picture, slider
from course_utils.explorers.generative_models import temperature
from course_utils.models import NICE, Glow, RealNVP

__all__ = ["interpolation", "temperature"]


def interpolation(model: NICE | RealNVP | Glow, x: Tensor) -> Explorer:
    """Between two images: a straight line of latent variables decoded, beside a straight line of pixels.

    Args:
        model: a flow of images.
        x: images of the model, ``(2N, C, H, W)``: N pairs, one after the other.

    Raises:
        ValueError: the number of images is odd or below 4, or they are no batch of the model.
    """
    if len(model.check(x)) % 2 or len(x) < 4:
        raise ValueError(f"interpolation: expected an even number of images, at least 4, got {len(x)}")
    with torch.no_grad():
        z = model.encode(x)[0]
    return Explorer(
        partial(draw_interpolation, partial(blend, model, x, z), cache(partial(strips, model, x, z))),
        title="Between two images, by latent variables and by pixels",
        size=(9, 4.4),
        frame=frame_interpolation,
        t=slider(0.0, 1.0, value=0.5, step=0.05, tooltip="How far from the first image to the second"),
        pair=slider(1, len(x) // 2, value=1, tooltip="Which two images"),
    )


def frame_interpolation(figure: Figure) -> None:
    """On either side a place for an image and, below, for the way there."""
    for left in (0.01, 0.51):
        for place in ((left + 0.1, 0.26, 0.28, 0.62), (left, 0.02, 0.48, 0.2)):
            figure.add_axes(place).set_axis_off()


@torch.no_grad()
def blend(
    model: NICE | RealNVP | Glow, x: Tensor, z: Tensor, pair: int, times: Tensor
) -> tuple[Tensor, Tensor]:
    """The images at these times between the two of a pair: by latent variables, and by pixels."""
    first, second = 2 * pair - 2, 2 * pair - 1
    t = times.to(x).view(-1, *[1] * (x.dim() - 1))
    decoded = model.decode(torch.lerp(z[[first]], z[[second]], t))
    return decoded.cpu(), torch.lerp(x[[first]], x[[second]], t).cpu()


def strips(model: NICE | RealNVP | Glow, x: Tensor, z: Tensor, pair: int) -> list[np.ndarray]:
    """The way between the two images of a pair in nine steps, as pictures: by latent variables, by pixels."""
    return [picture(way, 9) for way in blend(model, x, z, pair, torch.linspace(0, 1, 9))]


def draw_interpolation(
    blend: Callable[[int, Tensor], tuple[Tensor, Tensor]],
    strips: Callable[[int], list[np.ndarray]],
    figure: Figure,
    *,
    t: float,
    pair: int,
) -> None:
    """Draw both blends at t over the way there, which is the same for every t."""
    names = ("latent variables", "pixels")
    for k, (name, x, strip) in enumerate(
        zip(names, blend(pair, torch.tensor([t])), strips(pair), strict=True)
    ):
        big, below = figure.axes[2 * k : 2 * k + 2]
        big.imshow(picture(x), interpolation="nearest")
        big.set_title(f"by {name}, t = {t:.2f}")
        below.imshow(strip, interpolation="nearest")

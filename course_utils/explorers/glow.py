"""The explorers of notebook 14: images blend by latent variables and by pixels, samples at a temperature."""

from functools import cache

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.explorers.engine import Explorer, bare, picture, slider
from course_utils.explorers.generative_models import temperature
from course_utils.models import NICE, Glow, RealNVP

__all__ = ["interpolation", "temperature"]

PLACES = (0.11, 0.26, 0.28, 0.62), (0.01, 0.02, 0.48, 0.2), (0.61, 0.26, 0.28, 0.62), (0.51, 0.02, 0.48, 0.2)
STRIP = 7  # images of the whole way: each is wide enough to be read


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

    @cache
    @torch.no_grad()
    def blends(pair: int, *times: float) -> list[np.ndarray]:
        a, b = [2 * pair - 2], [2 * pair - 1]
        t = torch.tensor(times).to(x).view(-1, *[1] * (x.dim() - 1))
        ways = model.decode(torch.lerp(z[a], z[b], t)), torch.lerp(x[a], x[b], t)
        return [picture(way, len(times)) for way in ways]

    def draw(figure: Figure, *, t: float, pair: int) -> None:
        strips = blends(pair, *torch.linspace(0, 1, STRIP).tolist())
        for k, (image, strip) in enumerate(zip(blends(pair, t), strips, strict=True)):
            large, below = figure.axes[2 * k : 2 * k + 2]
            large.imshow(image, interpolation="nearest")
            large.set_title(f"by {('latent variables', 'pixels')[k]}, t = {t:.2f}")
            below.imshow(strip, interpolation="nearest")

    return Explorer(
        draw,
        frame=bare(*PLACES),
        title="Between two images, by latent variables and by pixels",
        size=(9, 4.4),
        t=slider(0.0, 1.0, value=0.5, step=0.05, tooltip="How far from the first image to the second"),
        pair=slider(1, len(x) // 2, value=1, tooltip="Which two images"),
    )

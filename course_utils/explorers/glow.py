"""The explorers of notebook 14: images blend by latent variables and by pixels, samples at a temperature."""

from functools import partial

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.explorers.engine import Explorer, slider
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
        partial(draw_interpolation, model, x, z),
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
def draw_interpolation(
    model: NICE | RealNVP | Glow, x: Tensor, z: Tensor, figure: Figure, *, t: float, pair: int
) -> None:
    """Draw both blends at t over the way there in nine steps."""
    first, second = 2 * pair - 2, 2 * pair - 1
    times = torch.tensor([t, *torch.linspace(0, 1, 9).tolist()]).to(x).view(-1, *[1] * (x.dim() - 1))
    decoded = model.decode(torch.lerp(z[[first]], z[[second]], times)).cpu()
    blended = torch.lerp(x[[first]], x[[second]], times).cpu()
    for k, (name, way) in enumerate((("latent variables", decoded), ("pixels", blended))):
        big, below = figure.axes[2 * k : 2 * k + 2]
        plots.images(way[:1], title=f"by {name}, t = {t:.2f}", ax=big)
        plots.images(way[1:], columns=9, ax=below)

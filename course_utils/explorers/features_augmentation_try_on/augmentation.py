"""Warping by hand: a new image for nothing, as long as it keeps its class."""

from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.applications.augmentation import warp
from course_utils.explorers.engine import Explorer, slider

COPIES = 2


def warps(x: Tensor, reads: Callable[[Tensor], Tensor]) -> Explorer:
    """Images in the first row, warped copies of each below, over which stands what a classifier reads.

    Args:
        x: up to 12 images with one channel, ``(n, 1, H, W)``.
        reads: the class that a trained classifier gives to images ``(N, 1, H, W)``, ``(N,)``.

    Raises:
        ValueError: there are no such images.
    """
    if x.dim() != 4 or not 1 <= len(x) <= 12 or x.shape[1] != 1:
        raise ValueError(f"warps: expected 1 to 12 images (n, 1, H, W), got {tuple(x.shape)}")
    n, truth = len(x), reads(x)

    def draw(figure: Figure, *, turn: int, shift: int, stretch: float, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        sizes = {"turn": float(turn), "shift": float(shift), "stretch": stretch}
        copies = warp(x.repeat(COPIES, 1, 1, 1), **sizes, generator=generator).clamp(0, 1)
        found = reads(copies)
        share = 100 * (found == truth.repeat(COPIES)).double().mean()
        texts = [*map(str, truth.tolist()), *(str(k) if k < 10 else "none" for k in found.tolist())]
        title = f"{share:.0f} % of the warped copies are read as what they were"
        plots.images(torch.cat([x, copies]), labels=texts, columns=n, title=title, ax=figure.axes[0])

    return Explorer(
        draw,
        title="Digits, copies of them warped at random, and what a classifier reads in each",
        size=(9, 3.4),
        frame=lambda figure: figure.add_axes((0.01, 0.01, 0.98, 0.9)).set_axis_off(),
        turn=slider(0, 180, value=10, step=5, tooltip="The largest angle, in degrees"),
        shift=slider(0, 10, value=2, tooltip="The largest shift along each axis, in pixels"),
        stretch=slider(
            0.0, 0.8, value=0.1, step=0.05, tooltip="By how much an axis may be longer or shorter"
        ),
        seed=slider(0, 20, value=0, tooltip="Which warps are drawn"),
    )

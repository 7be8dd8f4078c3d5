"""Where pixels point: lines over an image."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from torch import Tensor

from course_utils.plots.canvas import array, axes
from course_utils.plots.scenes import MARKS


def pointing(x: Tensor, starts: Tensor, ends: Tensor, groups: Tensor, ax: Axes | None = None) -> Axes:
    """Show where some pixels of an image point: a line from each, with a dot at its end.

    Args:
        x: ``(3, H, W)``, values in [0, 1].
        starts: (across, down) in pixels, 0 being the left or upper edge of the image: ``(n, 2)``.
        ends: where each points to, in the same way, ``(n, 2)``.
        groups: whole numbers from 0, ``(n,)``: each group has its colour.
        ax: where to draw.

    Raises:
        ValueError: x is no image, or starts and ends are not as many points.
    """
    image = array(x, "pointing", "(3, H, W)", 3)
    start, end = array(starts, "pointing: starts", "(n, 2)", 2), array(ends, "pointing: ends", "(n, 2)", 2)
    if len(image) != 3 or image.min() < 0 or image.max() > 1:
        got = f"{len(image)} channels in [{image.min():.4g}, {image.max():.4g}]"
        raise ValueError(f"pointing: expected 3 channels with values in [0, 1], got {got}")
    group = array(groups, "pointing: groups", "(n,)", 1)
    if start.shape != end.shape or start.shape[1] != 2 or len(group) != len(start):
        got = ", ".join(str(part.shape) for part in (start, end, group))
        raise ValueError(f"pointing: expected starts and ends (n, 2) and groups (n,), got {got}")
    height, width = image.shape[1:]
    with axes(ax, (2.8, 0.1 + 2.7 * height / width)) as ax:
        shown = (255 * image.transpose(1, 2, 0)).round().astype(np.uint8)
        ax.imshow(shown, interpolation="nearest", extent=(0, width, height, 0))
        lines = np.stack([start, end], 1)
        hues = [MARKS[int(k) % len(MARKS)] for k in group]
        for edges in ({"colors": "white", "linewidths": 3}, {"colors": hues, "linewidths": 1.5}):
            ax.add_collection(LineCollection(lines, **edges), autolim=False)
        ax.scatter(*end.T, s=36, c=hues, edgecolors="white", linewidths=0.8, zorder=3)
        ax.set(xlim=(0, width), ylim=(height, 0))
        ax.set_axis_off()
    return ax

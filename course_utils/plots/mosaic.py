"""Batches of images as one picture."""

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from course_utils.plots.canvas import FRAME, array, axes


def images(
    x: Tensor,
    *,
    columns: int | None = None,
    title: str | None = None,
    labels: Sequence[object] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Show a batch of images as one mosaic, row by row, with every pixel crisp.

    Args:
        x: ``(N, C, H, W)`` with C = 1 (grey) or 3 (colour), or ``(N, H, W)``; values in [0, 1].
        columns: how many images stand in a row; None: all of them up to 12, else as many as rows.
        title: over the whole.
        labels: a text over each image.
        ax: where to draw.

    Raises:
        ValueError: another shape, values outside [0, 1], or not one label an image.
    """
    tiles = array(x, "images", "(N, C, H, W) or (N, H, W)", 3, 4)
    tiles = tiles[:, None] if tiles.ndim == 3 else tiles
    n, channels, height, width = tiles.shape
    if channels not in (1, 3):
        raise ValueError(f"images: expected 1 channel (grey) or 3 (colour), got {channels}")
    if tiles.min() < 0 or tiles.max() > 1:
        raise ValueError(f"images: expected values in [0, 1], got [{tiles.min():.4g}, {tiles.max():.4g}]")
    if labels is not None and len(labels) != n:
        raise ValueError(f"images: expected {n} labels, one an image, got {len(labels)}")
    if columns is not None and (not isinstance(columns, int) or isinstance(columns, bool) or columns < 1):
        raise ValueError(f"images: expected columns as a positive integer, got {columns!r}")
    columns = min(n, columns or (n if n <= 12 else ceil(sqrt(n))))
    zoom = max(1, ceil(48 / max(height, width)))
    line = max(1, round(zoom * max(height, width) / 40))
    strip = 0 if labels is None else ceil(0.3 * zoom * height)
    step_y, step_x = zoom * height + line + strip, zoom * width + line
    rows = ceil(n / columns)
    mosaic = np.ones((rows * step_y + line, columns * step_x + line, 3))
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * step_y + strip, (i % columns) * step_x
        mosaic[top : top + zoom * height + 2 * line, left : left + zoom * width + 2 * line] = FRAME
        pixels = tile.repeat(zoom, 1).repeat(zoom, 2).transpose(1, 2, 0)
        mosaic[top + line :, left + line :][: zoom * height, : zoom * width] = pixels
    inches = min(1.0 if labels is not None else 0.8, 9 / columns)
    size = (columns * inches + 0.2, rows * inches * step_y / step_x + (0.6 if title else 0.2))
    with axes(ax, size) as ax:
        ax.imshow(mosaic, interpolation="nearest")
        ax.set_axis_off()
        for i, label in enumerate(labels or ()):
            x_mid = (i % columns) * step_x + step_x / 2
            ax.text(
                x_mid, (i // columns) * step_y + strip - line, str(label), ha="center", va="bottom", size=12
            )
        if title is not None:
            ax.set_title(title)
    return ax

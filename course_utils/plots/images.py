"""Batches of images as one picture."""

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from course_utils.plots.canvas import FRAME, array, axes, figure_of

LETTER = 0.27  # inches of height that a line of letters takes


def images(
    x: Tensor,
    *,
    columns: int | None = None,
    title: str | None = None,
    labels: Sequence[object] | Tensor | None = None,
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
    across = min(n, columns or (n if n <= 12 else ceil(sqrt(n))))
    rows = ceil(n / across)
    texts = [str(label) for label in (labels.tolist() if isinstance(labels, Tensor) else labels or ())]
    inches = max(1.0 if texts else 0.8, 0.1 + 0.11 * max(map(len, texts), default=0))
    inches = min(inches, 9 / across)
    heading = (LETTER * rows if texts else 0) + (0.4 if title else 0) + 0.1
    with axes(ax, (across * inches + 0.1, rows * inches * height / width + heading)) as ax:
        strip = strip_share(ax, rows, across, height / width) if texts else 0
        mosaic, corners = compose(tiles, across, strip)
        ax.imshow(mosaic, interpolation="nearest")
        ax.set_axis_off()
        name_tiles(ax, texts, corners)
        if title is not None:
            ax.set_title(title)
    return ax


def name_tiles(ax: Axes, texts: Sequence[str], corners: list[tuple[float, float, float]]) -> None:
    """Write a text over each tile of a mosaic."""
    for text, (left, right, top) in zip(texts, corners, strict=False):
        middle = ((left + right) / 2, top)
        ax.annotate(text, middle, (0, 3), textcoords="offset points", ha="center", va="bottom", size=12)


def strip_share(ax: Axes, rows: int, columns: int, shape: float) -> float:
    """The height of a line of letters over each image, as a share of the image's width on these axes."""
    box, dpi = ax.get_window_extent(), figure_of(ax).dpi
    wide, high = box.width / dpi, box.height / dpi
    tile = min(wide / columns, max(high / rows - LETTER, 0.1) / shape)
    return LETTER / tile


def compose(
    tiles: np.ndarray, columns: int, strip: float
) -> tuple[np.ndarray, list[tuple[float, float, float]]]:
    """One picture of all tiles with thin lines between them.

    Args:
        tiles: ``(N, C, H, W)`` with C of 1 or 3.
        columns: how many stand in a row.
        strip: the height of the white strip over each tile, as a share of its width.

    Returns:
        the picture ``(height, width, 3)``, in which every pixel of a tile is a square of the same size;
        and the left, right and upper edge of every tile.
    """
    n, _, height, width = tiles.shape
    zoom = max(1, ceil(48 / max(height, width)))
    line = max(1, round(zoom * max(height, width) / 40))
    high, wide, above = zoom * height + line, zoom * width + line, ceil(strip * zoom * width)
    rows = ceil(n / columns)
    mosaic = np.ones((rows * (high + above) + line, columns * wide + line, 3))
    corners = []
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * (high + above) + above, (i % columns) * wide
        mosaic[top : top + high + line, left : left + wide + line] = FRAME
        pixels = tile.repeat(zoom, 1).repeat(zoom, 2).transpose(1, 2, 0)
        mosaic[top + line : top + high, left + line : left + wide] = pixels
        corners.append((left, left + wide, top))
    return mosaic, corners

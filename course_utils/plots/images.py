"""Batches of images as one picture."""

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation, Transform
from torch import Tensor

from course_utils.plots.canvas import FRAME, array, axes, figure_of
from course_utils.plots.description import describe

LETTER = 0.27  # inches of height that a line of letters takes
WIDTH = 0.11  # inches that a letter takes on average
SIZE = 13  # points, of names
WIDEST, SMALLEST = 10.0, 0.56  # inches: of a whole picture, and of an image (40 pixels of a screen)
PHOTOGRAPH, FINEST = 96, 48  # pixels across from which on an image is a photograph; those on an inch of one


def images(
    x: Tensor,
    *,
    columns: int | Sequence[str] | None = None,
    rows: Sequence[str] | None = None,
    title: str | None = None,
    labels: Sequence[object] | Tensor | None = None,
    ink: bool = True,
    inches: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Show a batch of images as one mosaic, row by row, with every pixel crisp.

    Images of one channel are drawn as ink on white: 0 is white, 1 is black. So small digits can be read.

    Args:
        x: ``(N, C, H, W)`` with C = 1 (grey) or 3 (colour), or ``(N, H, W)``; values in [0, 1].
        columns: how many images stand in a row, or a name over each column. None: as many as the rows need
            or, without names, all of them up to 12, else as many as rows.
        rows: a name left of each row.
        title: over the whole.
        labels: a text over each image.
        ink: False for photographs: of one channel too, 1 is white.
        inches: how wide an image is, as far as there is room; None: as names and digits need it.
        ax: where to draw.

    Raises:
        ValueError: another shape, values outside [0, 1], or names that do not fit the number of images.
    """
    tiles = _tiles(x)
    n, channels, height, width = tiles.shape
    if labels is not None and len(labels) != n:
        raise ValueError(f"images: expected {n} labels, one an image, got {len(labels)}")
    across, down = _grid(n, columns, rows)
    over = [str(label) for label in (labels.tolist() if isinstance(labels, Tensor) else labels or ())]
    heads = [] if isinstance(columns, int | None) else list(columns)
    names = list(rows or ())
    above = LETTER * max((1 + head.count("\n") for head in heads), default=0)
    heading = (LETTER * down if over else 0) + above + (0.4 if title else 0) + 0.1
    margin = 0.1 + _wide(names) if names else 0.0
    inches = _inches(width, (WIDEST - margin) / across, over, heads, inches)
    size = across * inches + 0.1 + margin, down * inches * height / width + heading
    with axes(ax, size) as ax:
        strip = strip_share(ax, down, across, height / width) if over else 0
        mosaic, corners = compose(ink_on_white(tiles) if ink else tiles, across, strip)
        ax.imshow(mosaic, interpolation="nearest")
        ax.set_axis_off()
        name_tiles(ax, over or heads, corners)
        step = mosaic.shape[0] / down
        for i, name in enumerate(names):
            middle = (i + 1) * step - (step - ceil(strip * corners[0][1])) / 2
            ax.text(0, middle, name, ha="right", va="center", size=SIZE, transform=shifted(ax, -6, 0))
        if title is not None:
            ax.set_title(title, pad=6 + 72 * above)
        grid = f"{n} images" if down == 1 else f"{down} rows of {across} images"
        what = "in colour" if channels == 3 else "dark ink on white" if ink else "grey"
        said = f"{'An image' if n == 1 else grid} of {height}×{width} pixels, {what}"
        describe(ax, said + _named({"over them": over, "columns": heads, "rows": names}) + ".")
    return ax


def _tiles(x: Tensor) -> np.ndarray:
    """The images ``(N, C, H, W)``, if they are such."""
    tiles = array(x, "images", "(N, C, H, W) or (N, H, W)", 3, 4)
    tiles = tiles[:, None] if tiles.ndim == 3 else tiles
    if tiles.shape[1] not in (1, 3):
        raise ValueError(f"images: expected 1 channel (grey) or 3 (colour), got {tiles.shape[1]}")
    if tiles.min() < 0 or tiles.max() > 1:
        raise ValueError(f"images: expected values in [0, 1], got [{tiles.min():.4g}, {tiles.max():.4g}]")
    return tiles


def _named(texts: dict[str, list[str]]) -> str:
    """Texts in a picture, each kind of them in one line."""
    each = {kind: ", ".join(" ".join(text.split()) for text in some) for kind, some in texts.items() if some}
    return "".join(f"; {kind}: {words}" for kind, words in each.items())


def _wide(texts: Sequence[str]) -> float:
    """About how many inches wide the longest line of some texts is."""
    return WIDTH * max((len(line) for text in texts for line in text.split("\n")), default=0)


def _inches(width: int, share: float, over: list[str], heads: list[str], wanted: float | None) -> float:
    """How wide an image of so many pixels is, with these texts above, if it may have a share of the whole."""
    finest = min(width / FINEST, share) if width >= PHOTOGRAPH else 0.0
    least = max(min(max(1.0 if over else 0.8, 0.1 + _wide(over + heads)), share), finest)
    return max(least if wanted is None else min(wanted, share), SMALLEST)


def _grid(n: int, columns: int | Sequence[str] | None, rows: Sequence[str] | None) -> tuple[int, int]:
    """How many images stand in a row, and how many rows there are."""
    if isinstance(columns, str) or isinstance(rows, str):
        raise ValueError("images: expected a list of names, got a single text")
    if columns is None:
        across = ceil(n / len(rows)) if rows else n if n <= 12 else ceil(sqrt(n))
    else:
        across = len(columns) if isinstance(columns, Sequence) else columns
    if not isinstance(across, int) or isinstance(across, bool) or across < 1:
        raise ValueError(f"images: expected columns as a positive integer, or as names, got {columns!r}")
    named = isinstance(columns, Sequence)
    across = across if named or rows else min(n, across)
    down = ceil(n / across)
    if (named and n < across) or (rows is not None and len(rows) != down):
        got = f"{len(rows) if rows is not None else down} rows of {across}"
        raise ValueError(f"images: expected names for the rows and columns of {n} images, got {got}")
    return across, down


def ink_on_white(tiles: np.ndarray) -> np.ndarray:
    """Images ``(N, C, H, W)`` as they are drawn: where they have one channel, 1 is black."""
    return 1 - tiles if tiles.shape[1] == 1 else tiles


def name_tiles(ax: Axes, texts: Sequence[str], corners: list[tuple[float, float, float]]) -> None:
    """Write a text over each tile of a mosaic."""
    look = {"ha": "center", "va": "bottom", "size": SIZE, "transform": shifted(ax, 0, 3)}
    for text, (left, right, top) in zip(texts, corners, strict=False):
        ax.text((left + right) / 2, top, text, **look)


def shifted(ax: Axes, right: float, up: float) -> Transform:
    """Places among the data, moved by so many points; a text there is drawn faster than an annotation."""
    return ax.transData + ScaledTranslation(right / 72, up / 72, figure_of(ax).dpi_scale_trans)


def strip_share(ax: Axes, rows: int, columns: int, shape: float) -> float:
    """The height of a line of letters over each image, as a share of the image's width on these axes."""
    box, dpi = ax.get_window_extent(), figure_of(ax).dpi
    wide, high = box.width / dpi, box.height / dpi
    tile = min(wide / columns, max(high / rows - LETTER, 0.1) / shape)
    return LETTER / tile


def compose(
    tiles: np.ndarray, columns: int, strip: float
) -> tuple[np.ndarray, list[tuple[float, float, float]]]:
    """One picture ``(height, width, 3)`` of tiles ``(N, C, H, W)``, and the left, right, upper edge of each.

    Grey gutters part them, and every pixel is a square of the same size. ``strip`` is the height of the white
    strip over each tile, as a share of its width.
    """
    n, _, height, width = tiles.shape
    zoom = max(1, ceil(48 / max(height, width)))
    side = max(height, width)
    line = max(2, round(zoom * side / (12 if side <= 16 else 32)))  # small images run into each other sooner
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

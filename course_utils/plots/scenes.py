"""Scenes with what is said about them: boxes, masks and names drawn over the image."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from torch import Tensor

from course_utils.datasets.animals import ANIMALS
from course_utils.plots.canvas import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, array, axes
from course_utils.plots.mosaic import LETTER, compose, strip_share
from course_utils.plots.things import Thing, by_scene

MARKS = (VERMILLION, BLUE, PURPLE, ORANGE, SKY, GREEN, BLACK)
LEVELS = 24  # of each colour: enough for the eye, and a notebook stores a third less
TINT = 0.5  # how much of a mask's colour covers its pixels
SIZE = 12  # points, of letters
DARK = 1.6  # the sum of a colour's parts below which letters on it are white
HIGH = 1.3  # of a line of letters, in parts of their size


def scenes(
    x: Tensor,
    *,
    labels: Tensor,
    boxes: Tensor | None = None,
    masks: Tensor | None = None,
    scores: Tensor | None = None,
    scene: Tensor | None = None,
    names: Sequence[str] = ANIMALS,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Show scenes with the objects on them, or with those that a network says there are.

    Boxes have a colour for each class. Masks have one for each object of a scene, so that two of one class
    can be told apart. An empty box or mask is not drawn; an object without either is named in a corner.
    Names for which there is no room are left out, those of the lowest scores first.

    Args:
        x: ``(N, 3, H, W)``, values in [0, 1].
        labels: the class of each object. One a scene: ``(N,)``. Up to K a scene: ``(N, K)``, −1 where there
            is none. A list of M objects, several for one scene and none for another: ``(M,)`` with ``scene``.
        boxes: (left, top, right, bottom) in pixels, in the shape of labels and 4.
        masks: the pixels of each object, bool, in the shape of labels and H, W.
        scores: to write after the names, in the shape of labels.
        scene: the row in x of each object, ``(M,)``.
        names: of the classes; an empty one is not written.
        titles: a text over each scene.
        columns: how many scenes stand in a row; None: all of them up to 6.
        ax: where to draw.

    Raises:
        ValueError: x holds no images, the parts do not fit together, or a class has no name.
    """
    tiles = array(x, "scenes", "(N, 3, H, W)", 4)
    n, channels, height, width = tiles.shape
    if channels != 3 or tiles.min() < 0 or tiles.max() > 1:
        got = f"{channels} channels in [{tiles.min():.4g}, {tiles.max():.4g}]"
        raise ValueError(f"scenes: expected 3 channels with values in [0, 1], got {got}")
    if titles is not None and len(titles) != n:
        raise ValueError(f"scenes: expected {n} titles, one a scene, got {len(titles)}")
    things = by_scene(n, (height, width), len(names), labels, boxes, masks, scores, scene)
    columns = min(n, columns or 6)
    rows = -(-n // columns)
    inches = min(1.7, 9 / columns)
    heading = LETTER * rows if titles else 0
    with axes(ax, (columns * inches + 0.1, rows * inches * height / width + heading + 0.1)) as ax:
        tiles = (LEVELS * tiles).round() / LEVELS
        for tile, mine in zip(tiles, things, strict=True):
            for i, thing in enumerate(mine):
                _tint(tile, thing.mask, to_rgb(MARKS[i % len(MARKS)]))
        strip = strip_share(ax, rows, columns, height / width) if titles else 0
        mosaic, corners = compose(tiles, columns, strip)
        ax.imshow((255 * mosaic).round().astype(np.uint8), interpolation="nearest")
        ax.set_axis_off()
        zoom, line = _scale(mosaic, corners, columns, width)
        point = _point(ax, mosaic) / zoom
        marks = Marks([], [], [])
        for (left, _, top), mine in zip(corners, things, strict=True):
            origin = np.array([left + line - 0.5, top + line - 0.5])
            _mark(marks, mine, names, origin, zoom, (height, width), point)
        _draw(ax, marks)
        for text, (left, right, top) in zip(titles or (), corners, strict=False):
            place = {"textcoords": "offset points", "ha": "center", "va": "bottom", "size": SIZE}
            ax.annotate(text, ((left + right) / 2, top), (0, 3), **place)
    return ax


def _tint(tile: np.ndarray, mask: np.ndarray | None, colour: tuple[float, float, float]) -> None:
    """Cover the pixels of a mask with a colour, in place: half inside, full at the edge."""
    if mask is None:
        return
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    hue = np.array(colour)[:, None]
    tile[:, mask] = (1 - TINT) * tile[:, mask] + TINT * hue
    tile[:, mask & ~inside] = hue


class Marks(NamedTuple):
    """What stands over the scenes: outlines and tags as (corners (4, 2), colour), and names in the tags."""

    outlines: list[tuple[np.ndarray, str]]
    tags: list[tuple[np.ndarray, str]]
    texts: list[tuple[np.ndarray, str, str]]


def _scale(
    mosaic: np.ndarray, corners: list[tuple[float, float, float]], columns: int, width: int
) -> tuple[float, int]:
    """How many pixels of the mosaic are one of a scene, and how many a line between scenes."""
    step = int(corners[0][1] - corners[0][0])
    line = mosaic.shape[1] - columns * step
    return (step - line) / width, line


def _point(ax: Axes, mosaic: np.ndarray) -> float:
    """How many pixels of the mosaic a point is, when the mosaic fills these axes."""
    laid_out = ax.figure.get_layout_engine() is not None  # then the axes are to fill the figure
    box = ax.figure.bbox if laid_out else ax.get_window_extent()
    return max(mosaic.shape[1] / box.width, mosaic.shape[0] / box.height) * ax.figure.dpi / 72


def _mark(
    marks: Marks,
    things: list[Thing],
    names: Sequence[str],
    origin: np.ndarray,
    zoom: float,
    size: tuple[int, int],
    point: float,
) -> None:
    """Add the boxes and names of one scene whose upper left corner is ``origin``; lengths in its pixels."""
    taken: list[np.ndarray] = []
    extents = [thing.extent(size) for thing in things]
    for i, thing in enumerate(things):
        hue = MARKS[(thing.label if thing.mask is None else i) % len(MARKS)]
        if thing.box is not None:
            marks.outlines.append((origin + zoom * _corners(thing.box), hue))
        text = names[thing.label] + ("" if thing.score is None else f" {thing.score:.2f}")
        wide, high = (_width(text) + 0.5) * SIZE * point, HIGH * SIZE * point
        free = [p for p in _places(extents[i], wide, high, size) if not any(_shared(p, t) for t in taken)]
        if text and free:
            hidden = [round(sum(_shared(place, extent) for extent in extents), 3) for place in free]
            place = free[hidden.index(min(hidden))]
            taken.append(place)
            ink = "white" if sum(to_rgb(hue)) < DARK else BLACK
            marks.tags.append((origin + zoom * _corners(place), hue))
            marks.texts.append((origin + zoom * (place[:2] + place[2:]) / 2, text, ink))


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    """The area that two boxes share."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return float(wide * high) if wide > 0 and high > 0 else 0.0


def _width(text: str) -> float:
    """About how wide a text is, in parts of the size of its letters; a little more rather than less."""
    return sum(0.33 if c in " .:" else 0.65 if c.isdigit() else 0.73 for c in text)


def _corners(box: np.ndarray) -> np.ndarray:
    """The four corners of a box, (4, 2)."""
    return box[[[0, 1], [2, 1], [2, 3], [0, 3]]]


def _draw(ax: Axes, marks: Marks) -> None:
    """Draw all marks: few artists, since each costs time."""
    for edges in ({"edgecolors": "white", "linewidths": 4.5}, {"linewidths": 2.5}):
        if marks.outlines:
            boxes, hues = zip(*marks.outlines, strict=True)
            look = {"facecolors": "none", "edgecolors": hues, "joinstyle": "miter"} | edges
            ax.add_collection(PolyCollection(boxes, **look), autolim=False)
    if marks.tags:
        boxes, hues = zip(*marks.tags, strict=True)
        ax.add_collection(PolyCollection(boxes, facecolors=hues, linewidths=0), autolim=False)
    for place, text, ink in marks.texts:
        ax.text(*place, text, size=SIZE, color=ink, ha="center", va="center_baseline", parse_math=False)


def _places(box: np.ndarray, wide: float, high: float, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Places for a name of this size at a box: above, below, beside, inside; all of them within the scene."""
    left, top, right, bottom = box

    def level(*ys: float) -> list[tuple[float, float]]:
        return [(max(min(x, size[1] - wide), 0.0), y) for y in ys for x in (left, right - wide)]

    beside = [(x, y) for x in (right, left - wide) for y in (top, bottom - high)]
    for x, y in level(top - high, bottom) + beside + level(top, bottom - high):
        if 0 <= x <= size[1] - wide and 0 <= y <= size[0] - high:
            yield np.array([x, y, x + wide, y + high])

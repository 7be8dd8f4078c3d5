"""Scenes with what is said about them: boxes, masks and names over the image, and where pixels point."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from torch import Tensor

from course_utils.datasets.animals import ANIMALS
from course_utils.plots.canvas import BLACK, COLOURS, array, axes, figure_of
from course_utils.plots.description import describe
from course_utils.plots.images import LETTER, WIDEST, compose, name_tiles, strip_share

MARKS = [COLOURS[i] for i in (1, 0, 3, 4, 5, 2, 6)]  # those that stand out of a scene come first
LEVELS = 24  # of each colour: enough for the eye, and a notebook stores a third less
TINT = 0.5  # how much of a mask's colour covers its pixels
SIZE = 12  # points, of letters
DARK = 1.6  # the sum of a colour's parts below which letters on it are white
HIGH = 1.3  # of a line of letters, in parts of their size


class SceneObject(NamedTuple):
    """An object to draw: its class, and its score, box and mask where there are any."""

    label: int
    score: float | None
    box: np.ndarray | None
    mask: np.ndarray | None

    def extent(self, size: tuple[int, int]) -> np.ndarray:
        """Its box or, without one, its mask's; without either, the whole scene of this height and width."""
        if self.box is not None:
            return self.box
        if self.mask is None:
            return np.array([0.0, 0.0, size[1], size[0]])
        rows, columns = (np.flatnonzero(self.mask.any(axis)) for axis in (1, 0))
        return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)


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
    tiles = _colour(x, "scenes", "(N, 3, H, W)")
    n, _, height, width = tiles.shape
    if titles is not None and len(titles) != n:
        raise ValueError(f"scenes: expected {n} titles, one a scene, got {len(titles)}")
    objects = by_scene(n, (height, width), len(names), labels, boxes, masks, scores, scene)
    across = min(n, columns or 6)
    rows = -(-n // across)
    inches = min(1.95, WIDEST / across)
    heading = LETTER * rows if titles else 0
    with axes(ax, (across * inches + 0.1, rows * inches * height / width + heading + 0.1)) as ax:
        strip = strip_share(ax, rows, across, height / width) if titles else 0
        mosaic, corners = compose(_tinted(tiles, objects), across, strip)
        ax.imshow((255 * mosaic).round().astype(np.uint8), interpolation="nearest")
        ax.set_axis_off()
        step = int(corners[0][1] - corners[0][0])
        line = mosaic.shape[1] - across * step  # between scenes
        zoom = (step - line) / width
        point = _pixels_a_point(ax, mosaic) / zoom
        tags: list[Tag] = []
        for (left, _, top), shown in zip(corners, objects, strict=True):
            origin = np.array([left + line - 0.5, top + line - 0.5] * 2)
            for box, hue, tag, text in _tags(shown, names, (height, width), point):
                box, tag = (None if b is None else origin + zoom * b for b in (box, tag))
                tags.append((box, hue, tag, text))
        _draw(ax, tags)
        name_tiles(ax, titles or (), corners)
        over = f"; over them: {', '.join(titles)}" if titles else ""
        with_what = ", ".join(_contents(shown, names) for shown in objects)
        describe(ax, f"{n} scenes in colour, with: {with_what}{over}.")
    return ax


def _contents(shown: list[SceneObject], names: Sequence[str]) -> str:
    """What a scene holds, in words."""
    written = " and ".join(_written(one, names) for one in shown if names[one.label])
    return written or (f"{len(shown)} objects" if shown else "nothing")


def _tinted(tiles: np.ndarray, objects: list[list[SceneObject]]) -> np.ndarray:
    """The scenes with their masks: half covered inside, fully at the edge."""
    from scipy.ndimage import binary_erosion  # slow to import: most pictures have no masks

    tiles = (LEVELS * tiles).round() / LEVELS
    for tile, shown in zip(tiles, objects, strict=True):
        for i, one in enumerate(shown):
            if one.mask is not None:
                hue = np.array(to_rgb(MARKS[i % len(MARKS)]))[:, None]
                tile[:, one.mask] = (1 - TINT) * tile[:, one.mask] + TINT * hue
                tile[:, one.mask & np.logical_not(binary_erosion(one.mask))] = hue
    return tiles


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
    image = _colour(x, "pointing", "(3, H, W)")
    start, end = array(starts, "pointing: starts", "(n, 2)", 2), array(ends, "pointing: ends", "(n, 2)", 2)
    group = array(groups, "pointing: groups", "(n,)", 1)
    if start.shape != end.shape or start.shape[1] != 2 or len(group) != len(start):
        got = ", ".join(str(part.shape) for part in (start, end, group))
        raise ValueError(f"pointing: expected starts and ends (n, 2) and groups (n,), got {got}")
    height, width = image.shape[1:]
    with axes(ax, (2.8, 0.1 + 2.7 * height / width)) as ax:
        shown = (255 * image.transpose(1, 2, 0)).round().astype(np.uint8)
        ax.imshow(shown, interpolation="nearest", extent=(0, width, height, 0))
        lines = list(np.stack([start, end], 1))
        hues = [MARKS[int(k) % len(MARKS)] for k in group]
        ax.add_collection(LineCollection(lines, colors="white", linewidths=3), autolim=False)
        ax.add_collection(LineCollection(lines, colors=hues, linewidths=1.5), autolim=False)
        ax.scatter(*end.T, s=36, c=hues, edgecolors="white", linewidths=0.8, zorder=3)
        ax.set(xlim=(0, width), ylim=(height, 0))
        ax.set_axis_off()
        describe(ax, f"{len(group)} pixels of an image and where they point, in {len(set(group))} groups.")
    return ax


def _colour(x: Tensor, who: str, shape: str) -> np.ndarray:
    """Images in colour as an array, if they are such."""
    images = array(x, who, shape, shape.count(",") + 1)
    channels = images.shape[-3]
    if channels != 3 or images.min() < 0 or images.max() > 1:
        got = f"{channels} channels in [{images.min():.4g}, {images.max():.4g}]"
        raise ValueError(f"{who}: expected 3 channels with values in [0, 1], got {got}")
    return images


def by_scene(
    n: int,
    size: tuple[int, int],
    classes: int,
    labels: Tensor,
    boxes: Tensor | None = None,
    masks: Tensor | None = None,
    scores: Tensor | None = None,
    scene: Tensor | None = None,
) -> list[list[SceneObject]]:
    """The objects of each of n scenes of this size, by falling score; the parts are those of ``scenes``."""
    label = labels.cpu().numpy()
    forms = ["(M,)"] if scene is not None else [f"({n},)", f"({n}, K)"]
    if not (label.ndim == 1 if scene is not None else label.ndim in (1, 2) and len(label) == n):
        raise ValueError(f"scenes: expected labels {' or '.join(forms)}, got {label.shape}")

    def flat(part: Tensor | None, name: str, *end: int) -> np.ndarray | None:
        if part is not None and tuple(part.shape) != label.shape + end:
            raise ValueError(f"scenes: expected {name} of shape {label.shape + end}, got {tuple(part.shape)}")
        return None if part is None else part.detach().cpu().numpy().reshape(-1, *end)

    box, mask, score = flat(boxes, "boxes", 4), flat(masks, "masks", *size), flat(scores, "scores")
    row = flat(scene, "scene")
    row = np.arange(n).repeat(label.size // n) if row is None else row
    label = label.reshape(-1)
    if label.size and (label.max() >= classes or row.min() < 0 or row.max() >= n):
        got = f"{label.max()} and {row.min()} to {row.max()}"
        raise ValueError(f"scenes: expected classes below {classes} on scenes 0 to {n - 1}, got {got}")
    found: list[list[SceneObject]] = [[] for _ in range(n)]
    for i in range(label.size) if score is None else np.argsort(-score, kind="stable"):
        if label[i] >= 0:  # what says nothing is left out: a score that is NaN, an empty box or mask
            one = SceneObject(
                int(label[i]),
                None if score is None or np.isnan(score[i]) else float(score[i]),
                None if box is None or not (box[i, 2:] > box[i, :2]).all() else box[i],
                None if mask is None or not mask[i].any() else mask[i],
            )
            found[row[i]].append(one)
    return found


def _written(one: SceneObject, names: Sequence[str]) -> str:
    """The name of an object's class and, if it has one, its score."""
    return names[one.label] + ("" if one.score is None else f" {one.score:.2f}")


Tag = tuple[np.ndarray | None, str, np.ndarray | None, str]  # the outline of a box, a colour, a tag, its text


def _tags(
    objects: list[SceneObject], names: Sequence[str], size: tuple[int, int], point: float
) -> Iterator[Tag]:
    """What to draw for the objects of one scene, in its pixels; a point has so many of them."""
    taken: list[np.ndarray] = []
    extents = [one.extent(size) for one in objects]
    for i, (one, extent) in enumerate(zip(objects, extents, strict=True)):
        hue = MARKS[(one.label if one.mask is None else i) % len(MARKS)]
        text = _written(one, names)
        wide, high = (_width(text) + 0.5) * SIZE * point, HIGH * SIZE * point
        free = [p for p in _places(extent, wide, high, size) if not any(_shared(p, t) for t in taken)]
        place = None
        if text and free:  # where it hides least
            place = min(free, key=lambda p: round(sum(_shared(p, other) for other in extents), 3))
            taken.append(place)
        yield one.box, hue, place, text


def _places(box: np.ndarray, wide: float, high: float, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Places for a name of this size at a box: above, below, beside, inside; all of them within the scene."""
    left, top, right, bottom = box

    def level(*ys: float) -> list[tuple[float, float]]:
        return [(max(min(x, size[1] - wide), 0.0), y) for y in ys for x in (left, right - wide)]

    beside = [(x, y) for x in (right, left - wide) for y in (top, bottom - high)]
    for x, y in level(top - high, bottom) + beside + level(top, bottom - high):
        if 0 <= x <= size[1] - wide and 0 <= y <= size[0] - high:
            yield np.array([x, y, x + wide, y + high])


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    """The area that two boxes share."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return float(wide * high) if wide > 0 and high > 0 else 0.0


def _width(text: str) -> float:
    """About how wide a text is, in parts of the size of its letters; a little more rather than less."""
    return sum(0.33 if c in " .:" else 0.65 if c.isdigit() else 0.73 for c in text)


def _pixels_a_point(ax: Axes, mosaic: np.ndarray) -> float:
    """How many pixels of the mosaic a point is, when the mosaic fills these axes."""
    figure = figure_of(ax)
    laid_out = figure.get_layout_engine() is not None  # then the axes are to fill the figure
    box = figure.bbox if laid_out else ax.get_window_extent()
    return max(mosaic.shape[1] / box.width, mosaic.shape[0] / box.height) * figure.dpi / 72


def _draw(ax: Axes, tags: list[Tag]) -> None:
    """Draw all outlines, tags and names: few artists, since each costs time."""

    def polygons(boxes: list[np.ndarray], **look: Any) -> None:
        corners = [box[[[0, 1], [2, 1], [2, 3], [0, 3]]] for box in boxes]
        if corners:
            ax.add_collection(PolyCollection(corners, **look), autolim=False)

    boxes = [(box, hue) for box, hue, _, _ in tags if box is not None]
    for edges, width in (("white", 4.5), ([hue for _, hue in boxes], 2.5)):
        look = {"facecolors": "none", "edgecolors": edges, "linewidths": width, "joinstyle": "miter"}
        polygons([box for box, _ in boxes], **look)
    placed = [(hue, tag, text) for _, hue, tag, text in tags if tag is not None]
    polygons([tag for _, tag, _ in placed], facecolors=[hue for hue, _, _ in placed], linewidths=0)
    for hue, tag, text in placed:
        middle, ink = (tag[:2] + tag[2:]) / 2, "white" if sum(to_rgb(hue)) < DARK else BLACK
        look = {"ha": "center", "va": "center_baseline", "size": SIZE, "parse_math": False}
        ax.text(middle[0], middle[1], text, color=ink, **look)

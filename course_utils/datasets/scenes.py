"""Scenes of cats, dogs and ducks, drawn: each object with its class, box and mask."""

from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils import runtime
from course_utils.checks import check_count, check_seed
from course_utils.datasets import animals, backdrops, layout
from course_utils.datasets.animals import ANIMALS, Drawn
from course_utils.datasets.examples import Examples

CHUNK = 256  # scenes drawn at once
MOST = 4
SIDES = (32, 256)
LARGEST = {1: 30.0, 2: 28.0, 3: 27.0, 4: 25.0}  # of objects in a scene, in pixels of 64, before they move
SMALLEST = 19.0
# random numbers of a backdrop, of how many objects there are, of the objects, of their places
VARIABLES = [backdrops.VARIABLES, 1, MOST * (animals.VARIABLES + 2), layout.TRIES * MOST * 2]


@dataclass(frozen=True, eq=False, repr=False)
class Scenes(Examples):
    """N scenes with up to K objects each; unpacks as ``x, labels, boxes, masks``.

    Objects stand first, from the back to the front; the places left over hold label −1.

    Attributes:
        x: pictures ``(N, 3, S, S)``, float32 in [0, 1].
        labels: ``(N, K)``, int64: index into ANIMALS, −1 where there is no object.
        boxes: ``(N, K, 4)``, float32: left, top, right, bottom of the visible part in pixels, right and
            bottom exclusive, so that width = right − left; 0 where there is no object.
        masks: ``(N, K, S, S)``, bool: the visible pixels of each object, disjoint within a scene.
    """

    x: Tensor
    labels: Tensor
    boxes: Tensor
    masks: Tensor

    def __repr__(self) -> str:
        k, side = self.labels.shape[1], self.x.shape[-1]
        found = int((self.labels >= 0).sum())
        return f"Scenes({len(self)} of {side}×{side}, {found} objects, at most {k} a scene, {self.x.device})"


def scenes(
    n: int,
    *,
    objects: int | tuple[int, int] = (1, 3),
    side: int = 64,
    touching: bool = False,
    seed: int = 0,
    device: str | torch.device | None = None,
) -> Scenes:
    """Draw n scenes of cats, dogs and ducks before a sky and a ground.

    Class, pose, size, coat, place and backdrop are drawn independently; coats are shared by all classes, so
    that colour alone does not tell them apart. Who stands lower is nearer and hides what is behind; of every
    object at least 40 % of its pixels can be seen. The first m scenes of ``scenes(n)`` are ``scenes(m)``.

    Args:
        n: how many.
        objects: how many in a scene, from 1 to 4: a number, or the least and the most (uniform).
        side: S, from 32 to 256 pixels; sizes grow with it.
        touching: every scene holds two objects of one class that touch or overlap.
        seed: of everything.
        device: where the tensors live; None: the CPU. They are drawn on the CPU: same seed, same scenes.

    Raises:
        ValueError: n, objects, side, touching, seed or device is none of the choices.

    >>> some = scenes(3, objects=2)
    >>> some.x.shape, some.labels.shape, some.masks.shape
    (torch.Size([3, 3, 64, 64]), torch.Size([3, 2]), torch.Size([3, 2, 64, 64]))
    """
    check_count(n, "scenes: n")
    low, high = _number(objects)
    if not isinstance(touching, bool):
        raise ValueError(f"scenes: expected touching as True or False, got {touching!r}")
    if touching and not low <= 2 <= high:
        raise ValueError(f"scenes: a touching pair is two, expected objects that allow 2, got {objects!r}")
    low, high = (2, 2) if touching else (low, high)
    check_count(side, "scenes: side", low=SIDES[0], high=SIDES[1])
    generator = torch.Generator().manual_seed(check_seed(seed, "scenes"))
    target = runtime.device("cpu" if device is None else device)
    u = torch.rand(n, sum(VARIABLES), generator=generator)
    parts = [_chunk(part, low, high, side, touching) for part in u.split(CHUNK)]
    return Scenes(*(torch.cat(p).to(target) for p in zip(*parts, strict=True)))


def _number(objects: int | tuple[int, int]) -> tuple[int, int]:
    """The least and the greatest number of objects in a scene."""
    pair = (objects, objects) if isinstance(objects, int) else objects
    whole = isinstance(pair, tuple | list) and all(type(v) is int for v in pair)
    if not whole or len(pair) != 2 or not 1 <= pair[0] <= pair[1] <= MOST:
        expected = f"objects as an integer from 1 to {MOST} or a pair (least, most) of them"
        raise ValueError(f"scenes: expected {expected}, got {objects!r}")
    return pair[0], pair[1]


def _chunk(u: Tensor, low: int, high: int, side: int, touching: bool) -> tuple[Tensor, ...]:
    """Turn uniform numbers, a row a scene, into pictures, labels, boxes and masks."""
    b, k = len(u), high
    back, count, each, places = u.split(VARIABLES, dim=1)
    x, horizon = backdrops.backdrops(back, side)
    count = low + (count * (high - low + 1)).long()
    there = torch.arange(k) < count
    each = each.reshape(b, MOST, -1)[:, :k]
    label = (each[..., 0] * len(ANIMALS)).long()
    if touching:
        label = label[:, :1].expand(b, k)
    largest = torch.tensor([LARGEST[c] for c in range(1, MOST + 1)])[count - 1]
    size = (SMALLEST + (largest - SMALLEST) * each[..., 1]) / 2 * (side / 64)
    poses = animals.posed(each[..., 2:][there], label[there], size[there])
    drawn = animals.draw(poses, there.flatten().nonzero()[:, 0])
    shapes = layout.silhouettes(drawn, there)
    places = places.reshape(b, layout.TRIES, MOST, 2)[:, :, :k]
    corner = layout.arranged(shapes, places, horizon, side, touching)
    owner, rank = layout.front(shapes, corner, side)
    order = rank.argsort(1)
    number = (order + torch.arange(b)[:, None] * k)[..., None, None]
    masks = owner[:, None] == number
    labels = torch.where(there, label, -1).gather(1, order)
    return _paint(x, drawn, shapes, corner, rank), labels, tight_boxes(masks), masks


def _paint(x: Tensor, drawn: Drawn, shapes: layout.Silhouettes, corner: Tensor, rank: Tensor) -> Tensor:
    """Lay the drawings over the backdrops, the hindmost first; 256 levels, as in a file."""
    b, _, side, _ = x.shape
    seen = (drawn.paint[:, 3] > 0).nonzero()[:, 0]
    owner = drawn.owner[seen]
    shift = (corner - shapes.box[..., :2]).reshape(-1, 2)[owner]
    column, row = drawn.column[seen] + shift[:, 0], drawn.row[seen] + shift[:, 1]
    inside = (row >= 0) & (row < side) & (column >= 0) & (column < side)
    flat = ((owner // corner.shape[1]) * side + row) * side + column
    depth = torch.where(inside, rank.flatten()[owner], -1)
    canvas = x.movedim(1, -1).reshape(-1, 3)
    for i in range(corner.shape[1]):
        mine = (depth == i).nonzero()[:, 0]
        at, paint = flat[mine], drawn.paint.index_select(0, seen[mine])
        ground = canvas.index_select(0, at).mul_(1 - paint[:, 3:4]).add_(paint[:, :3])
        canvas.index_copy_(0, at, ground)
    x = canvas.reshape(b, side, side, 3).movedim(-1, 1)
    return (x.clamp(0, 1) * 255).round().div(255)


def tight_boxes(masks: Tensor) -> Tensor:
    """The smallest box round each mask, ``(…, H, W)`` to ``(…, 4)``; zeros where a mask is empty."""
    height, width = masks.shape[-2:]
    columns, rows = masks.any(-2).int(), masks.any(-1).int()
    far_column, far_row = width - columns.flip(-1).argmax(-1), height - rows.flip(-1).argmax(-1)
    box = torch.stack([columns.argmax(-1), rows.argmax(-1), far_column, far_row], -1)
    return box.float() * columns.any(-1, keepdim=True)

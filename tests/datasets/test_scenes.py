"""Scenes: who is where, what is seen of it, and that a seed says it all."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from scipy import ndimage
from sklearn.linear_model import LogisticRegression

from course_utils.datasets import Scenes, animals, backdrops, layout, scenes

SQUARE = np.ones((3, 3))
KINDS = {"usual": {}, "pairs": {"touching": True}, "crowds": {"objects": (2, 4)}, "small": {"side": 32}}


def watched(kind: str) -> tuple[Scenes, torch.Tensor]:
    """256 scenes, and the share of each object that is seen: whole silhouettes are caught on their way."""
    whole, order = [], []
    silhouettes, front = layout.silhouettes, layout.front

    def seen_whole(*args: object) -> layout.Silhouettes:
        order.append(None)
        whole.append(silhouettes(*args))
        return whole[-1]

    def seen_order(*args: object) -> tuple[torch.Tensor, torch.Tensor]:
        found = front(*args)
        order[-1] = found[1].argsort(1)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "silhouettes", seen_whole)
        patch.setattr(layout, "front", seen_order)
        some = scenes(256, seed=3, **KINDS[kind])
    area = torch.cat([shapes.area.gather(1, o) for shapes, o in zip(whole, order, strict=True)])
    return some, (some.masks.flatten(2).sum(2) / area)[some.labels >= 0]


@pytest.fixture(scope="module")
def watch() -> Callable[[str], tuple[Scenes, torch.Tensor]]:
    """Each kind is drawn once, for all tests that look at it."""
    return cache(watched)


@pytest.fixture(scope="module")
def drawn(watch) -> Scenes:
    return watch("usual")[0]


@pytest.fixture(scope="module")
def pairs(watch) -> Scenes:
    return watch("pairs")[0]


@pytest.fixture(scope="module")
def alone() -> Scenes:
    return scenes(512, objects=1, seed=10)


def test_scenes_hold_pictures_classes_boxes_and_masks(drawn: Scenes, pairs: Scenes) -> None:
    x, labels, boxes, masks = drawn
    assert len(drawn) == 256 and x.shape == (256, 3, 64, 64) and x.dtype == torch.float32
    assert labels.shape == (256, 3) and labels.dtype == torch.int64
    assert boxes.shape == (256, 3, 4) and boxes.dtype == torch.float32
    assert masks.shape == (256, 3, 64, 64) and masks.dtype == torch.bool
    assert x.min() >= 0 and x.max() <= 1
    assert torch.equal((x * 255).round() / 255, x), "pictures have 256 levels"
    assert len(x.flatten(1).unique(dim=0)) == 256 and len(boxes[:, 0].unique(dim=0)) > 248
    assert masks.sum(1).max() == pairs.masks.sum(1).max() == 1
    assert repr(drawn[:3]).startswith("Scenes(3 of 64×64") and len(repr(drawn)) < 80


def test_objects_stand_first_and_their_number_is_uniform(drawn: Scenes, alone: Scenes, watch) -> None:
    for some, low, high in ((alone, 1, 1), (drawn, 1, 3), (watch("crowds")[0], 2, 4)):
        there = some.labels >= 0
        assert there.shape == (len(some), high) and some.labels.min() >= -1 and some.labels.max() == 2
        assert torch.equal(there, there.sort(1, descending=True).values)
        counts = torch.bincount(there.sum(1), minlength=high + 1)
        each = len(some) / (high - low + 1)
        assert counts[:low].sum() == 0
        assert (counts[low:] - each).abs().max() <= 3 * (each * (1 - each / len(some))) ** 0.5


def test_what_is_not_there_has_no_box_and_no_mask(drawn: Scenes) -> None:
    there = drawn.labels >= 0
    assert torch.equal(there, drawn.masks.flatten(2).any(2))
    assert (drawn.boxes[~there] == 0).all() and not there.all()


def test_classes_are_equally_frequent(drawn: Scenes) -> None:
    labels = drawn.labels[drawn.labels >= 0]
    many = torch.bincount(labels, minlength=3)
    assert (many - len(labels) / 3).abs().max() < 4 * (len(labels) * 2 / 9) ** 0.5


@pytest.mark.parametrize("kind", [{}, {"touching": True}, {"side": 32}, {"side": 96, "objects": 2}])
def test_boxes_are_tight_around_the_masks(kind: dict) -> None:
    some = scenes(32, seed=4, **kind)
    for label, box, mask in zip(*(part.flatten(0, 1) for part in list(some)[1:]), strict=True):
        if label >= 0:
            rows, columns = np.nonzero(mask.numpy())
            expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert box.tolist() == expected


@pytest.mark.parametrize("side", [32, 64, 96])
@pytest.mark.parametrize("touching", [False, True])
def test_objects_are_large_enough_to_see_and_grow_with_the_picture(side: int, touching: bool) -> None:
    some = scenes(32, side=side, touching=touching, seed=5)
    boxes = some.boxes[some.labels >= 0] * 64 / side
    sides = boxes[:, 2:] - boxes[:, :2]
    assert some.x.shape[2:] == (side, side) and sides.max() <= 38 and sides.amin(1).min() >= 8
    assert 19 <= sides.mean() <= 26 and (sides.amin(1) >= 13).float().mean() > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_two_fifths_of_every_object_are_seen(kind: str, watch) -> None:
    _, share = watch(kind)
    assert share.min() >= 0.4 and share.max() == 1
    assert (share < 0.9).float().mean() > 0.05, "some objects are partly hidden"


@pytest.mark.parametrize("side", [32, 64])
def test_touching_pairs_are_of_one_class_and_meet(side: int, pairs: Scenes) -> None:
    some = pairs if side == 64 else scenes(32, touching=True, side=side, seed=7)
    assert some.labels.shape[1:] == (2,) and (some.labels >= 0).all()
    assert (some.labels[:, 0] == some.labels[:, 1]).all() and len(some.labels.unique()) == 3
    for first, second in some.masks.numpy():
        assert (ndimage.binary_dilation(first, SQUARE) & second).any()


def test_ordinary_scenes_mix_classes_and_leave_gaps(drawn: Scenes) -> None:
    two = drawn[(drawn.labels >= 0).sum(1) == 2]
    assert 0.15 < (two.labels[:, 0] == two.labels[:, 1]).float().mean() < 0.5
    apart = [ndimage.label(masks.any(0), SQUARE)[1] > 1 for masks in two.masks.numpy()]
    assert 0.2 < np.mean(apart) < 0.9


@pytest.mark.parametrize("over", ["animal", "its box"])
def test_colour_alone_does_not_tell_the_class(over: str, alone: Scenes) -> None:
    left, top, right, bottom = alone.boxes[:, 0, :, None, None].unbind(1)
    at = torch.arange(64)
    inside = (at >= left) & (at < right) & (at[:, None] >= top) & (at[:, None] < bottom)
    where = (alone.masks[:, 0] if over == "animal" else inside)[:, None]
    mean = ((alone.x * where).sum((2, 3)) / where.sum((2, 3))).numpy()
    y = alone.labels[:, 0].numpy()
    model = LogisticRegression(C=100, max_iter=1000).fit(mean[:340], y[:340])
    assert model.score(mean[340:], y[340:]) < 0.52


def test_the_backdrop_does_not_tell_the_class(alone: Scenes) -> None:
    corners = alone.x[:, :, ::21, ::21].flatten(1)
    hidden = alone.masks[:, 0, ::21, ::21].flatten(1).repeat(1, 3)
    corners = corners.where(~hidden, corners.mean()).numpy()
    y = alone.labels[:, 0].numpy()
    model = LogisticRegression(C=0.1, max_iter=500).fit(corners[:340], y[:340])
    assert model.score(corners[340:], y[340:]) < 0.46


def test_masks_are_where_the_picture_is_no_backdrop(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    paint = backdrops.backdrops

    def kept(*args: object) -> tuple[torch.Tensor, torch.Tensor]:
        found = paint(*args)
        seen.append((found[0].clone(), found[1]))
        return found

    monkeypatch.setattr(backdrops, "backdrops", kept)
    some = scenes(32, seed=12)
    ((empty, sky),) = seen
    change = some.x - empty
    animal = some.masks.any(1).numpy()
    near = torch.from_numpy(np.stack([ndimage.binary_dilation(m, SQUARE, iterations=3) for m in animal]))
    assert (change.abs().amax(1)[torch.from_numpy(animal)] > 0.05).float().mean() > 0.9
    outside = change.movedim(1, -1)[~near]
    assert outside.max() < 0.004, "away from animals there is nothing but shadow"
    assert (outside.abs() < 0.004).float().mean() > 0.9
    nearest = some.boxes[..., 3].amax(1)
    assert sky.min() > 0.15 and (nearest >= sky * 64).all(), "feet are on the ground"


@pytest.mark.parametrize("touching", [False, True])
def test_labels_name_what_stands_under_the_mask(touching: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    posed = animals.posed

    def plain(u: torch.Tensor, label: torch.Tensor, size: torch.Tensor) -> animals.Poses:
        poses = posed(u, label, size)
        for paint in poses.colours.values():
            paint[:, :3] = torch.eye(3)[label]
        return poses

    monkeypatch.setattr(animals, "posed", plain)
    some = scenes(32, touching=touching, seed=13)
    for x, labels, _, masks in zip(*some, strict=True):
        for label, mask in zip(labels, masks, strict=True):
            if label >= 0:
                assert x[:, mask].mean(1).argmax() == label


BAD = [
    ({"objects": 0}, "objects .* got 0"),
    ({"objects": 5}, "objects .* got 5"),
    ({"objects": True}, "objects .* got True"),
    ({"objects": (2, 1)}, r"objects .* got \(2, 1\)"),
    ({"objects": (1, 2, 3)}, r"objects .* got \(1, 2, 3\)"),
    ({"objects": (1, 2.0)}, r"objects .* got \(1, 2.0\)"),
    ({"objects": "2"}, "objects .* got '2'"),
    ({"touching": "no"}, "touching .* got 'no'"),
    ({"touching": True, "objects": 3}, "a touching pair is two, .* got 3"),
    ({"device": 7}, "got 7"),
]


@pytest.mark.parametrize(("bad", "message"), BAD)
def test_bad_input_gets_one_clear_error(bad: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"scenes: .*{message}|device: .*{message}"):
        scenes(**({"n": 2} | bad))

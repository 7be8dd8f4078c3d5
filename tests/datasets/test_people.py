"""People in shirts: what is drawn where, what an agnostic picture does not know, and that warps are true."""

import pytest
import torch
from torch.nn.functional import avg_pool2d, grid_sample

from course_utils.datasets.garments import CUT, VARIABLES, Cloth
from course_utils.datasets.people import FORE, JOINTS, SKINS, UPPER, People, dressed, people
from course_utils.datasets.people import VARIABLES as BODIES


@pytest.fixture(scope="module")
def drawn() -> People:
    return people(70, seed=1)  # more than one chunk


@pytest.fixture(scope="module")
def changed(drawn: People) -> People:
    return dressed(drawn.body, drawn.cloth.roll(1, 0))


def test_pictures_have_their_shapes_and_ranges(drawn: People) -> None:
    channels = {"x": 3, "garment": 3, "cut": 1, "agnostic": 3, "hidden": 1, "mask": 1, "front": 1}
    for name, k in channels.items():
        part = getattr(drawn, name)
        assert part.shape == (70, k, 64, 64) and part.min() >= 0 and part.max() <= 1, name
    assert drawn.pose.shape == (70, len(JOINTS), 2) and drawn.warp.shape == (70, 64, 64, 2)
    assert all(part.isfinite().all() for part in drawn)
    assert len(drawn.x.flatten(1).unique(dim=0)) == 70
    assert repr(drawn) == "People(70 of 64×64, cpu)"


def test_a_person_without_a_shirt_says_nothing_of_the_shirt(drawn: People, changed: People) -> None:
    for name in ("agnostic", "hidden", "front", "pose"):
        assert torch.equal(getattr(drawn, name), getattr(changed, name)), name
    assert not torch.equal(drawn.x, changed.x) and torch.equal(changed.garment[1], drawn.garment[0])


def test_a_shirt_changes_nothing_but_what_is_hidden(drawn: People, changed: People) -> None:
    seen = (drawn.hidden == 0).expand_as(drawn.x)
    assert torch.equal(drawn.x[seen], changed.x[seen]) and torch.equal(drawn.x[seen], drawn.agnostic[seen])
    for some in (drawn, changed):
        assert (some.mask <= some.hidden + 0.01).all()
        assert (some.mask + some.front <= 1 + 1e-5).all()
        share = (some.mask > 0.5).float().mean((1, 2, 3))
        assert share.min() > 0.08 and share.max() < 0.4


def test_the_warp_fetches_the_worn_shirt_from_the_flat_one(drawn: People, changed: People) -> None:
    for some in (drawn, changed):
        inside = some.mask > 0.99
        fetched = grid_sample(some.garment, some.warp, align_corners=False)
        error = (fetched - some.x).abs().mean(1, keepdim=True)[inside]
        untouched = (some.garment - some.x).abs().mean(1, keepdim=True)[inside]
        assert error.mean() < 0.04 and error.mean() < untouched.mean() / 4
        cut = grid_sample(some.cut, some.warp, align_corners=False) * (1 - some.front)
        assert ((cut - some.mask).abs() > 0.5).float().mean() < 0.005


def test_warps_do_not_fold_where_the_shirt_is_seen(drawn: People) -> None:
    """The determinant of the warp's Jacobian, by differences, is positive."""
    right, down = drawn.warp.diff(dim=2)[:, :-1], drawn.warp.diff(dim=1)[:, :, :-1]
    determinant = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    assert (determinant[drawn.mask[:, 0, :-1, :-1] > 0.99] > 0).float().mean() > 0.999


def test_a_shirt_that_lies_flat_is_where_its_places_say() -> None:
    cloth = Cloth.of(torch.rand(5, VARIABLES, generator=torch.Generator().manual_seed(0)))
    on = 2 * torch.rand(5, 6, 4, 2, generator=torch.Generator().manual_seed(1)) - 1
    assert torch.allclose(cloth.flat(cloth.laid(on)), on, atol=1e-5)
    assert {name: part.shape for name, part in cloth.cut.items()} == dict.fromkeys(CUT, (5, 1, 1))


def test_arms_have_one_length_and_hang_from_the_shoulders(drawn: People) -> None:
    at = dict(zip(JOINTS, drawn.pose.unbind(1), strict=True))
    for side in ("left", "right"):
        shoulder, elbow, wrist = (at[f"{side} {part}"] for part in ("shoulder", "elbow", "wrist"))
        assert torch.allclose((elbow - shoulder).norm(dim=1), torch.tensor(UPPER), atol=1e-5)
        assert torch.allclose((wrist - elbow).norm(dim=1), torch.tensor(FORE), atol=1e-5)
    assert (at["left shoulder"][:, 0] < at["right shoulder"][:, 0]).all()
    assert (at["left hip"][:, 1] > at["left shoulder"][:, 1]).all()


def test_wrists_have_the_colour_of_the_skin(drawn: People) -> None:
    skin = torch.tensor(SKINS)[(drawn.body[:, 8] * len(SKINS)).long()]
    at = dict(zip(JOINTS, drawn.pose.unbind(1), strict=True))
    for side, light in (("left", 0.94), ("right", 1.0)):
        seen = grid_sample(drawn.x, at[f"{side} wrist"][:, None, None], mode="nearest", align_corners=False)
        alike = (seen[:, :, 0, 0] - light * skin).abs().amax(1) < 0.01
        assert alike.float().mean() > 0.8  # legs hide some


def test_some_arms_cross_the_shirt_and_some_do_not(drawn: People) -> None:
    over = (drawn.front[:, :, 32:] > 0.5).flatten(1).any(1).float().mean()
    assert 0.4 < over < 0.95


def test_heads_and_hair_end_above_the_middle_of_the_picture() -> None:
    """So the upper half is all that is drawn of them: its last rows have neither, however a body leans."""
    each = [torch.tensor([0.0, 0.999])] * 3  # height of the neck, how the torso leans, how the head tilts
    ends = torch.cartesian_prod(*each, torch.arange(5) / 5 + 0.1)  # kinds of hair
    body = torch.full((len(ends), BODIES), 0.1)  # no arm is before the shirt
    body[:, 1], body[:, 2], body[:, 7], body[:, 10] = ends.T
    drawn = dressed(body, torch.full((len(ends), VARIABLES), 0.5))
    assert drawn.front[:, :, 29:].max() == 0 and (drawn.front[:, :, :20] == 1).flatten(1).any(1).all()
    bald = dressed(body.index_fill(1, torch.tensor([10]), 0.9), drawn.cloth)
    rows = (drawn.x != bald.x).any(1).any(2).nonzero()[:, 1]
    assert 22 < rows.max() < 29  # long hair, whole


def test_a_picture_of_twice_the_side_shows_the_same() -> None:
    small, large = people(6, side=48, seed=4), people(6, side=96, seed=4)
    for name in ("x", "garment", "agnostic"):
        difference = avg_pool2d(getattr(large, name), 2) - getattr(small, name)
        assert difference.abs().mean() < 0.015, name
    assert torch.equal(small.pose, large.pose)


def test_bad_bodies_and_shirts_get_one_clear_error(drawn: People) -> None:
    for body, cloth, said in (
        (drawn.body[:, 1:], drawn.cloth, r"body .*, got .*\(70, \d+\)"),
        (drawn.body, drawn.cloth[:3], r"cloth .*, got .*\(3, \d+\)"),
        (drawn.body[:0], drawn.cloth[:0], r"got .*\(0, \d+\)"),
        (drawn.body.tolist(), drawn.cloth, "body .*, got list"),
        (drawn.body, None, "cloth .*, got NoneType"),
    ):
        with pytest.raises(ValueError, match=f"dressed: expected .*{said}"):
            dressed(body, cloth)

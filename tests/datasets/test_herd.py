"""Drawn horses and zebras: one meadow under every coat, pictures that follow from a seed alone."""

import pytest
import torch

from course_utils.datasets.herd import along, atlas, herd, points, sampled, stance

SIDES = (16, 33)  # the least, and an odd one


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("coat", ["horse", "zebra", "tiger"])
def test_pictures_and_bodies(coat, side):
    drawn = herd(5, coat, side=side)
    assert drawn.x.shape == (5, 3, side, side) and drawn.body.shape == (5, 1, side, side)
    for part in (drawn.x, drawn.body):
        assert part.dtype == torch.float32 and bool(((part >= 0) & (part <= 1 + 1e-6)).all())
    share = drawn.body.mean((1, 2, 3))
    assert bool(((share > 0.1) & (share < 0.4)).all()), "an animal is on each picture, whole"
    border = torch.cat([drawn.body[:, :, 0], drawn.body[:, :, -1]])
    assert border.max() < 0.5


def test_a_seed_is_a_pose_and_a_meadow_whatever_the_coat():
    horses, zebras, tigers = (herd(40, coat, seed=3) for coat in ("horse", "zebra", "tiger"))
    assert torch.equal(horses.body, zebras.body) and torch.equal(horses.body, tigers.body)
    empty = horses.body == 0
    assert torch.equal(horses.x * empty, zebras.x * empty) and torch.equal(horses.x * empty, tigers.x * empty)
    full = (horses.body > 0.99).float()
    assert ((horses.x - zebras.x).abs() * full).sum() / full.sum() > 0.4
    again = herd(40, "horse", seed=3)
    assert torch.equal(again.x, horses.x) and not torch.equal(herd(40, seed=4).body, horses.body)


def test_colours():
    horses, zebras = herd(40, "horse"), herd(40, "zebra")
    inside = horses.body[:, 0] > 0.99
    red, green, blue = horses.x.transpose(0, 1)[:, inside]
    assert bool((red > green).all() and (green > blue).all()), "a horse is brown"
    most = zebras.x.transpose(0, 1)[:, inside]
    assert (most.amax(0) - most.amin(0)).max() < 0.1, "a zebra is black and white"
    light, dark = (most.mean(0) > 0.6).float().mean(), (most.mean(0) < 0.3).float().mean()
    assert light > 0.2 and dark > 0.2


def test_where_stripes_begin_is_a_zebras_own():
    """Where two zebras have the same place of their bodies, one may be black and the other white."""
    maps = atlas("zebra")
    assert maps.shape[0] == atlas("horse").shape[0] + 1
    zebras, horses = herd(60, "zebra", seed=5), herd(60, "horse", seed=5)
    dark = (zebras.x.mean(1) < 0.35)[horses.body[:, 0] > 0.99]
    assert 0.25 < dark.float().mean() < 0.75


def test_stripes_lie_across_the_back_the_neck_and_the_legs():
    import numpy as np

    def slope(x, y):
        place = np.array([float(x)]), np.array([float(y)])
        right, down = (
            along(place[0] + 1, place[1]) - along(*place),
            along(place[0], place[1] + 1) - along(*place),
        )
        return abs(right.item()), abs(down.item())

    right, down = slope(180, 120)
    assert right > 5 * down, "upright on the back"
    for x, y in ((105, 250), (268, 250)):
        right, down = slope(x, y)
        assert down > 5 * right, "level on the legs"


def test_maps_are_read_where_they_should_be():
    ramp = torch.stack([torch.arange(6.0).expand(4, 6), torch.arange(4.0)[:, None].expand(4, 6)])
    x, y = points(4)
    across, down = sampled(ramp, torch.stack([x, y], -1)[None].expand(3, -1, -1, -1), "zeros")
    torch.testing.assert_close(across[2], (x + 1) * 3 - 0.5)
    torch.testing.assert_close(down[0], (y + 1) * 2 - 0.5)


def test_animals_stand_inside_the_picture():
    u = torch.rand(200, 9)
    half, across, down = stance(u)
    assert bool((across.abs() + half <= 1.05).all() and (down < 0.95).all())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 2, "coat": "cow"}, "horse, zebra, tiger, got 'cow'"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=f"herd: .*{message}"):
        herd(**arguments)

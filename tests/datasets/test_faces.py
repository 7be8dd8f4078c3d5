"""Drawn faces: every factor shows, each in its place, the same at every size."""

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d

from course_utils.datasets.faces import FACTORS, GLASSES_FROM, NAMES, draw_faces, faces

ALONE = faces(6, seed=3).factors


def changed(name: str, value: float) -> torch.Tensor:
    """The same faces with another value of one factor."""
    factors = ALONE.clone()
    factors[:, NAMES.index(name)] = value
    return draw_faces(factors)


def test_pictures_are_colours_and_factors_keep_to_their_ranges():
    many = faces(200, 32)
    assert many.x.shape == (200, 3, 32, 32) and 0 <= many.x.min() and many.x.max() <= 1
    for factor, value in zip(FACTORS, many.factors.unbind(1), strict=True):
        assert factor.low <= value.min() < value.max() <= factor.high
        assert abs(value.mean() - (factor.low + factor.high) / 2) < 0.15 * (factor.high - factor.low)


@pytest.mark.parametrize("factor", FACTORS, ids=NAMES)
def test_every_factor_shows_in_every_face(factor):
    other = 0.5 if factor.name in ("shirt", "background") else factor.high  # hues lie on a circle
    low, high = changed(factor.name, factor.low), changed(factor.name, other)
    differs = (low - high).abs().amax((1, 2, 3)) > 0.05
    assert bool(differs.all())


def test_colours_of_background_and_shirt_stay_where_they_are():
    far = (changed("background", 0.1) - changed("background", 0.6)).abs().amax(1)
    assert bool((far[:, 0, 0] > 0.05).all()) and bool((far[:, -1, 32] < 0.01).all())
    near = (changed("shirt", 0.1) - changed("shirt", 0.6)).abs().amax(1)
    assert bool((near[:, -1, 32] > 0.05).all()) and bool((near[:, :32] < 1e-6).all())


def test_glasses_are_worn_or_not():
    off = changed("glasses", 0.0), changed("glasses", GLASSES_FROM - 0.01)
    on = changed("glasses", GLASSES_FROM + 0.01), changed("glasses", 1.0)
    assert torch.equal(*off) and torch.equal(*on) and not torch.equal(off[0], on[0])


def test_a_turned_head_moves_the_eyes_to_its_side():
    """The brightest spots in the middle of a dark face are the eyes: they follow the turn."""
    factors = torch.zeros(1, len(FACTORS))
    factors[:, NAMES.index("skin")] = 1.0
    places = []
    for turn in (-1.0, 1.0):
        factors[:, NAMES.index("turn")] = turn
        eyes = (draw_faces(factors)[0].mean(0)[26:38, 12:52] - 0.6).clamp(min=0).sum(0)
        places.append(float((eyes * torch.arange(40)).sum() / eyes.sum()))
    assert places[1] - places[0] > 3


def test_sizes_show_the_same_picture():
    large, small = draw_faces(ALONE, 64), draw_faces(ALONE, 32)
    assert (adaptive_avg_pool2d(large, 32) - small).abs().mean() < 0.02


@pytest.mark.parametrize(
    "bad", [torch.zeros(2, 13), torch.zeros(14), torch.zeros(0, 14), torch.full((1, 14), float("nan")), 3]
)
def test_bad_factors(bad):
    with pytest.raises(ValueError, match="draw_faces: expected finite factors"):
        draw_faces(bad)

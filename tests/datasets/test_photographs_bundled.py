"""Photographs: what they are, what is cut out of them, and that nothing is learned from those held out."""

import pytest
import torch

from course_utils.datasets import photographs
from course_utils.datasets.photographs import NAMES, TEST, TRAINING, VALID, luma, patches, photograph


@pytest.mark.parametrize("name", NAMES)
def test_a_photograph_is_large_in_colour_and_in_the_unit_interval(name):
    x = photograph(name)
    assert x.shape[:2] == (1, 3) and min(x.shape[2:]) >= 300 and x.dtype == torch.float32
    assert 0 <= x.min() < 0.3 and 0.7 < x.max() <= 1


def test_nothing_is_learned_from_what_is_held_out():
    assert len(set(NAMES)) == len(NAMES) and not {TEST, VALID} & set(TRAINING)


def test_luma_is_linear_leaves_grey_alone_and_sees_green_best():
    x, y = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    torch.testing.assert_close(luma(0.3 * x + 0.7 * y), 0.3 * luma(x) + 0.7 * luma(y))
    grey = torch.rand(2, 1, 4, 5)
    assert luma(grey) is grey
    torch.testing.assert_close(luma(grey.expand(-1, 3, -1, -1)), grey)
    red, green, blue = luma(torch.eye(3)[:, :, None, None]).flatten().tolist()
    assert green > red > blue > 0


@pytest.fixture
def flat(monkeypatch):
    """Each photograph is one grey level, by which its patches are known."""
    level = {name: (k + 1) / (len(NAMES) + 1) for k, name in enumerate(NAMES)}
    monkeypatch.setattr(photographs, "photograph", lambda name: torch.full((1, 3, 160, 200), level[name]))
    return level


def test_every_photograph_gives_equally_many_patches_and_the_others_none(flat):
    x = patches(12 * len(TRAINING), 20)
    assert x.shape == (12 * len(TRAINING), 1, 20, 20)
    levels = torch.tensor([flat[name] for name in TRAINING])
    nearest = (x.flatten(1).mean(1)[:, None] - levels).abs()
    assert nearest.amin(1).max() < 1e-5
    assert nearest.argmin(1).bincount(minlength=len(TRAINING)).tolist() == [12] * len(TRAINING)
    assert len(patches(5, 8, names=("coffee",))) == 5
    order = nearest.argmin(1)
    assert (order[1:] < order[:-1]).any(), "they are mixed"


def test_the_one_with_more_contrast_of_two_is_kept(monkeypatch):
    """Noise on the left half and none on the right: a patch from the right loses three times out of four."""
    picture = torch.full((1, 1, 400, 400), 0.5)
    picture[..., :200] = torch.rand(400, 200, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(photographs, "photograph", lambda name: picture)
    share = (patches(2000, 4, names=("coffee",)).flatten(1).std(1) > 0.02).double().mean().item()
    assert 0.70 < share < 0.80


def test_a_patch_is_cut_out_of_the_picture_whole(monkeypatch):
    """On a ramp, brightness rises by one step from column to column and falls by another from row to row."""
    down, across = torch.arange(400.0)[:, None], torch.arange(300.0)
    ramp = (down * 0.001 + across * 0.002)[None, None]
    monkeypatch.setattr(photographs, "photograph", lambda name: ramp.clamp(0, 1))
    x = patches(200, 10, names=("coffee",))[:, 0]
    whole = x[(x.amax((1, 2)) < 0.9)]  # half of them at half the size, where steps are twice as large
    for axis, step in ((1, 0.001), (2, 0.002)):
        rise = whole.diff(dim=axis).flatten(1)[:, 20:60]
        single, double = (rise - step).abs().amax(1) < 3e-4, (rise - 2 * step).abs().amax(1) < 3e-4
        assert (single | double).double().mean() > 0.9 and single.any() and double.any()


def test_a_seed_says_which_patches_they_are():
    first, again, other = patches(20, 24, seed=1), patches(20, 24, seed=1), patches(20, 24, seed=2)
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: photograph("mona lisa"), "photograph: expected one of astronaut"),
        (lambda: photograph(["astronaut"]), "photograph: expected one of"),
        (lambda: patches(0, 8), "patches: n: expected a positive integer"),
        (lambda: patches(4, 1.5), "patches: side: expected a positive integer"),
        (lambda: patches(4, 151), "patches: expected a side of at most 150"),
        (lambda: patches(4, 8, names=("rembrandt",)), "expected one of astronaut"),
        (lambda: patches(4, 8, seed=-1), "patches: expected seed"),
    ],
)
def test_what_is_not_there_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()

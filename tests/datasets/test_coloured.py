"""Cars and shirts: grey tells nothing of the colour, the mean is the mean, and colours are told apart."""

import pytest
import torch

from course_utils.applications.luma_chroma import chroma, luma
from course_utils.datasets.coloured import SHARES, coloured, palette

SOME = coloured(300, side=24, seed=4)


def test_the_grey_picture_is_the_same_in_every_colour():
    for rgb in SOME.colours.unbind(1):
        assert (luma(SOME.painted(rgb)) - luma(SOME.x)).abs().max() < 1e-6
    assert (luma(palette()[..., None, None].flatten(0, 1)) - 0.5).abs().max() < 1e-6
    assert palette().min() >= 0 and palette().max() <= 1


def test_what_is_drawn_does_not_depend_on_the_colour():
    """Kind, place, size and light say nothing of it: their means agree within 4.5 standard errors."""
    shown = torch.cat([SOME.kind[:, None].float(), luma(SOME.x).flatten(1)[:, ::7]], 1)
    for colour in range(3):
        here = SOME.colour == colour
        off = shown[here].mean(0) - shown[~here].mean(0)
        error = shown.std(0) * (1 / here.sum() + 1 / (~here).sum()).sqrt()
        assert (off.abs() < 4.5 * error + 1e-6).all()


def test_the_exact_mean_is_the_mean_over_the_three_colours():
    sums = sum(p * SOME.painted(rgb) for p, rgb in zip(SHARES, SOME.colours.unbind(1), strict=True))
    assert (sums - SOME.mean).abs().max() < 1e-6 and abs(sum(SHARES) - 1) < 1e-12
    counts = torch.bincount(coloured(4000, side=16).colour, minlength=3) / 4000
    assert (counts - torch.tensor(SHARES)).abs().max() < 0.03


@pytest.mark.slow
def test_every_picture_is_seen_in_its_own_colour_and_the_mean_in_none():
    assert torch.equal(SOME.legal(SOME.x), SOME.colour)
    assert (SOME.legal(SOME.mean) == -1).all()
    assert (SOME.legal(luma(SOME.x).expand(-1, 3, -1, -1)) == -1).all()
    for colour, rgb in enumerate(SOME.colours.unbind(1)):
        assert (SOME.legal(SOME.painted(rgb)) == colour).all()
        half = torch.where(
            torch.arange(24) < 12, SOME.painted(rgb), SOME.painted(SOME.colours[:, colour - 1])
        )
        assert (SOME.legal(half) == -1).float().mean() > 0.8, "two colours are not one"


def test_of_a_colour_only_the_paint_is_free():
    """Where nothing is painted, grey value and place give the colour."""
    a, b = SOME.painted(SOME.colours[:, 0]), SOME.painted(SOME.colours[:, 1])
    bare = (SOME.paint == 0).expand_as(a)
    assert torch.equal(a[bare], b[bare]) and bare.float().mean() > 0.5
    assert (chroma(a) - chroma(b)).abs().amax((1, 2, 3)).min() > 0.3


def test_pictures_are_in_range_and_of_both_kinds():
    assert SOME.x.min() >= 0 and SOME.x.max() <= 1 and SOME.mean.min() >= 0 and SOME.mean.max() <= 1
    assert 0.35 < SOME.kind.float().mean() < 0.65 and SOME.x.dtype == torch.float32


def test_every_thing_is_whole():
    """No paint at the rim of a picture, and enough of it inside."""
    for side in (32, 64):
        paint = coloured(200, side=side).paint[:, 0]
        rim = torch.cat([paint[:, 0], paint[:, -1], paint[:, :, 0], paint[:, :, -1]], 1)
        assert rim.max() == 0 and (paint > 0.5).float().mean((1, 2)).min() > 0.04

"""Luma is kept, colours come back, and outlines know no colour."""

import torch

from course_utils.applications.luma_chroma import chroma, luma, rgb, saturation, sketch

X = torch.rand(20, 3, 5, 7, dtype=torch.double, generator=torch.Generator().manual_seed(0))


def test_a_picture_comes_back_from_its_luma_and_its_chroma():
    assert (rgb(luma(X), chroma(X)) - X).abs().max() < 1e-12


def test_luma_is_kept_whatever_the_chroma():
    wild = 3 * torch.randn(20, 2, 5, 7, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    x = rgb(luma(X), wild)
    assert x.min() >= 0 and x.max() <= 1
    assert (luma(x) - luma(X)).abs().max() < 1e-12
    there, asked = chroma(x), wild
    assert (there[:, 0] * asked[:, 1] - there[:, 1] * asked[:, 0]).abs().max() < 1e-12, "the hue stays, too"
    assert ((there * asked).sum(1) >= -1e-12).all()


def test_black_and_white_have_no_colour():
    ends = torch.tensor([0.0, 1.0], dtype=torch.double).view(2, 1, 1, 1)
    assert (rgb(ends, torch.full((2, 2, 1, 1), 0.3, dtype=torch.double)) - ends).abs().max() < 1e-12


def test_grey_has_no_saturation_and_red_more_than_pink():
    red, pink = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1), torch.tensor([1.0, 0.7, 0.7]).view(1, 3, 1, 1)
    assert saturation(luma(X).expand(-1, 3, -1, -1)).max() < 1e-12
    assert saturation(red) > saturation(pink) > 0.1


def test_outlines_stand_where_colours_change_and_nowhere_else():
    x = torch.zeros(1, 3, 4, 6)
    x[:, 0, :, 3:] = 0.6
    x[:, 1, :, :3] = 0.6 * 0.299 / 0.587  # of equal luma: a grey picture shows no edge
    assert luma(x).std() < 1e-6
    ink = sketch(x)
    assert (ink[..., 2] == 1).all() and ink.sum() == 4
    assert torch.equal(sketch(x.flip(1)), ink), "which colours they are, it does not say"

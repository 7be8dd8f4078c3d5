"""The explorers of notebooks 05 to 07: they show what lies there, what a system makes, what is read."""

import re

import numpy as np
import pytest
import torch
from drawn import drawn
from explorer_inputs import judged, two_systems, warped
from skimage.metrics import peak_signal_noise_ratio

from course_utils import plots
from course_utils.applications.augmentation import warp
from course_utils.applications.features import label_draws, read
from course_utils.applications.translation import CycleGAN
from course_utils.applications.try_on import inputs
from course_utils.datasets.herd import herd
from course_utils.datasets.people import dressed
from course_utils.explorers.features_augmentation_try_on import STEPS, fitting_room, labels, warps
from course_utils.explorers.super_resolution_and_colourisation import lens
from course_utils.explorers.translation_and_faces import stripes

X = torch.rand(1, 3, 80, 300, generator=torch.Generator().manual_seed(0))
NEARLY, HARDLY = 0.9 * X, 0.2 + 0.3 * X


def test_the_lens_shows_each_picture_where_it_stands_and_how_far_it_is_from_the_original():
    figure = drawn(lens(X, {"nearly": NEARLY, "hardly": HARDLY}), across=50, down=40)
    photograph, nearly, hardly, original = figure.axes
    place = (..., slice(8, 72), slice(18, 82))
    for ax, x in ((nearly, NEARLY), (hardly, HARDLY), (original, X)):
        shown = np.asarray(ax.images[0].get_array()) / 255
        np.testing.assert_allclose(shown, x[place][0].movedim(0, 2).numpy(), atol=0.003)
    expected = peak_signal_noise_ratio(X[place].numpy(), HARDLY[place].numpy(), data_range=1)
    assert float(hardly.get_title().split()[1]) == pytest.approx(expected, abs=0.06)
    (frame,) = photograph.patches
    assert frame.get_xy() == (18, 8) and frame.get_width() == frame.get_height() == 64


def test_a_lens_stays_inside_and_the_original_alone_has_no_number():
    explorer = lens(X, {"nearly": NEARLY}, at=(100, 40))
    across, down = explorer.controls["across"], explorer.controls["down"]
    assert (across.min, across.max, down.min, down.max) == (32, 268, 32, 48) and across.value == 100
    assert [ax.get_title() for ax in drawn(explorer, across=268, down=48).axes][-1] == "original"
    grey = drawn(lens(X[:, :1], {"nearly": NEARLY[:, :1]}), across=50, down=40).axes[1]
    assert np.ptp(np.asarray(grey.images[0].get_array()), axis=2).max() == 0


HORSES, ZEBRAS = herd(8, "horse", side=16), herd(8, "zebra", side=16)


def translators() -> CycleGAN:
    """F takes light away, G does nothing."""
    model = CycleGAN((3, 16, 16), hidden=4, deep=4, blocks=1)
    torch.nn.init.constant_(model.to_x.paint[-1].bias, -0.25)
    return model


def test_the_ends_of_the_way():
    seen = stripes(translators(), HORSES.x, ZEBRAS.x, HORSES.body)
    y = ZEBRAS.x[:3]
    off = ((y - 0.25).clamp(0, 1) - y).abs().mean(1, keepdim=True) * HORSES.body[:3]
    error = (off.sum((1, 2, 3)) / HORSES.body[:3].sum((1, 2, 3))).mean()
    assert f"{error:.2f} off the zebra" in drawn(seen, way=0.0).axes[0].get_title()


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


@pytest.mark.parametrize(("n", "pick", "seen"), [(10, 0, "squares"), (50, 3, "the upper half")])
def test_labels_shows_the_first_images_that_two_readers_read_differently(n, pick, seen):
    x, y, features = judged()
    rows = label_draws(y[:150], n)[pick]
    mine, other = (read(features[name], y, rows)[150:] for name in ("pixels", seen))
    differ = mine != other
    figure = drawn(labels(x, y, features), labels=n, pick=pick, seen=seen)
    pairs = [f"{a} → {b}" for a, b in zip(mine[differ].tolist(), other[differ].tolist(), strict=True)]
    assert texts(figure) == pairs[:18]
    shares = [100 * (one == y[150:]).double().mean().item() for one in (mine, other)]
    said = re.findall(r"([\d.]+) %", figure.axes[0].get_title())
    assert [float(share) for share in said] == pytest.approx(shares, abs=0.051)


@pytest.mark.parametrize("turn", [0, 90])
def test_warps_says_what_is_read_in_each_copy(turn):
    x, reads = warped()
    copies = warp(
        x.repeat(2, 1, 1, 1), turn=turn, shift=1, stretch=0.2, generator=torch.Generator().manual_seed(3)
    )
    found = reads(copies)
    figure = drawn(warps(x, reads), turn=turn, shift=1, stretch=0.2, seed=3)
    assert texts(figure) == [str(k) for k in torch.cat([reads(x), found]).tolist()]
    share = 100 * (found == reads(x).repeat(2)).double().mean()
    assert figure.axes[0].get_title().startswith(f"{share:.0f} %")


def test_each_step_is_of_this_person_this_shirt_and_this_system(monkeypatch):
    systems, some = two_systems()
    seen = []
    images = plots.images
    monkeypatch.setattr(plots, "images", lambda x, **how: seen.append(x) or images(x, **how))
    drawn(fitting_room(systems, some), person=3, shirt=1, system="other")
    new = dressed(some.body[2:], some.cloth[:1])
    with torch.no_grad():
        o, M, r, c = systems["other"](*inputs(new))
    expected = [new.garment, some[2].x, some[2].agnostic, c, M.expand_as(o), r, o, new.x]
    for name, shown, one in zip(STEPS, seen[-1], expected, strict=True):
        assert torch.allclose(shown, one[0].clamp(0, 1), atol=1e-4), name


DIGITS, Y, FEATURES = judged()
SYSTEMS, SOME = two_systems()
BAD = [
    (lens, (None, {"a": X}), "expected a photograph .* got NoneType"),
    (lens, (X[..., :60], {"a": X[..., :60]}), "expected a photograph .* from 64×64 up"),
    (lens, (X[:, :2], {"a": X[:, :2]}), "expected a photograph"),
    (lens, (X, {}), "expected 1 to 3 restored pictures, got 0"),
    (lens, (X, dict.fromkeys("abcd", X)), "expected 1 to 3 restored pictures, got 4"),
    (lens, (X, {"a": X[..., :100]}), "a: expected"),
    (lens, (X, {"a": X + 1}), "a: expected values in"),
    (stripes, (None, HORSES.x, ZEBRAS.x, HORSES.body), "expected a CycleGAN, got NoneType"),
    (stripes, (translators(), HORSES.x, ZEBRAS.x[:4], HORSES.body), "expected .* same animals"),
    (stripes, (translators(), HORSES.x, ZEBRAS.x, HORSES.body[..., :4]), "expected .* same animals"),
    (labels, (DIGITS, Y, {"pixels": FEATURES["pixels"]}), "expected two features or more"),
    (labels, (DIGITS[:300], Y[:300], FEATURES), "expected .* of 300 images each"),
    (warps, (DIGITS, lambda x: x), "expected 1 to 12 images"),
    (warps, (DIGITS[:3, 0], lambda x: x), "expected 1 to 12 images"),
    (fitting_room, ({}, SOME), "expected a TryOn or several by name, got"),
    (fitting_room, (SYSTEMS["one"], SOME), "expected a TryOn or several by name, got"),
    (fitting_room, ({"one": torch.nn.Identity()}, SOME), "expected a TryOn or several by name, got"),
    (fitting_room, (SYSTEMS, SOME[0]), "expected two people or more, got"),
    (fitting_room, (SYSTEMS, SOME.x), "expected two people or more, got"),
]


@pytest.mark.parametrize(("explorer", "arguments", "message"), BAD)
def test_bad_input_gets_one_clear_error(explorer, arguments, message):
    with pytest.raises(ValueError, match=f"{explorer.__name__}: {message}"):
        explorer(*arguments)

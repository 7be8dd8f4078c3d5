"""Explorers of notebook 07: where two readers disagree, and what a warp does to what is read."""

import re

import pytest
import torch
from drawn import drawn
from explorer_inputs import judged, warped

from course_utils.applications.augmentation import warp
from course_utils.applications.features import label_draws, read
from course_utils.explorers.features_augmentation_try_on import labels, warps


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


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda x, y, f: labels(x, y, {"pixels": f["pixels"]}), "two features or more"),
        (lambda x, y, f: labels(x[:300], y[:300], f), "of 300 images each"),
        (lambda x, y, f: warps(x, lambda x: x), "1 to 12 images"),
        (lambda x, y, f: warps(x[:3, 0], lambda x: x), "1 to 12 images"),
    ],
)
def test_bad_input_is_one_error_that_names_it(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong(*judged())

"""The lens of notebook 05: what it shows is what lies under it."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from skimage.metrics import peak_signal_noise_ratio

from course_utils.explorers.super_resolution_and_colourisation import lens

X = torch.rand(1, 3, 80, 300, generator=torch.Generator().manual_seed(0))
NEARLY, HARDLY = 0.9 * X, 0.2 + 0.3 * X


def drawn(explorer, **values):
    figure = Figure(figsize=explorer.size)
    explorer.frame(figure)
    explorer.draw(figure, **values)
    return figure.axes


def test_the_lens_shows_each_picture_where_it_stands_and_how_far_it_is_from_the_original():
    photograph, nearly, hardly, original = drawn(
        lens(X, {"nearly": NEARLY, "hardly": HARDLY}), across=50, down=40
    )
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
    assert [ax.get_title() for ax in drawn(explorer, across=268, down=48)[1:]][-1] == "original"
    grey = lens(X[:, :1], {"nearly": NEARLY[:, :1]})
    assert np.ptp(np.asarray(drawn(grey, across=50, down=40)[1].images[0].get_array()), axis=2).max() == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((None, {"a": X}), "lens: expected a photograph .* got NoneType"),
        ((X[..., :60], {"a": X[..., :60]}), "lens: expected a photograph .* from 64×64 up"),
        ((X[:, :2], {"a": X[:, :2]}), "lens: expected a photograph"),
        ((X, {}), "lens: expected 1 to 3 restored pictures, got 0"),
        ((X, dict.fromkeys("abcd", X)), "lens: expected 1 to 3 restored pictures, got 4"),
        ((X, {"a": X[..., :100]}), "lens: a: expected"),
        ((X, {"a": X + 1}), "lens: a: expected values in"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        lens(*arguments)

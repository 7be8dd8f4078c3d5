from functools import partial

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.datasets import digits
from course_utils.explorers.start_here import draw_threshold, frame_threshold


@pytest.mark.parametrize("threshold", [1, 8, 16])
def test_threshold_shows_the_grey_digit_its_binary_form_and_its_share_of_ink(threshold):
    x = digits("levels").train.x[:5]
    figure = Figure(figsize=(7, 3.4))
    frame_threshold(figure)
    draw_threshold(x, figure, threshold=threshold, digit=3)
    grey, binary = (ax.images[0].get_array()[..., 0] for ax in figure.axes)
    levels = torch.unique(torch.from_numpy(np.ascontiguousarray(binary[2:-2, 2:-2])))
    ink = np.isclose(binary, 1).sum() / 48**2
    assert ink == pytest.approx((x[3] * 16 >= threshold).double().mean().item())
    assert f"≥ {threshold}/16: {100 * ink:.0f} % ink" in figure.axes[1].get_title()
    assert set(levels.tolist()) <= {0.0, 1.0}
    assert set(np.unique(grey)) - {plots.canvas.FRAME} == set(x[3].double().unique().tolist())


def test_threshold_8_is_the_binarisation_of_the_course():
    grey, binary = digits("levels").train.x[:20], digits("binary").train.x[:20]
    assert torch.equal((grey >= 8 / 16).float(), binary)


def test_more_ink_at_a_lower_threshold():
    draw = partial(draw_threshold, digits("levels").train.x[:1])
    shares = []
    for threshold in range(1, 17):
        figure = Figure()
        frame_threshold(figure)
        draw(figure, threshold=threshold, digit=0)
        shares.append(np.isclose(figure.axes[1].images[0].get_array()[..., 0], 1).sum())
    assert shares == sorted(shares, reverse=True) and shares[0] > shares[-1] > 0

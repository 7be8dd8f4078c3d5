import pytest
import torch
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.datasets import digits
from course_utils.explorers.start_here import threshold


@pytest.mark.parametrize("level", [1, 8, 16])
def test_threshold_shows_the_grey_digit_its_binary_form_and_its_share_of_ink(level, monkeypatch):
    shown, x = [], digits("levels").train.x[3]
    monkeypatch.setattr(plots, "images", lambda picture, **given: shown.append((picture, given)))
    explorer, figure = threshold(), Figure()
    explorer.frame(figure)
    explorer.draw(figure, threshold=level, digit=3)
    (grey, _), (binary, given) = shown[-2:]
    assert torch.equal(grey[0], x) and torch.equal(binary[0], (x * 16 >= level).float())
    assert f"≥ {level}/16: {100 * binary.mean():.0f} % ink" in given["title"]
    assert [each["ax"] for _, each in shown[-2:]] == figure.axes


def test_threshold_8_is_the_binarisation_of_the_course():
    grey, binary = digits("levels").train.x[:20], digits("binary").train.x[:20]
    assert torch.equal((grey >= 8 / 16).float(), binary)

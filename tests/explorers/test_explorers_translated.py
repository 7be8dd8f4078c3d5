"""The way from a zebra made a horse to the true horse: its ends are what they are called."""

import pytest
import torch
from matplotlib.figure import Figure

from course_utils.applications.translation import CycleGAN
from course_utils.datasets.herd import herd
from course_utils.explorers.translation_and_faces import stripes

HORSES, ZEBRAS = herd(8, "horse", side=16), herd(8, "zebra", side=16)


def translators() -> CycleGAN:
    """F takes light away, G does nothing."""
    model = CycleGAN((3, 16, 16), hidden=4, deep=4, blocks=1)
    torch.nn.init.constant_(model.to_x.paint[-1].bias, -0.25)
    return model


def test_the_ends_of_the_way():
    seen = stripes(translators(), HORSES.x, ZEBRAS.x, HORSES.body)
    start, end = (seen.picture(way=way) for way in (0.0, 1.0))
    assert start != end and seen.picture(way=0.0) == start
    y = ZEBRAS.x[:3]
    off = ((y - 0.25).clamp(0, 1) - y).abs().mean(1, keepdim=True) * HORSES.body[:3]
    error = (off.sum((1, 2, 3)) / HORSES.body[:3].sum((1, 2, 3))).mean()
    figure = Figure(figsize=seen.size)
    seen.frame(figure)
    seen.draw(figure, way=0.0)
    assert f"{error:.2f} off the zebra" in figure.axes[0].get_title()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, HORSES.x, ZEBRAS.x, HORSES.body), "CycleGAN, got NoneType"),
        ((translators(), HORSES.x, ZEBRAS.x[:4], HORSES.body), "same animals"),
        ((translators(), HORSES.x, ZEBRAS.x, HORSES.body[..., :4]), "same animals"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=f"stripes: .*{message}"):
        stripes(*arguments)

"""Pictures as they are stored and as wide as asked for: photographs keep their grey, images their width."""

import io

import numpy as np
import PIL.Image
import torch

from course_utils import plots
from course_utils.plots.output import smaller


def test_a_grey_photograph_stays_grey_beside_one_in_colour():
    """256 colours for both: those of a drawing's choice are 3 of 255 off on average, and tint the grey."""
    x, y = np.meshgrid(np.linspace(0, 1, 200), np.linspace(0, 1, 300))
    grey = np.repeat(255 * (x * y)[..., None], 3, 2)
    colour = 255 * np.stack([x, y, (x + np.sin(9 * y) ** 2) / 2], 2)
    photographs = np.concatenate([grey, colour], 1).round().astype(np.uint8)
    file = io.BytesIO()
    PIL.Image.fromarray(photographs).save(file, "png")
    stored = np.asarray(PIL.Image.open(io.BytesIO(smaller(file.getvalue()))).convert("RGB")).astype(float)
    error = np.abs(stored - photographs)
    assert len(np.unique(stored.reshape(-1, 3), axis=0)) <= 256 and error.mean() < 6
    assert np.ptp(stored[:, :200], axis=2).mean() < 2


def test_images_are_as_wide_as_asked_for_where_there_is_room():
    def inches(n: int, **more: float) -> float:
        ax = plots.images(torch.rand(n, 3, 8, 8), columns=n, **more)
        return ax.get_figure().get_size_inches()[0] / n

    assert abs(inches(4, inches=2.0) - 2) < 0.1 and inches(4) < 1
    assert abs(inches(10, inches=2.0) - 1) < 0.1, "no wider than a page"

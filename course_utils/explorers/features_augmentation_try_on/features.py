"""The same few labels, read from pixels and from what a model makes of them: where do the two disagree?"""

from collections.abc import Mapping
from functools import lru_cache

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.applications.features import check_features, label_draws, read_scaled, scaled
from course_utils.explorers.engine import Explorer, choice, slider

COUNTS, START, PICKS, ROWS, COLUMNS = (10, 20, 50, 100), 20, 10, 2, 9


def labels(x: Tensor, y: Tensor, features: Mapping[str, Tensor]) -> Explorer:
    """Images that two readers with the same labels read differently, and how many each reads right.

    A reader is a logistic regression on features. Labels are drawn from the first third of the images, and
    the other two thirds are read.

    Args:
        x: images with one channel, ``(N, 1, H, W)``.
        y: their classes, ten, ``(N,)``.
        features: by name, ``(N, K)`` each; the first is what the others are compared with.

    Raises:
        ValueError: there are no two features, or they are not of these images.
    """
    if len(features) < 2 or any(len(f) != len(x) for f in features.values()):
        got = {name: len(f) for name, f in features.items()}
        raise ValueError(f"labels: expected two features or more of {len(x)} images each, got {got}")
    base, pool = next(iter(features)), len(x) // 3
    ready = {name: scaled(check_features(f, y, "labels")) for name, f in features.items()}
    draws = lru_cache(8)(lambda n: label_draws(y[:pool], n))
    truth, shown = y[pool:], x[pool:]

    @lru_cache(256)
    def answers(name: str, n: int, k: int) -> Tensor:
        rows = draws(n)[k]
        return read_scaled(ready[name], y[rows], rows)[pool:]

    def draw(figure: Figure, *, labels: int, seen: str, pick: int) -> None:
        mine, other = answers(base, labels, pick), answers(seen, labels, pick)
        differ = (mine != other).nonzero()[: ROWS * COLUMNS, 0]
        right = [100 * (one == truth).double().mean() for one in (mine, other)]
        texts = [f"{a} → {b}" for a, b in zip(mine[differ].tolist(), other[differ].tolist(), strict=True)]
        texts += [""] * (ROWS * COLUMNS - len(texts))
        blank = shown.new_zeros(ROWS * COLUMNS - len(differ), *shown.shape[1:])
        said = f"{labels} labels. Read right: {right[0]:.1f} % from {base}, {right[1]:.1f} % from {seen}"
        tiles = torch.cat([shown[differ], blank])
        plots.images(tiles, labels=texts, columns=COLUMNS, title=said, ax=figure.axes[0])

    return Explorer(
        draw,
        title=f"Images on which two readers disagree: what is read from {base} → what is read from features",
        size=(9, 3.2),
        frame=lambda figure: figure.add_axes((0.01, 0.01, 0.98, 0.88)).set_axis_off(),
        labels=choice(list(COUNTS), value=START, tooltip="How many images have a label"),
        seen=choice(list(features)[1:], tooltip="What the second reader sees of an image"),
        pick=slider(0, PICKS - 1, value=0, tooltip="Which images have a label"),
    )

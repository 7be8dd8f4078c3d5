"""What a translator of drawn animals learns from, and how good it is by pairs that it has never seen."""

from torch import Tensor

from course_utils.applications.translation import CycleGAN, contrast, difference
from course_utils.datasets.herd import herd
from course_utils.divergences import Estimate, mean

LARGE, EXAM = 64, 100  # the side of drawn animals, and how many pictures measure a translation


def horses_and_zebras() -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """A thousand of each, unpaired, and some to watch the cycles by."""
    many = herd(1000, "horse", side=LARGE, seed=10).x, herd(1000, "zebra", side=LARGE, seed=11).x
    return many, (herd(32, "horse", side=LARGE, seed=12).x, herd(32, "zebra", side=LARGE, seed=13).x)


def translations(model: CycleGAN) -> dict[str, Estimate]:
    """What a translation gets right, by pairs that it has never seen."""
    horses, zebras = herd(EXAM, "horse", side=LARGE, seed=2), herd(EXAM, "zebra", side=LARGE, seed=2)
    x, y, body = horses.x, zebras.x, horses.body
    as_y, as_x = model.translate(x), model.translate(y, "x")
    return {
        "zebra to horse, error on the body": mean(difference(as_x, x, body)),
        "horse to zebra, change of the meadow": mean(difference(as_y, x, 1 - body)),
        "cycle error": mean((model.translate(as_y, "x") - x).abs().mean((1, 2, 3))),
        "stripe contrast, share": mean(contrast(as_y, body) / contrast(y, body)),
    }

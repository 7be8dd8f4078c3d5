"""The recipes of applications, on drawn pictures and on photographs: slides 8 to 10."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.applications.translation import CycleGAN, contrast, difference
from course_utils.datasets.herd import herd
from course_utils.divergences import Estimate, mean


@dataclass(frozen=True)
class Application:
    """A system that is no density of digits: what it learns, how, and what it is measured by.

    Attributes:
        system: what makes the system.
        arguments: of the system.
        data: what makes the tensors to learn from, and those that are held out.
        about: what they show, such as "drawn faces, 64×64".
        training: of ``fit``.
        measure: figures of a trained system, the most telling one first, on pictures it has not seen.
        source: the paper that it follows.
        paper: what that reports in the same unit; None: nothing that compares.
        start: the recipe of a first stage: parts of the same name start from its weights; None: from none.
    """

    system: Callable[..., nn.Module]
    arguments: Mapping[str, Any]
    data: Callable[[], tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]
    about: str
    training: Mapping[str, Any]
    measure: Callable[[Any], dict[str, Estimate]]
    source: str
    paper: str | None = None
    start: str | None = None

    def model(self) -> Any:
        """The system before training, always with the same weights; the caller's random numbers go on."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self.system(**self.arguments)

    def sets(self) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """The tensors to learn from, and those that are held out."""
        return self.data()


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


APPLICATIONS: Mapping[str, Application] = MappingProxyType(
    {
        "zebras": Application(
            CycleGAN,
            {"event_shape": (3, LARGE, LARGE), "deep": 48, "blocks": 3, "sight": 2},
            horses_and_zebras,
            "drawn horses and zebras, unpaired, 64×64",
            {"epochs": 10, "lr": 2e-3, "batch_size": 4, "average": 0.995, "schedule": "cosine"},
            translations,
            "Zhu, Park, Isola & Efros 2017",
        ),
    }
)

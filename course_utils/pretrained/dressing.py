"""What virtual try-on learns from, and what it is measured by: drawn people in shirts."""

from typing import Any

from torch import Tensor

from course_utils.applications.try_on import pairs, scores
from course_utils.datasets.people import dressed, people
from course_utils.divergences import Estimate


def in_own_shirts() -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """2,400 people in the shirts they wear, and 200 others: all that photographs would give, too."""
    return pairs(people(2400, seed=1)), pairs(people(200, seed=2))


def in_other_shirts(model: Any) -> dict[str, Estimate]:
    """The scores on 200 new people, each in the shirt of another: as a shop would use it."""
    some = people(200, seed=3)
    return scores(model, dressed(some.body, some.cloth.roll(1, 0)))

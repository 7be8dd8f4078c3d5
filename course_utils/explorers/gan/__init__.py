"""The explorers of notebook 19: a game, two distributions pulled apart, noise against class, the ranking."""

from course_utils.explorers.gan.game import apart, lattice, replay, shares
from course_utils.explorers.gan.ranking import table
from course_utils.explorers.gan.styles import styles

__all__ = ["apart", "lattice", "replay", "shares", "styles", "table"]

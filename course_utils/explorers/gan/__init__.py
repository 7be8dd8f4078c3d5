"""The explorers of notebook 19: a game replayed, two distributions pulled apart, the whole tree ranked."""

from course_utils.explorers.gan.game import apart, lattice, replay, shares
from course_utils.explorers.gan.ranking import table

__all__ = ["apart", "lattice", "replay", "shares", "table"]

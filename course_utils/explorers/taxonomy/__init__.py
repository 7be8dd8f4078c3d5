"""The explorers of notebook 10: the tree of slide 14, and the table of all that hangs on it."""

from course_utils.explorers.taxonomy.ranking import table
from course_utils.explorers.taxonomy.tree import systems

__all__ = ["systems", "table"]

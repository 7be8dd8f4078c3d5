"""The systems on the tree of slide 14, one file a family; every leaf is exported here."""

from course_utils.models.ffjord import FFJORD
from course_utils.models.made import MADE
from course_utils.models.nade import NADE

__all__ = ["FFJORD", "MADE", "NADE"]

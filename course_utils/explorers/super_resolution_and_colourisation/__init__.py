"""The explorers of notebook 05: a lens over restored photographs, a colour that is decided once, and kept."""

from course_utils.explorers.super_resolution_and_colourisation.colouring import row_by_row
from course_utils.explorers.super_resolution_and_colourisation.lens import lens

__all__ = ["lens", "row_by_row"]

"""The explorers of notebook 06: what a translated zebra hides, and faces between two others."""

from course_utils.explorers.translation_and_faces.faces import between
from course_utils.explorers.translation_and_faces.stripes import stripes

__all__ = ["between", "stripes"]

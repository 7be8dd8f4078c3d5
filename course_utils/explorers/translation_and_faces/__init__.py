"""The explorers of notebook 06: what a translated zebra hides."""

from course_utils.explorers.translation_and_faces.stripes import stripes

__all__ = ["stripes"]

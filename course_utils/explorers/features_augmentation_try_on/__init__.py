"""The explorers of notebook 07: what few labels make readable, how far an image may be warped, any shirt."""

from course_utils.explorers.features_augmentation_try_on.augmentation import warps
from course_utils.explorers.features_augmentation_try_on.features import labels
from course_utils.explorers.features_augmentation_try_on.fitting_room import fitting_room

__all__ = ["fitting_room", "labels", "warps"]

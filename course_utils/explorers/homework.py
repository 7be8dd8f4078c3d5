"""The explorer of notebook 21: that of the distances, from notebook 04."""

from course_utils.explorers.kl_to_mle import which_distance

__all__ = ["which_distance"]

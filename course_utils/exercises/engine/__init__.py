"""What exercises are made of, how an answer is judged, and what a student calls."""

from course_utils.exercises.engine.comparison import Wrong
from course_utils.exercises.engine.exercise import (
    Exercise,
    Property,
    Verdict,
    agrees_with,
    differentiable,
    holds,
    judge,
)

__all__ = ["Exercise", "Property", "Verdict", "Wrong", "agrees_with", "differentiable", "holds", "judge"]

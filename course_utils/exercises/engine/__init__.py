"""What exercises are made of, how an answer is judged, and what a student calls."""

from course_utils.exercises.engine.comparison import Wrong
from course_utils.exercises.engine.exercise import (
    Cases,
    Exercise,
    Property,
    Verdict,
    agrees,
    agrees_with,
    differentiable,
    holds,
    judge,
    within,
)

__all__ = [
    "Cases",
    "Exercise",
    "Property",
    "Verdict",
    "Wrong",
    "agrees",
    "agrees_with",
    "differentiable",
    "holds",
    "judge",
    "within",
]

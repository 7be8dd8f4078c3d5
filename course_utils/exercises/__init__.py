"""Exercises that never break a notebook: a module for each notebook, and check, hint, solution."""

from course_utils.exercises.engine.checking import check, hint, solution

__all__ = ["check", "hint", "solution"]

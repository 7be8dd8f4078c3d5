"""Notebooks: run them top to bottom and store outputs that stay the same until something really changes.

``python -m course_utils refresh`` executes the notebooks of the course and writes them back. What differs
from run to run, or from machine to machine, is left out: widget state, progress bars, timings, Python's
version, what a CPU's own rounding makes of a trained model (see ``comparison``). A notebook that fails, warns or prints to stderr is not written.
"""

from course_utils.notebooks.command import Refreshed, find, main, refresh
from course_utils.notebooks.execution import NotebookError, execute

__all__ = ["NotebookError", "Refreshed", "execute", "find", "main", "refresh"]

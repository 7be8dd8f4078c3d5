"""Marking a class: every submitted notebook runs alone, within limits, and what ``check`` says counts.

``python -m course_utils mark FOLDER`` writes a table of marks and a report for each student. A submission
that fails, hangs or eats memory costs its own marks only. What it runs in is built against accidents and
pranks: a process of its own with limits of time and memory, without network, which may write in a folder
of its own only. On Linux the system holds these walls (see ``walls``), elsewhere Python's audit does. They
keep a submission from the others and from the machine. They are no proof against forgers: who wants to forge
the own marks from inside can, so look into surprising ones.
"""

from collections.abc import Sequence

from course_utils.classroom.classroom import Mark, mark
from course_utils.classroom.isolation import Limits

__all__ = ["Limits", "Mark", "main", "mark"]


def main(argv: Sequence[str] | None = None) -> int:
    """Mark a folder of submissions from the command line; 1 if there is something to look into."""
    from course_utils.classroom.command import main

    return main(argv)

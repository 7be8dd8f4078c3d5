"""The environment check: what is here, what is missing, and how to mend it.

``python -m course_utils`` prints it and notebook 00 shows it. It needs no network, and it runs in a
Python where nothing is installed yet: whatever it asks for is imported only when asked.
"""

import sys
from pathlib import Path

from course_utils.environment.data import digits, mnist
from course_utils.environment.findings import Finding, as_text, summary
from course_utils.environment.machine import clone_of, device, disk, imported_from, notebooks
from course_utils.environment.versions import packages, python_version

__all__ = ["Finding", "as_text", "report", "summary"]


def report() -> list[Finding]:
    """Look at everything a notebook needs: Python, packages, device, data, disk, folders.

    Nothing is changed, downloaded or printed.

    >>> {finding.state for finding in report()} <= {"ok", "note", "problem"}
    True
    """
    package = Path(__file__)
    root = clone_of(package)
    return [
        python_version(sys.version_info[:3]),
        *packages(root),
        device(),
        digits(),
        mnist(),
        disk(root or Path.cwd()),
        notebooks(root),
        imported_from(package, Path.cwd()),
    ]

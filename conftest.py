"""One thread a kernel, a budget of seconds for every notebook, and a fair share of the work for each worker.

It lies at the root, so that ``pytest notebooks/03_generative_models.ipynb`` loads it too.
"""

import json
import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

# Before torch is imported, here and in the kernels: with two workers on two cores, more threads are slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

STATED = re.compile(r"\btime\b\W*(?:about\s+)?(\d+(?:\.\d+)?)\s*min", re.IGNORECASE)
APART = "test_the_notebook_runs_with_every_exercise_solved"  # as long as a file of tests, each
MARGIN, LEAST = 4.0, 90.0  # machines differ, and may have more to do: fail what is far beyond its header


def stated_seconds(notebook):
    """The seconds that the header of a notebook states ("**Time:** about 0.5 minutes"), or None."""
    try:
        cells = json.loads(Path(notebook).read_text("utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return None
    header = "\n".join("".join(cell["source"]) for cell in cells[:2] if cell["cell_type"] == "markdown")
    stated = STATED.search(header)
    return 60 * float(stated[1]) if stated else None


class Budget:
    """Adds up the seconds of each notebook's cells, kernel start included, and holds them to the header."""

    def __init__(self, root):
        self.root = root
        self.seconds = defaultdict(float)

    def pytest_runtest_logreport(self, report):
        path = report.nodeid.split("::")[0]
        if path.endswith(".ipynb"):
            self.seconds[path] += report.duration

    def rows(self):
        """Notebook, seconds, limit (None where the header states no time)."""
        for path, seconds in sorted(self.seconds.items()):
            stated = stated_seconds(self.root / path)
            yield path, seconds, None if stated is None else max(LEAST, MARGIN * stated)

    def pytest_sessionfinish(self, session):
        if any(limit is not None and seconds > limit for _, seconds, limit in self.rows()):
            session.exitstatus = session.exitstatus or 1

    def pytest_terminal_summary(self, terminalreporter):
        if not self.seconds:
            return
        terminalreporter.section("seconds a notebook took, and its limit")
        for path, seconds, limit in self.rows():
            over = limit is not None and seconds > limit
            line = f"{seconds:7.1f} {'' if limit is None else f'/ {limit:3.0f}':<6} {path}"
            terminalreporter.write_line(line + "  over its limit: FAILED" * over, red=over)


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # the workers of xdist report to the controller, which adds up
        config.pluginmanager.register(Budget(config.rootpath), "notebook-budget")


@pytest.hookimpl(optionalhook=True)  # where pytest-xdist is
def pytest_xdist_make_scheduler(config, log):
    """A file of tests stays with one worker, but whole notebooks that are run as one test go to any."""
    from xdist.scheduler import LoadFileScheduling

    class NotebooksApart(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return nodeid if APART in nodeid else super()._split_scope(nodeid)

    return NotebooksApart(config, log) if config.getvalue("dist") == "loadfile" else None

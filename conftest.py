"""One thread a kernel, workers by the machine, and a budget of CPU seconds for every notebook.

It lies at the root, so that ``pytest notebooks/03_generative_models.ipynb`` loads it too.
"""

import gc
import json
import os
import re
from collections import Counter
from pathlib import Path

import joblib
import psutil
import pytest

# Before torch is imported, here and in the kernels: with a worker a core, more threads are slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

STATED = re.compile(r"\btime\b\W*(?:about\s+)?(\d+(?:\.\d+)?)\s*min", re.IGNORECASE)
MARGIN, LEAST = 4.0, 90.0  # machines differ: fail what is far beyond its header
PATIENCE = 120  # seconds for an output to arrive; nbval's own 5 are too few where the machine is busy
MEMORY = 2 << 30  # bytes a worker needs with its kernel
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
CPU = "CPU seconds of the kernel"


def stated_seconds(notebook):
    """The seconds that the header of a notebook states ("**Time:** about 0.5 minutes"), or None."""
    try:
        cells = json.loads(Path(notebook).read_text("utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return None
    header = "\n".join("".join(cell["source"]) for cell in cells[:2] if cell["cell_type"] == "markdown")
    stated = STATED.search(header)
    return 60 * float(stated[1]) if stated else None


def cpu_seconds(pid):
    """The CPU seconds that a process has used since its start, with those of its children that have ended."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:  # it died, which its cells report
        return None
    return times.user + times.system + times.children_user + times.children_system


class Budget:
    """Holds the CPU seconds of each notebook's kernel, its start included, to what the header states.

    CPU and not wall-clock time: how busy the machine is otherwise makes no notebook slow.
    """

    def __init__(self, root):
        self.root = root
        self.seconds = {}

    def pytest_runtest_logreport(self, report):
        path = report.nodeid.split("::")[0]
        for name, seconds in report.user_properties:
            if name == CPU:
                self.seconds[path] = max(seconds, self.seconds.get(path, 0.0))

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
        terminalreporter.section("CPU seconds a notebook took, and its limit")
        for path, seconds, limit in self.rows():
            over = limit is not None and seconds > limit
            line = f"{seconds:7.1f} {'' if limit is None else f'/ {limit:3.0f}':<6} {path}"
            terminalreporter.write_line(line + "  over its limit: FAILED" * over, red=over)


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # the workers of xdist report to the controller, which compares
        config.pluginmanager.register(Budget(config.rootpath), "notebook-budget")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What imports bring stays to the end: to look for garbage in it took a quarter of the collection."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_unconfigure():
    gc.unfreeze()  # at the exit some extensions complain of what nobody collected


def is_cell(item):
    """Whether a test is a cell of a notebook, run by nbval."""
    return item.path.suffix == ".ipynb"


def pytest_collection_modifyitems(items):
    """Cells are slow. Files go to the workers whole: first notebooks, then those with most slow tests.

    So the last files are short ones, and no worker waits long for another.
    """
    for item in filter(is_cell, items):
        item.output_timeout = PATIENCE
        item.add_marker("slow")
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: (not is_cell(item), not is_cell(item) and -slow[item.path]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if is_cell(item) and call.when == "call":
        seconds = cpu_seconds(item.parent.kernel.km.provisioner.pid)
        report.user_properties += [] if seconds is None else [(CPU, seconds)]
    return report


@pytest.fixture(autouse=True)
def same_threads():
    """No test leaves another number of threads to those after it: their sums would round otherwise."""
    import torch

    before = torch.get_num_threads()
    yield
    if torch.get_num_threads() != before:
        torch.set_num_threads(before)


def memory_to_use():
    """Bytes that this machine, or the container that it is, has to give."""
    limits = [Path(file).read_text().strip() for file in CGROUP_LIMITS if Path(file).is_file()]
    return min([psutil.virtual_memory().available, *(int(limit) for limit in limits if limit.isdecimal())])


@pytest.hookimpl(optionalhook=True)  # where pytest-xdist is
def pytest_xdist_auto_num_workers():
    """A worker for each core, or for as many cores as each has threads, unless memory is short.

    Two kernels of two threads on two cores wait for each other, and burn CPU seconds while they wait.
    xdist's own number in the environment counts more.
    """
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    threads = os.environ["OMP_NUM_THREADS"]
    cores = joblib.cpu_count() // max(1, int(threads) if threads.isdecimal() else 1)
    return max(1, min(cores, memory_to_use() // MEMORY))

"""The CPU seconds of notebooks are held to what their headers state; workers, slow tests and places."""

import gc
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from places import ROOT

spec = importlib.util.spec_from_file_location("root_conftest", ROOT / "conftest.py")
conftest = importlib.util.module_from_spec(spec)
spec.loader.exec_module(conftest)


def notebook(folder, name, *markdown):
    cells = [{"cell_type": "markdown", "source": text} for text in markdown]
    (folder / name).write_text(json.dumps({"cells": cells}), "utf-8")
    return folder / name


@pytest.mark.parametrize(
    "header, seconds",
    [
        (["# Title\n\n**Time:** about 0.5 minutes on 2 CPU cores"], 30),
        (["# Title\n", "**Time**: 2 min"], 120),
        ([["# Ti", "tle\n", "- *Time:* about 1.5 minutes"]], 90),
        (["# Title", "Time: about 1 minute"], 60),
        (["# Title, for the first time", "in 3 minutes"], None),
        (["# Title", "nothing", "**Time:** about 1 minute"], None),
        ([], None),
    ],
)
def test_header(tmp_path, header, seconds):
    assert conftest.stated_seconds(notebook(tmp_path, "a.ipynb", *header)) == seconds


def test_a_file_that_is_no_notebook_has_no_budget(tmp_path):
    (tmp_path / "a.ipynb").write_text("no JSON")
    assert conftest.stated_seconds(tmp_path / "a.ipynb") is None
    assert conftest.stated_seconds(tmp_path / "b.ipynb") is None


def run(folder, reports, status=0):
    """What a session with these reports ends with: its exit status, its table, the lines in red."""
    budget, session = conftest.Budget(folder), SimpleNamespace(exitstatus=status)
    for nodeid, seconds in reports:
        properties = [("another", "property")] + [(conftest.CPU, s) for s in [seconds] if s is not None]
        report = SimpleNamespace(nodeid=nodeid, duration=1e9, user_properties=properties)
        budget.pytest_runtest_logreport(report)
    budget.pytest_sessionfinish(session)
    lines = []
    terminal = SimpleNamespace(section=lambda title: lines.append((title, False)))
    terminal.write_line = lambda line, red: lines.append((line, red))
    budget.pytest_terminal_summary(terminal)
    return session.exitstatus, [line for line, _ in lines], [line for line, red in lines if red]


def test_cpu_seconds_of_the_kernel_are_held_to_a_multiple_of_the_header_and_wall_time_is_not(tmp_path):
    """Each cell reports what its kernel has used since its start; the last says all."""
    notebook(tmp_path, "long.ipynb", "**Time:** about 1 minute")
    cells = [("long.ipynb::Cell 0", 3.0), ("long.ipynb::Cell 1", 239.0), ("long.ipynb::Cell 2", None)]
    status, table, red = run(tmp_path, [*cells, ("tests/test_a.py::test_b", None)])
    assert (status, red) == (0, []) and len(table) == 2 and "239.0 / 240" in table[1]
    status, table, red = run(tmp_path, [*cells, ("long.ipynb::Cell 3", 241.0)])
    assert status == 1 and red == table[1:] and "FAILED" in table[1]


def test_some_seconds_are_free_and_no_header_is_no_limit(tmp_path):
    notebook(tmp_path, "short.ipynb", "**Time:** about 0.1 minutes")
    notebook(tmp_path, "silent.ipynb", "no header")
    status, table, _ = run(tmp_path, [("short.ipynb::Cell 0", 89.0), ("silent.ipynb::Cell 0", 900.0)])
    assert status == 0 and len(table) == 3
    assert run(tmp_path, [("short.ipynb::Cell 0", 91.0)])[0] == 1


def test_a_failed_session_stays_as_it_is(tmp_path):
    assert run(tmp_path, [("tests/test_a.py::test_b", None)], status=2) == (2, [], [])
    notebook(tmp_path, "long.ipynb", "**Time:** about 1 minute")
    assert run(tmp_path, [("long.ipynb::Cell 0", 999.0)], status=2)[0] == 2


def test_the_budget_is_kept_where_the_reports_arrive(request):
    here = request.config.pluginmanager.has_plugin("notebook-budget")
    assert here != hasattr(request.config, "workerinput")


def test_a_process_is_measured_by_its_work_and_not_by_its_age():
    before = conftest.cpu_seconds(os.getpid())
    time.sleep(0.5)
    assert conftest.cpu_seconds(os.getpid()) - before < 0.4
    start = time.process_time()  # not ``before``, in which children are that have ended
    while time.process_time() - start < 0.2:
        pass
    assert conftest.cpu_seconds(os.getpid()) - before > 0.1
    assert conftest.cpu_seconds(2**22 + 1) is None  # no process has this number


def test_a_cell_reports_the_cpu_seconds_of_its_kernel():
    kernel = SimpleNamespace(km=SimpleNamespace(provisioner=SimpleNamespace(pid=os.getpid())))
    cell = SimpleNamespace(path=Path("a.ipynb"), parent=SimpleNamespace(kernel=kernel))
    for when, count in (("setup", 0), ("call", 1)):
        hook = conftest.pytest_runtest_makereport(cell, SimpleNamespace(when=when))
        next(hook)
        with pytest.raises(StopIteration) as done:
            hook.send(SimpleNamespace(user_properties=[]))
        properties = done.value.value.user_properties
        assert len(properties) == count and all(s > 0 for _, s in properties)


class Item(SimpleNamespace):
    """A test as far as the order of tests is concerned."""

    def add_marker(self, name):
        self.marked = True

    def get_closest_marker(self, name):
        return name == "slow" and self.marked


def test_cells_are_slow_and_whole_files_go_first_that_take_long():
    names = ["tests/a.py 0", "tests/b.py 1", "tests/b.py 0", "tests/c.py 0"]
    names += ["notebooks/n.ipynb 0", *["notebooks/o.ipynb 0"] * 2, *["tests/d.py 1"] * 2]
    items = [Item(path=Path(n.split()[0]), name=n, marked=n.endswith("1")) for n in names]
    conftest.pytest_collection_modifyitems(items)
    assert [item.name for item in items] == [names[i] for i in (4, 5, 6, 7, 8, 1, 2, 0, 3)]
    assert items[0].marked and items[0].output_timeout == conftest.PATIENCE and not items[6].marked


@pytest.mark.parametrize(
    "cores, threads, gigabytes, workers",
    [(2, "1", 64, 2), (64, "1", 9, 4), (1, "1", 64, 1), (8, "1", 0.5, 1)]
    + [(2, "2", 64, 1), (9, "2", 64, 4), (2, "4", 64, 1), (2, "", 64, 2), (2, "0", 64, 2), (2, "4,2", 64, 2)],
)
def test_workers_are_as_many_as_cores_threads_and_memory_allow(
    cores, threads, gigabytes, workers, monkeypatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    monkeypatch.setattr(conftest.joblib, "cpu_count", lambda: cores)
    monkeypatch.setattr(conftest, "memory_to_use", lambda: int(gigabytes * 2**30))
    assert conftest.pytest_xdist_auto_num_workers() == workers
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "3")
    assert conftest.pytest_xdist_auto_num_workers() is None


def test_memory_is_what_a_container_was_given(tmp_path, monkeypatch):
    memory = SimpleNamespace(available=8 << 30)
    monkeypatch.setattr(conftest.psutil, "virtual_memory", lambda: memory)
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(conftest, "CGROUP_LIMITS", (str(limit),))
    assert conftest.memory_to_use() == 8 << 30
    for text, due in (("max\n", 8 << 30), (f"{3 << 30}\n", 3 << 30), (f"{1 << 62}\n", 8 << 30)):
        limit.write_text(text)
        assert conftest.memory_to_use() == due


def test_garbage_is_looked_for_in_what_tests_make_alone():
    assert gc.isenabled() and gc.get_freeze_count() > 10_000


def test_kernels_inherit_the_number_of_threads():
    assert os.environ["OMP_NUM_THREADS"].isdecimal()


@pytest.mark.slow
def test_a_test_in_a_folder_of_its_own_finds_the_helpers(tmp_path):
    """Also by ``-n2 --dist=loadfile``, and beside a notebook whose kernel is measured."""
    for name in ("conftest.py", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    (tmp_path / "tests" / "room").mkdir(parents=True)
    (tmp_path / "course_utils").mkdir()
    (tmp_path / "tests" / "helper.py").write_text("VALUE = 3\n")
    (tmp_path / "tests" / "room" / "test_it.py").write_text(
        "from helper import VALUE\n\ndef test_it():\n    assert VALUE == 3\n"
    )
    (tmp_path / "notebooks").mkdir()
    one = new_notebook(cells=[new_code_cell("1 + 1", id="a")])
    nbformat.write(one, tmp_path / "notebooks" / "00_one.ipynb")
    line = [sys.executable, "-m", "pytest", "-n2", "-p", "no:cacheprovider"]
    run = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert "2 passed" in run.stdout and "notebooks/00_one.ipynb" in run.stdout, run.stdout

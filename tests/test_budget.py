"""The seconds that notebooks take are added up, shown, and held to what their headers state."""

import importlib.util
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from xdist.remote import Producer

spec = importlib.util.spec_from_file_location("root_conftest", Path(__file__).parents[1] / "conftest.py")
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
        budget.pytest_runtest_logreport(SimpleNamespace(nodeid=nodeid, duration=seconds))
    budget.pytest_sessionfinish(session)
    lines = []
    budget.pytest_terminal_summary(
        SimpleNamespace(
            section=lambda title: lines.append((title, False)),
            write_line=lambda line, red: lines.append((line, red)),
        )
    )
    return session.exitstatus, [line for line, _ in lines], [line for line, red in lines if red]


def test_seconds_add_up_and_are_held_to_a_multiple_of_the_header(tmp_path):
    notebook(tmp_path, "long.ipynb", "**Time:** about 1 minute")
    cells = [("long.ipynb::Cell 0", 100.0), ("long.ipynb::Cell 1", 139.0), ("tests/test_a.py::test_b", 500.0)]
    status, table, red = run(tmp_path, cells)
    assert (status, red) == (0, [])
    assert len(table) == 2
    assert "239.0 / 240" in table[1]
    status, table, red = run(tmp_path, [*cells, ("long.ipynb::Cell 1", 2.0)])
    assert status == 1
    assert red == table[1:]
    assert "FAILED" in table[1]


def test_some_seconds_are_free_and_no_header_is_no_limit(tmp_path):
    notebook(tmp_path, "short.ipynb", "**Time:** about 0.1 minutes")
    notebook(tmp_path, "silent.ipynb", "no header")
    status, table, _ = run(tmp_path, [("short.ipynb::Cell 0", 89.0), ("silent.ipynb::Cell 0", 900.0)])
    assert status == 0
    assert len(table) == 3
    assert run(tmp_path, [("short.ipynb::Cell 0", 91.0)])[0] == 1


def test_a_failed_session_stays_as_it_is(tmp_path):
    assert run(tmp_path, [("tests/test_a.py::test_b", 1.0)], status=2) == (2, [], [])
    notebook(tmp_path, "long.ipynb", "**Time:** about 1 minute")
    assert run(tmp_path, [("long.ipynb::Cell 0", 999.0)], status=2)[0] == 2


def test_the_budget_is_kept_where_the_reports_arrive(request):
    here = request.config.pluginmanager.has_plugin("notebook-budget")
    assert here != hasattr(request.config, "workerinput")


def test_kernels_inherit_the_number_of_threads():
    assert os.environ["OMP_NUM_THREADS"].isdecimal()


def test_a_file_stays_with_one_worker_and_each_solved_notebook_goes_to_any():
    def scheduler(dist):
        options = {"dist": dist, "tx": ["popen"]}
        config = SimpleNamespace(
            getvalue=options.get, getoption=options.get, option=SimpleNamespace(**options)
        )
        return conftest.pytest_xdist_make_scheduler(config, Producer("test"))

    tests = [f"tests/test_a.py::test_b[{i}]" for i in range(2)]
    long = [f"tests/test_exercise_notebooks.py::{conftest.APART}[{i}]" for i in range(2)]
    scope = scheduler("loadfile")._split_scope
    assert {scope(test) for test in tests} == {"tests/test_a.py"} and [scope(test) for test in long] == long
    assert scheduler("load") is None
    assert f"def {conftest.APART}(" in Path(__file__).with_name("test_exercise_notebooks.py").read_text(
        "utf-8"
    )

"""JupyterHub for a class, as docs/classroom.md has it: two students, a notebook each, and a correction."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from lab import FLAGS, PATIENCE, SECONDS, Lab, chromium_or_skip
from nbformat.v4 import new_code_cell, new_notebook
from places import ROOT
from playwright.sync_api import Page, sync_playwright

from course_utils.notebooks.outputs import KERNELSPEC

MISSING = [name for name in ("jupyterhub", "nbgitpuller") if importlib.util.find_spec(name) is None]
MISSING += [name for name in ("configurable-http-proxy", "prlimit", "git") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"docs/classroom.md says how to bring {', '.join(MISSING)}"),
]

PASSWORD, TERM = "tree-of-slide-14", "spring"
CONFIG = """
load_subconfig({course!r})
c.Spawner.args += ["--LabApp.expose_app_in_browser=True"] + ["--allow-root"] * {root}
"""
LIMITS = """
import os, torch, course_utils
assert torch.get_num_threads() == 1
assert course_utils.__file__.startswith(os.path.expanduser("~/course/"))
try:
    bytearray(4_000_000_000)
except MemoryError:
    pass
else:
    raise AssertionError("4 GB for a kernel")
"""


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=instructor", "-c", "user.email=instructor@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def hub(folder: Path, repository: Path) -> Iterator[str]:
    """Run the hub of docs/ on loopback, with all of its files in a folder; yield its address."""
    public, own, api = free_ports(3)
    course = str(ROOT / "docs" / "jupyterhub_config.py")
    config = folder / "config.py"
    config.write_text(CONFIG.format(course=course, root=int(os.getuid() == 0)))
    line = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
    line += [f"--JupyterHub.bind_url=http://127.0.0.1:{public}", f"--JupyterHub.hub_port={own}"]
    line += [f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{api}"]
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CLASS_FOLDER": str(folder / "class"),
        "CLASS_REPOSITORY": f"file://{repository}",
        "CLASS_BRANCH": TERM,
        "CLASS_PASSWORD": PASSWORD,
    }
    with (folder / "hub.log").open("wb") as log:
        running = subprocess.Popen(line, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            url, end = f"http://127.0.0.1:{public}", time.monotonic() + PATIENCE
            while running.poll() is None and time.monotonic() < end:
                try:
                    urllib.request.urlopen(f"{url}/hub/login").close()
                    break
                except OSError:
                    time.sleep(0.2)
            else:
                raise RuntimeError(f"the hub did not start:\n{(folder / 'hub.log').read_text()[-2000:]}")
            yield url
        finally:
            running.terminate()
            try:
                running.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


@pytest.fixture(scope="module")
def term(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The instructor's clone, with the branch of the term."""
    clone = tmp_path_factory.mktemp("instructor") / "course"
    told = subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{ROOT}", str(clone)])
    if told.returncode:
        pytest.skip("not a clone of git")
    git(clone, "checkout", "-q", "-B", TERM)
    return clone


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the hub keeps its files, and the students' folders."""
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def students(term: Path, folder: Path) -> Iterator[dict[str, Lab]]:
    """Two students, logged in, each in front of JupyterLab in a browser of their own."""
    chromium = chromium_or_skip()
    with hub(folder, term) as url, sync_playwright() as playwright:
        alone = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, alone])
        try:
            labs = {}
            for name in ("ada", "emmy"):
                page = browser.new_context().new_page()
                page.set_default_timeout(PATIENCE * SECONDS)
                page.goto(f"{url}/hub/login")
                page.fill("[name=username]", name)
                page.fill("[name=password]", PASSWORD)
                page.click("[type=submit]")
                at_work(page, name)
                labs[name] = Lab(page, f"{url}/user/{name}/", "")
            yield labs
        finally:
            browser.close()


def at_work(page: Page, name: str) -> None:
    """Wait until the student's server has started, and shows notebook 00."""
    page.wait_for_url(f"**/user/{name}/lab/tree/course/notebooks/00_start_here.ipynb**")
    page.wait_for_selector(".jp-Notebook .jp-Cell")


def test_each_runs_a_notebook_in_a_clone_of_their_own(students):
    for lab in students.values():
        lab.open("course/notebooks/21_homework.ipynb")
        lab.run_all()
        assert lab.errors() == []
        assert lab.strangers() == []


def test_a_kernel_has_one_thread_and_no_more_than_its_memory(students, folder):
    lab = students["emmy"]
    cells, metadata = [new_code_cell(LIMITS, id="limits")], {"kernelspec": KERNELSPEC}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), folder / "class/students/emmy/limits.ipynb")
    lab.open("limits.ipynb")
    lab.run_all()
    assert lab.errors() == []


def test_corrections_reach_a_student_whose_edits_stay(students, folder, term):
    lab = students["ada"]
    theirs = folder / "class/students/ada/course/notebooks"
    edited, untouched = "01_supervised_learning.ipynb", "02_beyond_supervision.ipynb"
    own = json.dumps({**json.loads((theirs / edited).read_text("utf-8")), "metadata": {"mine": 1}})
    (theirs / edited).write_text(own, "utf-8")
    for name in (edited, untouched, "30_new.ipynb"):
        (term / "notebooks" / name).write_text("{}", "utf-8")
    git(term, "add", "-A")
    git(term, "commit", "-q", "-m", "a correction")

    page, base = lab.page, lab.url.split("/user/")[0]
    page.goto(f"{base}/hub/home")
    page.click("#stop")
    page.wait_for_selector("#start:has-text('Start My Server')")
    page.click("#start")
    at_work(page, "ada")
    assert (theirs / edited).read_text("utf-8") == own
    assert [(theirs / name).read_text("utf-8") for name in (untouched, "30_new.ipynb")] == ["{}", "{}"]

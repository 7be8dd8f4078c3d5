"""The environment check: every probe meets the fault that it is there to find."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest
import torch
from places import ROOT

from course_utils import __main__ as command
from course_utils import runtime
from course_utils.environment import Finding, as_text, machine, report, versions
from course_utils.environment.findings import MEND


def test_all_is_well_here():
    findings = report()
    assert [f for f in findings if f.state == "problem"] == []
    whats = [f.what for f in findings]
    assert len(whats) == len(set(whats))
    assert {"Python", "torch", "jupyterlab", "device", "digits 8x8", "MNIST", "disk", "notebooks"} <= {*whats}
    assert all(f.hint for f in findings if f.state != "ok")


@pytest.mark.parametrize("version, state", [((3, 10, 14), "problem"), ((3, 11, 0), "ok"), ((3, 14, 9), "ok")])
def test_python_version(version, state):
    assert versions.python_version(version).state == state


def test_python_versions_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (a, b), (c, d) = versions.PYTHONS
    assert project["requires-python"] == f">={a}.{b},<{c}.{d}"
    assert project["name"] == machine.PROJECT
    assert versions.python_version((c, d, 0)).state == "problem"


def test_pins_leave_out_other_platforms_and_read_every_line():
    text = (ROOT / "requirements.txt").read_text("utf-8")
    found = versions.pins(text)
    names = {re.split("[= ;]", line)[0] for line in text.splitlines() if line and not line.startswith("#")}
    assert set(found) <= names
    assert {"torch", "torchvision", "numpy"} <= set(found)
    assert ("pywinpty" in found) == (os.name == "nt")


def test_pins_without_packaging(monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.markers", None)
    assert versions.pins("a==1\nb==2 ; python_version > '3'") == {"a": "1"}


def test_missing_and_differing_packages(tmp_path, monkeypatch):
    everything = {name: "1" for name in versions.SHOWN} | {"tqdm": "1", "scipy": "1+local"}
    pins = (f"{name}==1" for name in [*everything, "nvidia-x", "triton"])
    (tmp_path / "requirements.txt").write_text("\n".join(pins))

    def states(**changes):
        here = {name: v for name, v in (everything | changes).items() if v}
        monkeypatch.setattr(versions, "installed", lambda: here)
        return {f.what: f for f in versions.packages(tmp_path)}

    assert {f.state for f in states().values()} == {"ok"}
    assert states(torch=None)["torch"] == Finding("problem", "torch", "not installed", MEND)
    assert states(torch="2")["torch"].state == "note"
    assert "2; the course is tested with 1" in states(torch="2")["torch"].found
    assert states(torch="1+cpu")["torch"].state == "ok"
    assert "tqdm" in states(tqdm=None)["other packages"].found
    assert states(tqdm=None, scipy="2")["other packages"].state == "problem"
    assert states(scipy="2")["other packages"].state == "note"


def test_first_of_two_installations_counts(tmp_path, monkeypatch):
    for folder, version in (("first", "2"), ("second", "1")):
        (info := tmp_path / folder / "My_Thing-0.dist-info").mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: My_Thing\nVersion: {version}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "second")])
    assert versions.installed() == {"my-thing": "2"}


def test_device_of_this_machine(capsys, monkeypatch):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    found = machine.device()
    assert found.state in {"ok", "note"}
    assert runtime.describe(runtime.device()) in found.found
    assert capsys.readouterr().out == ""


def test_device_asked_for_in_vain_is_a_note_with_the_words_of_the_fallback(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cuda")
    monkeypatch.setattr(runtime, "works", lambda kind: kind == "cpu")
    found = machine.device()
    assert found.state == "note"
    assert found.found.startswith("cuda is not available here: using CPU")
    assert capsys.readouterr().out == ""


def test_unknown_device_is_a_problem(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "abacus")
    found = machine.device()
    assert found.state == "problem" and "abacus" in found.found


def test_driver_that_torch_cannot_use_is_a_note(monkeypatch):
    def too_old(wanted=None):
        warnings.warn("CUDA initialization: the driver is too old\nmore", stacklevel=1)
        return torch.device("cpu")

    monkeypatch.setattr(runtime, "device", too_old)
    found = machine.device()
    assert found.state == "note"
    assert found.found.endswith("CUDA initialization: the driver is too old")
    monkeypatch.setattr(runtime, "device", lambda: torch.device("cpu"))
    monkeypatch.setattr(shutil, "which", lambda name: "nvidia-smi" if name == "nvidia-smi" else None)
    assert machine.device().state == "note"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert machine.device().state == "ok"


def test_torch_that_does_not_load_is_a_problem(monkeypatch):
    def broken(wanted=None):
        raise OSError("[WinError 126] a module could not be found\nmore")

    monkeypatch.setattr(runtime, "device", broken)
    found = machine.device()
    assert found.state == "problem"
    assert found.found == "torch does not load: [WinError 126] a module could not be found"


@pytest.mark.slow
@pytest.mark.parametrize("error", ["RuntimeError", "ValueError", "ImportError"])
def test_whatever_torch_raises_when_imported_the_report_is_whole(tmp_path, error):
    (tmp_path / "torch.py").write_text(f"raise {error}('numpy.dtype size changed')")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    line = [sys.executable, "-m", "course_utils"]
    env = os.environ | {"PYTHONPATH": path}
    told = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True)
    assert told.returncode == 1 and not told.stderr
    assert "torch does not load: numpy.dtype size changed" in told.stdout and "MNIST" in told.stdout


@pytest.mark.parametrize("gibibytes, state", [(0.2, "problem"), (0.5, "note"), (50, "ok")])
def test_disk_space(tmp_path, monkeypatch, gibibytes, state):
    usage = type("usage", (), {"free": gibibytes * 2**30})
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    assert machine.disk(tmp_path).state == state


def test_disk_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path / "data")
    assert machine.disk(tmp_path).state == "problem"


def test_notebooks(tmp_path):
    assert machine.notebooks(None).state == "problem"
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "scratch.ipynb").touch()
    assert machine.notebooks(tmp_path).state == "problem"
    (tmp_path / "notebooks" / "03_x.ipynb").touch()
    assert machine.notebooks(tmp_path) == Finding("ok", "notebooks", "1 here")


def test_imported_from_another_clone(tmp_path):
    package = ROOT / "course_utils" / "environment" / "__init__.py"
    assert machine.imported_from(package, ROOT / "notebooks").state == "ok"
    assert machine.imported_from(package, tmp_path).state == "ok"
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8"), "utf-8")
    other = machine.imported_from(package, tmp_path)
    assert other.state == "problem"
    assert str(ROOT) in other.found
    elsewhere = tmp_path.parent / "site-packages" / "course_utils"
    assert machine.imported_from(elsewhere, tmp_path.parent).state == "problem"


def test_the_command_prints_and_fails_on_a_problem(capsys, monkeypatch):
    fine, bad = Finding("note", "a", "b", "c"), Finding("problem", "d", "e", "f")
    for findings, status in (([fine], 0), ([fine, bad], 1)):
        for argv in ([], ["check"]):
            monkeypatch.setattr(command, "report", lambda found=findings: found)
            assert command.main(argv) == status
            assert capsys.readouterr().out == as_text(findings) + "\n"
    for wrong in (["chekc"], ["check", "more"]):
        with pytest.raises(SystemExit) as stop:
            command.main(wrong)
        assert stop.value.code == 2


def test_refresh_and_picture_are_handed_over(monkeypatch):
    from course_utils import notebooks
    from course_utils.scoreboard import picture

    monkeypatch.setattr(notebooks, "main", lambda argv: len(argv))
    monkeypatch.setattr(picture, "main", lambda argv: 10 * len(argv))
    assert command.main(["refresh", "--check", "03", "--help"]) == 3
    assert command.main(["picture", "a.png"]) == 10


def test_runs_in_a_python_where_nothing_is_installed():
    # -S leaves site-packages out of the path
    line = [sys.executable, "-S", "-m", "course_utils"]
    bare = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert bare.returncode == 1 and bare.stderr == ""
    assert re.search(r"problem +torch +not installed", bare.stdout)
    assert "python -m uv run" in bare.stdout

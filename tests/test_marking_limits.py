"""What a submission may not do to the machine that marks it, nor a strange file to the marks of others."""

import csv
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.classroom import Limits, Mark, classroom, command, isolation, main, mark
from course_utils.classroom.command import write
from course_utils.classroom.isolation import Outcome, run
from course_utils.classroom.walls import walls

unix = pytest.mark.skipif(not hasattr(os, "fork"), reason="what only Unix has is tried")
SETUP = """import os, subprocess, threading, time
from pathlib import Path
Path("own").write_text("x")
"""
TRIED = {
    "remove": ("os.remove(OUTSIDE)", "os.remove outside the own folder"),
    "move over": ("os.rename('own', OUTSIDE)", "os.rename outside the own folder"),
    "move away": ("os.rename(OUTSIDE, 'stolen')", "os.rename outside the own folder"),
    "append": ("open(OUTSIDE, 'a')", "writing outside the own folder"),
    "write and read": ("open(OUTSIDE, 'r+')", "writing outside the own folder"),
    "low level": ("os.open(OUTSIDE, os.O_WRONLY | os.O_TRUNC)", "writing outside the own folder"),
    "folder": ("os.mkdir(OUTSIDE + 's')", "os.mkdir outside the own folder"),
    "link": ("os.symlink(OUTSIDE, 'link')", "os.symlink outside the own folder"),
    "rights": ("os.chmod(OUTSIDE, 0)", "os.chmod outside the own folder"),
    "child": ("subprocess.run(['true'])", "subprocess.Popen is not allowed"),
    "shell": ("os.system('true')", "os.system is not allowed"),
    "fork": ("os.fork() or os._exit(0)", "os.fork is not allowed"),
    "spawn": ("os.posix_spawn('/bin/true', ['true'], {})", "os.posix_spawn is not allowed"),
    "exec": ("os.execv('/bin/true', ['true'])", "os.exec is not allowed"),
    "large file": ("open('big', 'wb').truncate(200 << 20)", "File too large"),
    "listing": ("open(FORBIDDEN + '/none.ipynb')", "other submissions are not to be read"),
    "session": (  # its leader: itself, or beyond the walls
        "raise KeyError(os.getsid(0) in (os.getpid(), 0))",
        "KeyError: True",
    ),
    "home": ("raise KeyError(Path.home() == Path.cwd())", "KeyError: True"),
    "keys": ("raise KeyError(os.environ.get('SOME_TOKEN', 'nothing'))", "KeyError: 'nothing'"),
    "network": ("raise KeyError(os.readlink('/proc/self/ns/net'))", "KeyError: 'net:"),
    "deaf once": (
        "try:\n    time.sleep(60)\nexcept BaseException:\n    time.sleep(60)",
        "OutOfTime: not done after 2 s",
    ),
    "quick": ("time.sleep(0.6)", ""),
    "own files": ("os.rename('own', 'mine'), os.mkdir('inner'), os.remove('mine')", ""),
    "thread": ("threading.Thread(target=lambda: time.sleep(600)).start()", ""),
}


@pytest.fixture(scope="module")
def tried(tmp_path_factory) -> tuple[Outcome, Path]:
    """One notebook that tries all, a cell each; and a file outside of its folder."""
    outside, others = tmp_path_factory.mktemp("outside") / "kept.txt", tmp_path_factory.mktemp("class")
    outside.write_text("kept")
    names = f"OUTSIDE, FORBIDDEN = {str(outside)!r}, {str(others)!r}\n"
    sources = [("setup", SETUP + names), *((name, source) for name, (source, _) in TRIED.items())]
    cells = [new_code_cell(source, id=name.replace(" ", "-")) for name, source in sources]
    nbformat.write(new_notebook(cells=cells), others / "paper.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOME_TOKEN", "secret")
        return run(others / "paper.ipynb", Limits(cell=2, total=100), forbidden=(others,)), outside


@unix
@pytest.mark.parametrize("name", TRIED)
def test_a_submission_is_held_to_its_own_folder_process_and_time(name, tried):
    errors = {note["cell"]: note["error"] for note in tried[0].notes if "error" in note}
    said = errors.get(name.replace(" ", "-"), "")
    assert TRIED[name][1] in said and bool(said) == bool(TRIED[name][1]), said


@unix
def test_what_lies_outside_is_untouched_and_no_thread_is_waited_for(tried):
    came, outside = tried
    assert came.ended == "finished" and outside.read_text() == "kept"
    assert [path.name for path in outside.parent.iterdir()] == ["kept.txt"]
    assert 2 < came.seconds < 100 and "setup" not in {note.get("cell") for note in came.notes}


@unix
@pytest.mark.skipif(walls() == "none", reason="the system lends no network of its own")
def test_a_submission_stands_on_no_network(tried):
    (error,) = (note["error"] for note in tried[0].notes if note.get("cell") == "network")
    assert os.readlink("/proc/self/ns/net") not in error


HOG = "import mmap, time; m = mmap.mmap(-1, 300 << 20); m.write(bytes(300 << 20)); time.sleep(90)"


@unix
@pytest.mark.parametrize(
    ("limits", "ended"),
    [(Limits(total=60, memory=200), "out of memory"), (Limits(total=1, memory=2000), "out of time")],
)
def test_what_a_child_takes_counts_and_the_child_ends_with_its_parent(limits, ended, monkeypatch, tmp_path):
    monkeypatch.setattr(isolation, "FLOOR", 0)
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOG!r}, {str(tmp_path)!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent], start_new_session=True)
    assert isolation._watch(process, limits, time.monotonic()) == ended
    assert process.poll() is not None
    living = [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline", "status"])]
    assert not [command for command in living if str(tmp_path) in command]


def test_endless_notes_are_cut(tmp_path, monkeypatch):
    (tmp_path / "notes").write_text('{"cell": "a"}\n' * 100)
    monkeypatch.setattr(isolation, "LARGEST_NOTES", 1000)
    assert 0 < len(isolation._read(tmp_path / "notes")) < 100


STRANGE = (
    "[" * 200_000,
    '{"exercise": [], "outcome": {}}',
    '{"cell": [], "error": {}}',
    "\udc80",
    "1" * 5000,
)


def test_strange_notes_cost_no_marks(tmp_path):
    good = '{"exercise": "ink", "outcome": "right"}'
    lines = "\n".join([*STRANGE, good, *STRANGE])
    (tmp_path / "notes").write_bytes(lines.encode("utf-8", "surrogateescape"))
    done = classroom._from_notes("x", ["ink"], Outcome(isolation._read(tmp_path / "notes")))
    assert done.outcomes == {"ink": "right"} and done.errors == {"[]": "{}"}


HEAD = '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": '


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"cells": 3}',
        '{"nbformat": 99}',
        '{"nbformat": []}',
        HEAD + "[3]}",
        HEAD + '[{"cell_type": "code", "source": [3]}]}',
        "[" * 200_000,
        b"\xff\xfe\x00",
    ],
    ids=range(10),
)
def test_a_file_that_is_no_notebook_costs_nobody_elses_marks(content, tmp_path, monkeypatch):
    for name in ("a", "z"):
        nbformat.write(new_notebook(), tmp_path / f"{name}.ipynb")
    (tmp_path / "odd.ipynb").write_bytes(content if isinstance(content, bytes) else content.encode())
    note = {"exercise": "kl_as_sum", "outcome": "right", "text": "right"}
    monkeypatch.setattr(classroom, "run", lambda *args, **kwargs: Outcome([note]))
    told = []
    marks = mark(tmp_path, on_mark=told.append)
    assert [(each.student, each.ended, each.marks) for each in marks] == [
        ("a", "finished", 1),
        ("odd", "no notebook", 0),
        ("z", "finished", 1),
    ]
    assert sorted(told, key=lambda each: each.student) == marks


def test_only_what_is_right_and_was_asked_for_counts():
    notes = [{"exercise": "ink", "outcome": outcome} for outcome in ("right", "broken check")]
    notes += [{"exercise": name, "outcome": "right"} for name in ("pixels", "kl_as_sum", "kl_as_sum")]
    done = classroom._from_notes("x", ["ink", "pixels", "iou"], Outcome(notes))
    assert done.outcomes == {"ink": "broken check", "pixels": "right", "iou": "not checked"}
    assert done.marks == 1 and [each.marks for each in three()] == [1, 1, 0]


# The command


def three() -> list[Mark]:
    right = Mark("ada", {"split_kl": "right", "iou": "wrong"}, {"iou": "8 is few"}, seconds=7.4)
    other = Mark(
        "bob/late", {"split_kl": "not attempted", "iou": "right"}, ended="out of time", seconds=120.0
    )
    return [right, other, Mark("carl", {"split_kl": "broken check", "iou": "not checked"})]


def test_every_cell_of_the_table_stands_under_its_name(tmp_path):
    write(three(), tmp_path)
    rows = list(csv.DictReader((tmp_path / "marks.csv").open(encoding="utf-8-sig")))
    for row, each in zip(rows, three(), strict=True):
        facts = {"student": each.student, "marks": str(each.marks), "of": "2", "ended": each.ended}
        assert row == facts | {"seconds": f"{each.seconds:.0f}"} | each.outcomes
    report = (tmp_path / "ada.md").read_text("utf-8")
    assert report.index("✓ split_kl: right") < report.index("✗ iou: wrong") < report.index("    8 is few")
    assert "was checked before counts" not in report and "Cells that failed" not in report
    assert "did not run to its end: out of time" in (tmp_path / "bob--late.md").read_text("utf-8")


def test_strange_names_and_words_cost_nobody_elses_report(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))  # as on some terminals
    names = ("a/b", "a--b", "A--b", "folder/" * 60 + "a")
    marks = [Mark("Müller", {"ink": "wrong"}), *(Mark(name, {"ink": "right"}) for name in names)]
    monkeypatch.setattr(
        command, "mark", lambda *args, on_mark, **_: [on_mark(each) or each for each in marks]
    )
    assert main([str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    reports = [path.read_text("utf-8") for path in (tmp_path / "out").glob("*.md")]
    assert len(reports) == 5 and len([report for report in reports if "1 of 1" in report]) == 4
    assert len({path.name.casefold() for path in (tmp_path / "out").iterdir()}) == 6
    assert "a/b" in (tmp_path / "out" / "marks.csv").read_text("utf-8-sig")


def test_the_command_passes_on_what_it_was_told_and_names_what_to_look_into(tmp_path, monkeypatch, capsys):
    given = {}

    def marked(folder, notebook, *, limits, jobs, hidden, on_mark):
        given.update(folder=folder, notebook=notebook, limits=limits, jobs=jobs, hidden=hidden)
        for each in three()[: given["jobs"]]:
            on_mark(each)
        return three()[: given["jobs"]]

    monkeypatch.setattr(command, "mark", marked)
    words = ["--notebook", "04", "--cell-seconds", "1", "--seconds", "2", "--megabytes", "3"]
    for jobs, odd in (
        (1, []),
        (2, ["bob/late: out of time"]),
        (3, ["bob/late: out of time", "carl: finished"]),
    ):
        code = main([str(tmp_path), *words, "--out", str(tmp_path / "out"), "--jobs", str(jobs)])
        said = capsys.readouterr().out
        found = [
            line.removeprefix("look into ") for line in said.splitlines() if line.startswith("look into")
        ]
        assert code == bool(odd) and found == odd and f"{jobs} submissions" in said
        assert "ada" in said and "✓✗" in said and "1 of 2" in said
    told = {"folder": tmp_path, "notebook": "04", "limits": Limits(1, 2, 3), "jobs": 3}
    assert given == told | {"hidden": [tmp_path / "out"]}

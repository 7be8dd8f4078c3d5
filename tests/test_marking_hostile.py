"""Whatever a submission is or does, marking goes on: files of every shape, forged notes, walls that hold."""

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_notebook

from course_utils.classroom import classroom, isolation, mark
from course_utils.classroom.classroom import _from_notes
from course_utils.classroom.command import write
from course_utils.classroom.isolation import Limits, Outcome, _read, run
from course_utils.classroom.walls import ALL, walled, walls

FILES = {
    "empty": "",
    "text": "hello",
    "list": "[]",
    "deep": "[" * 200_000,
    "cells": '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 5}',
    "future": '{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}',
    "words": '{"nbformat": "4", "nbformat_minor": 0, "metadata": {}, "cells": []}',
    "old": '{"nbformat": 1, "cells": 4}',
}


def test_what_is_no_notebook_costs_nobody_elses_marks(tmp_path, monkeypatch):
    folder, ran = tmp_path / "class", []
    folder.mkdir()
    for name, text in FILES.items():
        (folder / f"{name}.ipynb").write_text(text)
    nbformat.write(new_notebook(), folder / "good.ipynb")
    (folder / "copied.ipynb").symlink_to(folder / "good.ipynb")
    (folder / "endless.ipynb").symlink_to("/dev/zero")
    (folder / "large.ipynb").write_text(json.dumps(new_notebook()) + " " * classroom.LARGEST)

    def fake(paper: Path, *args: object, **settings: object) -> Outcome:
        ran.append(paper.stem)
        return Outcome([{"done": True}])

    monkeypatch.setattr(classroom, "run", fake)
    ended = {each.student: each.ended for each in mark(folder)}
    odd = dict.fromkeys([*FILES, "copied", "endless", "large"], "no notebook")
    assert ended == {**odd, "good": "finished"} and ran == ["good"]


def test_a_run_that_cannot_even_begin_costs_its_own_marks_only(tmp_path, monkeypatch):
    for name in ("bad", "good"):
        nbformat.write(new_notebook(), tmp_path / f"{name}.ipynb")

    def full(paper: Path, *args: object, **settings: object) -> Outcome:
        if paper.stem == "bad":
            raise OSError("no space left")
        return Outcome([{"exercise": "kl_as_sum", "outcome": "right"}])

    monkeypatch.setattr(classroom, "run", full)
    bad, good = mark(tmp_path)
    assert (bad.ended, bad.marks, good.marks) == ("died", 0, 1)
    assert "no space left" in bad.errors["marking"]


def test_forged_notes_of_any_shape_are_read(tmp_path):
    good = '{"exercise": "ink", "outcome": "right", "text": "a"}'
    lines = ["[" * 100_000, '{"exercise": [], "outcome": "right"}', '{"exercise": {}, "outcome": []}', good]
    lines.append(r'{"cell": "`\n# 10 of 10", "error": "\ud800\u001b[2J"}')
    (tmp_path / "notes").write_text("\n".join(lines))
    done = _from_notes("x", ["ink"], Outcome(_read(tmp_path / "notes")))
    assert done.outcomes == {"ink": "right"}
    assert done.errors == {r"`\n# 10 of 10": r"\ud800\x1b[2J"}
    write([done], tmp_path / "out")
    assert r"\ud800\x1b[2J" in (tmp_path / "out" / "x.md").read_text("utf-8")


def test_every_student_has_a_report_of_their_own(tmp_path):
    students = ["a/b", "a--b", "A--B", "long/" * 80 + "x", "long/" * 80 + "y", "q?:*", "new\\nline"]
    marks = [_from_notes(student, ["ink"], Outcome()) for student in students]
    write(marks, tmp_path)
    titles = {path.read_text("utf-8").splitlines()[0] for path in tmp_path.glob("*.md")}
    assert titles == {f"# {student}: 0 of 1" for student in students}
    rows = list(csv.DictReader((tmp_path / "marks.csv").open(encoding="utf-8-sig")))
    assert [row["student"] for row in rows] == students


def test_a_name_that_no_encoding_knows_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(classroom, "run", lambda *args, **settings: Outcome())
    folder = tmp_path / "class"
    folder.mkdir()
    try:
        nbformat.write(new_notebook(), folder / "bad\udcff\x1b[31m.ipynb")
    except (OSError, UnicodeError):
        pytest.skip("this disk takes no such name")
    marks = mark(folder)
    write(marks, tmp_path / "out")
    assert marks[0].student == r"bad\udcff\x1b[31m"


def test_the_course_is_no_folder_of_submissions():
    with pytest.raises(ValueError, match="mark: expected a folder of submissions alone, got"):
        mark(classroom.COURSE.parent)


GUARDED = {
    "os.listdir(others)": "other submissions",
    "next(others.iterdir())": "other submissions",
    "open(others / 'paper').read()": "other submissions",
    "os.utime(file, (0, 0))": "os.utime outside",
    "os.chown(file, -1, -1)": "os.chown outside",
    "sqlite3.connect(str(others.parent / 'data'))": "sqlite3.connect outside",
    "resource.prlimit(os.getppid(), resource.RLIMIT_CPU)": "resource.prlimit is not allowed",
    "(Path('mine').write_text('a'), os.listdir('.'), os.utime('mine', (0, 0)))": "allowed",
    "sqlite3.connect('mine.db').close()": "allowed",
}


@pytest.mark.skipif(sys.platform != "linux", reason="not every system has all of these calls")
def test_pythons_audit_guards_where_there_are_no_walls(tmp_path):
    own, others, file = tmp_path / "own", tmp_path / "class", tmp_path / "file"
    for folder in (own, others):
        folder.mkdir()
    (others / "paper").touch()
    file.touch()
    lines = [
        "import os, resource, sqlite3, sys; from pathlib import Path",
        "from course_utils.classroom.inside import guard",
        f"others, file = Path({str(others)!r}), Path({str(file)!r})",
        f"guard(Path.cwd().resolve(), (others,)); tried = {list(GUARDED)!r}",
        "for each in tried:",
        "    try: eval(each); print('allowed')",
        "    except PermissionError as error: print(error)",
    ]
    settings = os.environ | {"PYTHONPATH": str(classroom.COURSE.parent)}
    command = [sys.executable, "-c", "\n".join(lines)]
    ran = subprocess.run(command, cwd=own, env=settings, capture_output=True, text=True, check=True)
    said = dict(zip(GUARDED, ran.stdout.splitlines(), strict=True))
    assert {each: text for each, text in said.items() if GUARDED[each] not in text} == {}


@pytest.fixture
def namespaces(tmp_path):
    """A system that allows namespaces and mounts in them: there the walls have to stand."""
    needed = 'mount -t tmpfs none "$1" && mount -o remount,bind,ro / && command -v setpriv'
    trial = [*ALL, "sh", "-c", needed, "sh", str(tmp_path)]
    if shutil.which("unshare") is None or subprocess.run(trial, capture_output=True, check=False).returncode:
        pytest.skip("no namespaces here")
    assert walls() == "all"


def test_walls_hold_for_any_program(tmp_path, namespaces):
    own, others, file = tmp_path / "room" / "own", tmp_path / "class", tmp_path / "file"
    (own / "work").mkdir(parents=True)
    others.mkdir()
    (tmp_path / "room" / "neighbour").touch()
    for path in (own / "notes", others / "paper", file):
        path.write_text("as it was\n")
    script = f"""
    echo forged > {file}; rm {file}; touch {tmp_path}/new; touch {own}/new
    cat {others}/paper > stolen; ls .. {own.parent} >> stolen
    kill -0 {os.getpid()} && echo alive >> stolen
    umount {others}; mount -o remount,rw,bind /; touch {tmp_path}/new
    cat stolen >> ../notes"""
    subprocess.run(walled(["sh", "-c", script], own, [others, own.parent]), capture_output=True, check=False)
    assert file.read_text() == "as it was\n" and not (tmp_path / "new").exists()
    assert [path.name for path in sorted(own.iterdir())] == ["notes", "work"] and not [
        *(own / "work").iterdir()
    ]
    seen = (own / "notes").read_text().split()
    assert seen[:3] == ["as", "it", "was"] and "notes" in seen
    assert {"paper", "neighbour", "alive"}.isdisjoint(seen) and seen.count("was") == 1


def test_what_a_submission_started_ends_with_it(tmp_path, monkeypatch, namespaces):
    nbformat.write(new_notebook(), tmp_path / "paper.ipynb")
    seconds = f"{987_000 + time.time() % 1000:.6f}"
    command = [
        "sh",
        "-c",
        f"setsid sleep {seconds} & exec {sys.executable} -c 'import time; time.sleep(60)'",
    ]
    monkeypatch.setattr(isolation, "walled", lambda inner, own, hidden: walled(command, own, hidden))
    assert run(tmp_path / "paper.ipynb", Limits(total=2)).ended == "out of time"
    left = [each for each in psutil.process_iter(["cmdline"]) if seconds in (each.info["cmdline"] or [])]
    assert left == []

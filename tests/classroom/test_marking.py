"""Marking: which files are submissions, what notes amount to, and that no mark that has come is lost."""

import csv
import io
import json
import os
import signal
import sys
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_notebook

from course_utils.classroom import command, marking, sandbox
from course_utils.classroom.command import Marks, main
from course_utils.classroom.marking import LARGEST_FILE, Mark, mark, marked, opened, submissions
from course_utils.classroom.sandbox import ROOT, Limits, Outcome, parse
from course_utils.classroom.submission import Cells, Runner, code_cells

RIGHT = {"exercise": "kl_as_sum", "outcome": "right", "text": "right. Verified"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A class of two, and no sandbox: each that would run is right in the first exercise."""
    for name in ("ada", "zoe"):
        (tmp_path / "class" / name).parent.mkdir(exist_ok=True)
        nbformat.write(new_notebook(), tmp_path / "class" / f"{name}.ipynb")
    monkeypatch.setattr(marking, "missing", lambda: "")
    monkeypatch.setattr(marking, "run", lambda *a, **b: Outcome("finished", "", 3.2, [RIGHT]))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "class"


def rows(out) -> dict[str, dict[str, str]]:
    with (out / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


# Files


def test_every_file_gets_a_line_and_only_a_plain_notebook_is_marked(folder, capsys):
    (folder / "capital.IPYNB").write_text("{}")
    (folder / "text.ipynb.txt").write_text("{}")
    (folder / "all.zip").write_bytes(b"PK")
    (folder / "copied.ipynb").symlink_to(folder / "ada.ipynb")
    (folder / "elsewhere").symlink_to("/")
    (folder / "endless.ipynb").symlink_to("/dev/zero")
    odd = ["all.zip", "capital.IPYNB", "copied", "elsewhere", "endless", "text.ipynb.txt"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.ipynb")
        odd.insert(-1, "pipe")
    inside = (f"{hidden}/ada.ipynb" for hidden in ("__MACOSX", ".ipynb_checkpoints"))
    for ignored in ("__MACOSX/._ada.ipynb", *inside, "Thumbs.db", ".hidden.ipynb"):
        (folder / ignored).parent.mkdir(exist_ok=True)
        (folder / ignored).write_text("{}")
    assert main([str(folder), "--out", "out"]) == 1
    found = rows(folder.parent / "out")
    assert [name for name, row in found.items() if row["ended"] == "not marked"] == odd
    assert all(found[name]["reason"].startswith("expected a ") for name in odd)
    assert [found[name]["marks"] for name in ("ada", "zoe")] == ["1", "1"] and len(found) == len(odd) + 2
    said = capsys.readouterr().out.splitlines()
    assert [sum(line.startswith(f"{name} ") for line in said) for name in odd] == [1] * len(odd)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "a.ipynb").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(ValueError, match="expected a plain file of at most 100 MB"):
        opened(tmp_path / "a.ipynb")


def test_names_that_look_alike_are_told_apart(tmp_path):
    raw = ["a\nb", r"a\nb", "Zoë", unicodedata.normalize("NFD", "Zoë"), "Müller", "bad\udcff"]
    for name in raw:
        try:
            (tmp_path / f"{name}.ipynb").write_text("{}")
        except (OSError, UnicodeError):
            pytest.skip("this disk takes no such name")
    names = submissions(tmp_path)
    assert names.keys() == {r"a\nb", r"a\\nb", r"Zo\xeb", r"Zoe\u0308", "Müller", r"bad\udcff"}
    assert {path.stem for path in names.values()} == set(raw)
    kept = Marks(tmp_path / "out")
    for name in names:
        kept.add(Mark(name, {"ink": "right"}))
    assert kept.trouble is None and len(rows(tmp_path / "out")) == len(raw)
    titles = {path.read_text("utf-8").splitlines()[0] for path in (tmp_path / "out").glob("*.md")}
    assert titles == {f"# {name}: 1 of 1" for name in names}


HEAD = '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": '
MALFORMED = ["", "hello", "[]", "{}", "[" * 200_000, '{"cells": 3}', HEAD + "5}", HEAD + "[3]}"]
MALFORMED += [f'{{"nbformat": {version}, "cells": []}}' for version in ("99", '"4"', "[]")]
MALFORMED += [f'{HEAD}[{{"cell_type": "code", "source": {source}}}]}}' for source in ("[3]", "3")]
MALFORMED += [HEAD + "[{},{}]}", b"\xff\xfe\x00", "1" * 5000]
FORGED = [*MALFORMED, "\udc80", '{"exercise": [], "outcome": {}}', '{"exercise": "ink", "outcome": "x"}']
FORGED += ['{"exercise": {}, "outcome": "right"}', '{"cell": [], "error": {}}', '{"cell": "a", "err', "[1]"]


def as_bytes(text) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("content", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_notebook_is_an_error_and_no_more(content):
    with pytest.raises((ValueError, KeyError, TypeError, RecursionError)):
        code_cells(as_bytes(content))


def test_notes_of_any_shape_are_read_and_only_those_that_count_do():
    lines = b"\n".join(map(as_bytes, [*FORGED, json.dumps(RIGHT), *FORGED]))
    done = marked("x", ["kl_as_sum", "ink"], Outcome("finished", notes=parse(lines)))
    assert done.outcomes == {"kl_as_sum": "right", "ink": "not checked"} and done.marks == 1
    assert done.errors == {"[]": "{}"} and done.ended == "finished"


def test_the_last_check_of_an_exercise_counts():
    notes = [{"exercise": "ink", "outcome": outcome} for outcome in ("right", "broken check")]
    notes += [{"exercise": name, "outcome": "right"} for name in ("pixels", "stranger", "stranger")]
    done = marked("x", ["ink", "pixels", "iou"], Outcome("finished", notes=notes))
    assert done.outcomes == {"ink": "broken check", "pixels": "right", "iou": "not checked"}
    assert done.marks == 1 and done.odd and not marked("x", ["iou"], Outcome("finished")).odd


def test_a_late_cell_and_an_unreadable_file_are_to_be_looked_into():
    late = marked("x", ["ink"], Outcome("finished", notes=[{"cell": "a", "error": "", "late": True}]))
    assert (late.ended, late.reason, late.odd) == ("a cell out of time", "a", True)
    torn = marked("x", ["ink"], Outcome("finished", notes=[{"unreadable": "KeyError: 'cells'"}]))
    assert (torn.ended, torn.reason, torn.odd) == ("not marked", "KeyError: 'cells'", True)


@pytest.mark.parametrize("limits", [{"cell": 0}, {"total": -1}, {"memory": 0}, {"memory": 1.5}])
def test_limits_are_positive(limits):
    with pytest.raises(ValueError, match="mark: .*expected .*got"):
        Limits(**limits)


@pytest.mark.parametrize("words", ["--jobs 0", "--jobs -1", "--notebook 99", "--out file"])
def test_what_cannot_be_done_is_one_line(folder, words, capsys):
    Path("file").touch()
    assert main([str(folder), "--out", "out", *words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("mark: ") and err.count("\n") == 1


def test_folders_that_hold_no_class_are_named(folder, capsys):
    (folder.parent / "other").mkdir()
    (folder.parent / "other" / "a.pdf").touch()
    for wrong in (folder.parent / "other", folder.parent / "none"):
        with pytest.raises(ValueError, match=f"mark: expected a folder with notebooks, got .*{wrong.name}"):
            mark(wrong)
        assert main([str(wrong), "--out", "out"]) == 2
        assert "expected a folder with notebooks" in capsys.readouterr().err
    assert not (folder.parent / "out").exists()
    with pytest.raises(ValueError, match="mark: expected a folder of submissions alone, got"):
        mark(ROOT)


def test_without_bubblewrap_the_command_says_what_to_install(folder, monkeypatch, capsys):
    monkeypatch.setattr(marking, "missing", sandbox.missing.__wrapped__)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    assert main([str(folder), "--out", "out"]) == 2
    said = capsys.readouterr().err
    assert "bubblewrap" in said and "--trust" in said and ("apt install" in said) == (sys.platform == "linux")
    assert not (folder.parent / "out").exists()
    assert main([str(folder), "--out", "out", "--trust"]) == 0


def test_a_bubblewrap_that_does_not_run_here_gives_its_reason_and_what_helps(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: name)
    code = "import sys; sys.exit('bwrap: No permissions to create new namespace')"
    monkeypatch.setattr(sandbox, "bubblewrap", lambda: [sys.executable, "-c", code, "--"])
    monkeypatch.setattr(sandbox, "RESTRICTED", tmp_path / "of Ubuntu")
    for forbidden, advice in ((None, "apt install"), ("0\n", "apt install"), ("1\n", "sudo sysctl -w")):
        if forbidden:
            sandbox.RESTRICTED.write_text(forbidden)
        said = sandbox.missing.__wrapped__()
        assert "(bwrap: No permissions to create new namespace)" in said and advice in said


# Marks are kept


def test_the_table_and_the_reports(tmp_path):
    kept = Marks(tmp_path)
    kept.add(Mark("bob/late", {"ink": "not attempted", "iou": "right"}, ended="out of time", seconds=120.4))
    texts, errors = {"iou": "8 < 9\n is few"}, {"c": "KeyError: 1"}
    kept.add(Mark("=HYPERLINK", {"ink": "right", "iou": "wrong"}, texts, errors))
    assert list(rows(tmp_path)) == ["'=HYPERLINK", "bob/late"]
    facts = {"student": "bob/late", "marks": "1", "of": "2", "ended": "out of time", "reason": ""}
    facts |= {"CPU seconds": "120", "ink": "not attempted", "iou": "right"}
    assert rows(tmp_path)["bob/late"] == facts
    late, first = ((tmp_path / name).read_text("utf-8") for name in ("bob--late.md", "=HYPERLINK.md"))
    assert "did not run to its end: out of time" in late and "Cells that failed" not in late
    assert "did not run" not in first and first.index("✓ ink: right") < first.index("✗ iou: wrong")
    assert "<pre>\n8 &lt; 9\n is few\n</pre>" in first and "c: KeyError: 1" in first


def test_no_markup_of_a_students_is_in_force(tmp_path):
    evil = "</pre><img src=x onerror=alert(1)><!--"
    done = Mark(evil, {"ink": "wrong"}, {"ink": evil}, {evil: evil}, "died", evil)
    (tmp_path / "evil.md").write_text("\n".join(command.report(done)))
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    parser.feed((tmp_path / "evil.md").read_text())
    assert tags == ["pre"] * 3 and (tmp_path / "evil.md").read_text().count("</pre>") == 3


def test_strange_names_cost_nobody_elses_report(folder, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))  # as on some terminals
    names = ("a/b", "a--b", "A--b", "folder/" * 60 + "a", "folder/" * 60 + "b", "q?:*", "Müller")
    marks = [Mark(name, {"ink": "right"}) for name in names]
    monkeypatch.setattr(command, "mark", lambda *a, **b: iter(marks))
    assert main([str(folder), "--out", "out"]) == 0
    files = [path.name.casefold() for path in (folder.parent / "out").glob("*.md")]
    assert len(set(files)) == len(names) and list(rows(folder.parent / "out")) == sorted(names)


def test_a_failure_of_ones_own_costs_nobody_elses_marks(folder, monkeypatch):
    def fails(file, *args, **settings) -> Outcome:
        if "ada" in file.name:
            raise MemoryError("no more")
        return Outcome("finished", notes=[RIGHT])

    monkeypatch.setattr(marking, "opened", lambda path: path.open("rb"))
    monkeypatch.setattr(marking, "run", fails)
    ada, zoe = sorted(mark(folder), key=lambda each: each.student)
    assert (ada.ended, ada.reason, ada.marks, zoe.marks) == ("not marked", "MemoryError: no more", 0, 1)


def test_where_one_cannot_write_nothing_is_run(folder, monkeypatch, capsys):
    monkeypatch.setattr(marking, "run", lambda *a, **b: pytest.fail("it ran"))
    (folder.parent / "file").touch()
    assert main([str(folder), "--out", "file"]) == 2 and "file" in capsys.readouterr().err

    def read_only(path, content):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(command, "write_bytes", read_only)  # the folder is there, and takes no file
    assert main([str(folder), "--out", "out"]) == 2 and "Read-only" in capsys.readouterr().err


def test_last_weeks_table_is_kept_until_there_is_a_mark_and_then_beside_it(folder):
    out = folder.parent / "out"
    out.mkdir()
    (out / "marks.csv").write_text("last week's")
    assert main([str(folder / "none"), "--out", "out"]) == 2
    assert (out / "marks.csv").read_text() == "last week's"
    assert main([str(folder), "--out", "out"]) == 0
    (old,) = out.glob("marks-2*.csv")
    assert old.read_text() == "last week's" and len(rows(out)) == 2


@pytest.mark.parametrize("fails", [1, 2, 99])
def test_a_table_that_cannot_be_written_is_written_with_the_next_mark_or_printed(
    folder, fails, monkeypatch, capsys
):
    write, count = command.write_bytes, []

    def full(path, content):
        count.append(path.name == "marks.csv")
        if path.name == "marks.csv" and sum(count) <= fails:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(command, "write_bytes", full)
    assert main([str(folder), "--out", "out", "--jobs", "1"]) == (fails > 1)
    said = capsys.readouterr().out
    assert ("No space left on device" in said) == (fails > 1) == ("ada,1,10,finished" in said)
    if fails == 1:
        assert [row["marks"] for row in rows(folder.parent / "out").values()] == ["1", "1"]


def test_the_command_passes_on_what_it_was_told_and_names_what_to_look_into(folder, monkeypatch, capsys):
    marks = [Mark("ada", {"ink": "right"}), Mark("bob", {"ink": "wrong"}, ended="died", reason="boom")]
    marks.append(Mark("carl", {"ink": "broken check"}))
    given = {}
    monkeypatch.setattr(command, "mark", lambda *a, **b: given.update(b, where=a) or iter(marks))
    words = ["--notebook", "04", "--cell-seconds", "1", "--seconds", "2", "--megabytes", "3", "--jobs", "2"]
    assert main([str(folder), *words, "--out", "out"]) == 1
    assert given == {"where": (folder, "04"), "limits": Limits(1, 2, 3), "jobs": 2, "trust": False}
    said = capsys.readouterr().out.splitlines()
    assert "3 submissions" in said[3] and "died: boom" in said[1]
    assert said[4:] == ["look into bob: died: boom", "look into carl: finished"]


# Cells


@pytest.fixture
def cells(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    return Cells()


@pytest.mark.parametrize(
    "line",
    ["%matplotlib inline", "%matplotlib widget", "%load_ext autoreload\n%autoreload 2", "%nonsense"]
    + ["!pip install tqdm", "!ls", "!exit 1", "%pip install tqdm", "y = !ls", "?x", "%config a.b = 'c'"],
)
def test_magics_and_shell_lines_cost_no_cell(line, cells):
    cells.run(f"{line}\nx = 1")
    assert cells.main.x == 1


def test_a_cell_is_pythons_as_in_a_notebook(cells):
    cells.run("%%time\nx = 1")
    cells.run("%time y = x + 1")
    cells.run("%%bash\nrm -r /")
    cells.run("import asyncio\nawait asyncio.sleep(0)\ndisplay\nget_ipython().anything(1)")
    cells.run("from dataclasses import dataclass\n@dataclass\nclass A:\n    b: 'int' = 3")
    cells.run("import pickle\nz = pickle.loads(pickle.dumps(A())).b + y")
    assert cells.main.z == 5


def test_what_fails_is_noted_and_the_next_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest's own stay as they are
    notes = tmp_path / "notes"
    runner = Runner(5.0, os.open(notes, os.O_WRONLY | os.O_CREAT))
    for error in (KeyError("a"), SystemExit(1), KeyboardInterrupt()):
        runner.run("cell", lambda error=error: (_ for _ in ()).throw(error))
    runner.run("good", lambda: None)
    errors = [note["error"] for note in parse(notes.read_bytes())]
    assert errors == ["KeyError: 'a'", "SystemExit: 1", "KeyboardInterrupt: "]

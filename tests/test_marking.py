"""Marking a class: each submission alone, and a hostile one at nobody's cost but its own."""

import csv
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.classroom import Limits, Mark, main, mark
from course_utils.classroom.classroom import _from_notes
from course_utils.classroom.command import report, write
from course_utils.classroom.isolation import Outcome, _read

START = "import torch\nfrom course_utils.exercises import check\n"
KL = "def kl_as_sum(log_p, log_q):\n    return (log_p.exp() * (log_p - log_q)).sum()"
REVERSED = "def kl_as_sum(log_p, log_q):\n    return (log_q.exp() * (log_q - log_p)).sum()"
BODIES = {
    "kl_as_sum": KL,
    "split_kl": "def split_kl(log_p, log_q): ...",
    "nll_minus_kl": "def nll_minus_kl(log_p, log_qs):\n    while True:\n        pass",
    "nll_of_samples": """def nll_of_samples(log_q, draws):
    hog = []
    while True:
        hog.append(bytearray(200_000_000))""",
    "likeliest_distribution": """def likeliest_distribution(draws, states):
    import socket
    socket.create_connection(("127.0.0.1", 9))""",
    "reverse_choice": """def reverse_choice(log_p, log_qs):
    from pathlib import Path
    Path(OUTSIDE).write_text("was here")""",
    "lowest_training_nll": "def lowest_training_nll(draws, states):\n    return open(OTHERS).read()",
    "js_of_the_best_judge": """def js_of_the_best_judge(log_p, log_q):
    import os
    os.kill(os.getppid(), 15)""",
}
VERDICTS = {
    "kl_as_sum": ("right", "right. Verified"),
    "split_kl": ("not attempted", "not attempted yet"),
    "sum_with_theta": ("wrong", "it is one of the two"),
    "nll_minus_kl": ("wrong", "not done after 3 s"),
    "nll_of_samples": ("wrong", "MemoryError"),
    "likeliest_distribution": ("wrong", "marking: socket"),
    "argument": ("not checked", ""),
    "reverse_choice": ("wrong", "own folder is not allowed"),
    "lowest_training_nll": ("wrong", "other submissions are not to be read"),
    "js_of_the_best_judge": ("wrong", "os.kill is not allowed"),
}


def submit(path: Path, *sources: str) -> None:
    cells = [new_code_cell(source, id=f"cell-{i}") for i, source in enumerate([START, *sources])]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)


@pytest.fixture(scope="module")
def marks(tmp_path_factory) -> dict[str, Mark]:
    """A class of four, marked once: one tries all, one hears no signal, one leaves, one has no notebook."""
    folder, outside = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("outside") / "trace.txt"
    names = f"OUTSIDE, OTHERS = {str(outside)!r}, {str(folder / 'gone.ipynb')!r}"
    tried = [
        REVERSED,
        "check(kl_as_sum)",
        'sum_with_theta = check("third", "sum_with_theta")',
        "raise KeyError",
    ]
    for name, body in BODIES.items():
        tried += [body, f"{name} = check({name})"]
    submit(folder / "mixed" / "paper.ipynb", names, *tried, 'argument = "CEBFAD"')
    deaf = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True:\n    pass"
    submit(folder.parent / "late" / "deaf.ipynb", KL, "check(kl_as_sum)", deaf)
    submit(folder / "gone.ipynb", KL, "check(kl_as_sum)", "import os\nos._exit(0)")
    (folder / "broken.ipynb").write_text('{"cells": [')
    submit(folder / ".ipynb_checkpoints" / "gone.ipynb")
    found = mark(folder, "21", limits=Limits(cell=3, total=120, memory=1500))
    found += mark(folder.parent / "late", "21", limits=Limits(cell=3, total=30, memory=1500))
    assert not outside.exists()
    return {each.student: each for each in found}


@pytest.mark.parametrize("exercise", VERDICTS)
def test_every_answer_costs_its_own_mark_only(exercise, marks):
    outcome, reason = VERDICTS[exercise]
    assert marks["mixed/paper"].outcomes[exercise] == outcome
    assert reason in marks["mixed/paper"].texts.get(exercise, "")


def test_everyone_is_there_once_and_what_was_checked_before_the_end_counts(marks):
    ended = {name: (each.ended, each.marks) for name, each in marks.items()}
    assert ended == {
        "broken": ("no notebook", 0),
        "deaf": ("out of time", 1),
        "gone": ("died", 1),
        "mixed/paper": ("finished", 1),
    }
    assert list(marks) == ["broken", "gone", "mixed/paper", "deaf"]
    assert marks["mixed/paper"].errors == {"cell-5": "KeyError: "}


def test_no_process_is_left(marks, tmp_path_factory):
    here = str(tmp_path_factory.getbasetemp())  # every command of a submission names its class's folder
    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if any(here in word for word in command)]


def test_the_table_and_the_reports(tmp_path, marks):
    odd = Mark("=HYPERLINK/of", {"ink": "right"}, ended="out of memory")
    write([*marks.values()], tmp_path)
    rows = list(csv.DictReader((tmp_path / "marks.csv").open(encoding="utf-8-sig")))
    assert {row["student"]: int(row["marks"]) for row in rows} == {k: v.marks for k, v in marks.items()}
    text = (tmp_path / "mixed--paper.md").read_text("utf-8")
    assert text.startswith("# mixed/paper: 1 of 10")
    assert (
        "## ✗ nll_minus_kl: wrong" in text
        and "## ✓ kl_as_sum: right" in text
        and "- `cell-5`: KeyErr" in text
    )
    assert "was checked before counts" in "\n".join(report(marks["gone"]))
    write([odd], tmp_path / "more")
    assert "'=HYPERLINK" in (tmp_path / "more" / "marks.csv").read_text("utf-8-sig")
    assert (tmp_path / "more" / "=HYPERLINK--of.md").exists()


def test_notes_that_are_no_notes_do_not_count(tmp_path):
    file = tmp_path / "notes"
    good = '{"exercise": "ink", "outcome": "right", "text": "a"}'
    file.write_text(f'{good}\n[1]\n{{"exercise": "ink", "outcome": "perfect"}}\n{{"cell": "a", "err')
    done = _from_notes("x", ["ink", "pixels"], Outcome(_read(file)))
    assert done.outcomes == {"ink": "right", "pixels": "not checked"} and done.marks == 1
    assert _read(tmp_path / "none") == []


@pytest.mark.parametrize("limits", [{"cell": 0}, {"total": -1}, {"memory": 0}, {"memory": 1.5}])
def test_limits_are_positive(limits):
    with pytest.raises(ValueError, match="mark: .*expected .*got"):
        Limits(**limits)


def test_a_folder_without_notebooks_is_named(tmp_path: Path, capsys):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ValueError, match=f"mark: expected a folder with notebooks, got .*{folder.name}"):
            mark(folder)
    assert main([str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "expected a folder with notebooks" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

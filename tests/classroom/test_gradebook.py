"""Grades into an LMS's own export: what may change in it, whose grade goes where, and what is no export."""

import csv
import io
import json
import random
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_notebook

from course_utils.classroom import command, marking
from course_utils.classroom.command import main
from course_utils.classroom.gradebook import Gradebook, cells
from course_utils.classroom.marking import Mark
from course_utils.classroom.report import results
from course_utils.classroom.sandbox import Outcome

MOODLES = (
    '\ufeffIdentifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed",'
    '"Last modified (submission)","Last modified (grade)","Feedback comments"\r\n'
    '"Participant 1200","Ada Lovelace",ada@x.org,"Submitted for grading",,10.00,Yes,"1 June 2026, 9h",-,\r\n'
    '"Participant 1201","Ada Lovelace",ada2@x.org,"Submitted for grading - 2 days late","",10.00,Yes,-,-,'
    '"=HYPERLINK(""http://x"")"\r\n'
    '"Participant 1202",Zoë,zoe@x.org,"No submission",,10.00,Yes,-,-,"two\r\nlines, quoted"\r\n'
    '"Participant 1203",Grace,g@x.org,"Submitted for grading - Graded",4.00,10.00,No,-,-,\r\n'
    '"Participant 1204",Alan,a@x.org,"Submitted for grading - Graded",4.00,10.00,Yes,-,-,'
)
CANVASES = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Notes,04 KL (5500),21 Homework (5501),Final Score (2026)\n"
    ",,,,,,,Manual Posting,\n"
    "    Points Possible,,,,,(read only),10.00,50.00,(read only)\n"
    '"Lovelace, Ada",4711,s1,ada,A,,3.00,12.50,77.1\n'
    '"Turing, Alan",4712,s2,alan,A,"=1+1",,,\n'
    '"Hopper, Grace",4713,s3,grace,A,,,EX,\n'
    '"Noether, Emmy",4714,s4,emmy,A,,,,\n'
)
FOLDER = "{}_assignsubmission_file_/21_homework.ipynb"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder, and a marking without runs: a notebook's marks are the number in its metadata."""

    def run(file, wanted, *_, **__) -> Outcome:
        right = nbformat.read(file, as_version=4).metadata["right"]
        return Outcome("finished", notes=[{"exercise": each, "outcome": "right"} for each in wanted[:right]])

    monkeypatch.setattr(marking, "missing", lambda: "")
    monkeypatch.setattr(marking, "run", run)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class").mkdir()
    return tmp_path / "class"


def hand_in(folder: Path, **places: int) -> None:
    for place, right in places.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(new_notebook(metadata={"right": right}), folder / place)


def filled(folder: Path, text: str, *words: str, encoding: str = "utf-8") -> tuple[int, str]:
    """What the command makes of an export: its status, and the new file beside it, byte for byte."""
    (folder.parent / "export.csv").write_bytes(text.encode(encoding))
    status = main([str(folder), "--gradebook", "export.csv", *words])
    assert (folder.parent / "export.csv").read_bytes() == text.encode(encoding)
    return status, (folder.parent / "export-marked.csv").read_bytes().decode(encoding)


# Whose grade goes where


def test_moodles_worksheet_gets_grades_and_no_other_byte_changes(folder, capsys):
    names = ["Ada Lovelace_1200", "Group 3-Ada Lovelace_1201", "Grace_1203", "Alan_1204", "Eve_1300"]
    hand_in(folder, **{FOLDER.format(name): 7 + i for i, name in enumerate(names[:3])})
    hand_in(folder, **{"Alan_1204_assignsubmission_file_21_homework.ipynb": 0, FOLDER.format(names[4]): 1})
    hand_in(folder, **{"somebody.ipynb": 1})
    status, text = filled(folder, MOODLES)
    expected = MOODLES.replace('grading",,', 'grading",7,').replace('late","",', 'late","8",')
    expected = expected.replace("Graded\",4.00,10.00,Yes", "Graded\",0,10.00,Yes")
    assert text == expected and status == 1
    said = capsys.readouterr().out.splitlines()
    assert "Ada Lovelace (1201): late (Submitted for grading - 2 days late)" in said
    assert "Zoë (1202): handed in nothing (No submission)" in said and "Alan (1204): 4.00 becomes 0" in said
    assert said[-3:] == [
        f"look into {FOLDER.format('Eve_1300').removesuffix('.ipynb')}: not in export.csv",
        "look into somebody: no number of Moodle's in the name",
        "look into Grace (1203): no grade filled in: locked in Moodle",
    ]
    assert sum("handed in nothing" in line for line in said) == 1


def test_canvas_gets_the_last_attempt_scaled_in_the_column_that_was_asked_for(folder, capsys):
    hand_in(folder, **{"lovelaceada_4711_99002_21_homework-1.ipynb": 3, "hoppergrace_4713_99003_x.ipynb": 9})
    hand_in(folder, **{"lovelaceada_4711_100001_21_homework-2.ipynb": 8, "turingalan_LATE_4712_4_x.ipynb": 9})
    hand_in(folder, **{"lovelaceada_4711_99001_21_homework.ipynb": 9})
    (folder / "lovelaceada_4711_100002_notes.pdf").touch()
    status, text = filled(folder, CANVASES, "--assignment", "21 Homework")
    assert text == CANVASES.replace("12.50", "40").replace('1+1",,,', '1+1",,45,') and status == 1
    said = capsys.readouterr().out.splitlines()
    assert "Lovelace, Ada (4711): lovelaceada_4711_100001_21_homework-2.ipynb counts, the last of 3" in said
    assert "Turing, Alan (4712): late" in said and "Lovelace, Ada (4711): 12.50 becomes 40" in said
    assert "Noether, Emmy (4714): handed in nothing" in said
    assert "look into Hopper, Grace (4713): no grade filled in: EX in Canvas" in said


@pytest.mark.parametrize("assignment", ["21 Homework (5501)", "21 Homework", "5501"])
def test_a_column_of_canvas_goes_by_its_head_its_title_or_its_number(tmp_path, assignment):
    (tmp_path / "a.csv").write_bytes(CANVASES.encode())
    assert Gradebook(tmp_path / "a.csv", assignment).rows["4711"].grade.says == "12.50"


def test_which_of_two_notebooks_is_the_last_is_not_guessed_and_a_broken_one_gets_no_zero(folder, capsys):
    twice = FOLDER.format("Ada Lovelace_1200")
    hand_in(folder, **{twice: 1, twice.replace("21", "04"): 2})
    (folder / "Alan_1204_assignsubmission_file_").mkdir()
    (folder / "Alan_1204_assignsubmission_file_" / "21_homework.pdf").touch()
    status, text = filled(folder, MOODLES)
    assert (status, text) == (1, MOODLES)
    said = capsys.readouterr().out
    assert "Ada Lovelace (1200): no grade filled in: nothing says which of" in said
    assert "Alan (1204): no grade filled in: not marked: expected a file whose name ends in .ipynb" in said


def test_an_earlier_attempt_does_not_stand_in_for_a_last_one_that_is_broken(folder):
    hand_in(folder, **{"a_4714_1_x.ipynb": 5})
    (folder / "a_4714_2_x-1.ipynb").symlink_to(folder / "a_4714_1_x.ipynb")
    assert filled(folder, CANVASES, "--assignment", "5501") == (1, CANVASES)


def test_all_well_is_status_0_and_a_second_run_overwrites_neither_the_export_nor_the_first(folder):
    hand_in(folder, **{FOLDER.format("Ada Lovelace_1200"): 10})
    assert filled(folder, MOODLES)[0] == 0
    first = (folder.parent / "export-marked.csv").read_bytes()
    hand_in(folder, **{FOLDER.format("Ada Lovelace_1200"): 1})
    assert filled(folder, MOODLES)[0] == 0 and (folder.parent / "export-marked.csv").read_bytes() == first
    assert b'grading",1,10.00' in (folder.parent / "export-marked-2.csv").read_bytes()


def test_a_grade_that_is_there_already_stays_as_it_is_written(folder, capsys):
    hand_in(folder, **{FOLDER.format("Alan_1204"): 4})
    assert filled(folder, MOODLES) == (0, MOODLES)
    said = capsys.readouterr().out
    assert "becomes" not in said and "Ada Lovelace (1200): no file is here (Submitted for grading)" in said


def test_feedback_lies_where_moodle_and_canvas_look_for_it_and_opens_as_a_notebook(folder):
    for text, place, other in (
        (MOODLES, FOLDER.format("Ada Lovelace_1200"), "feedback.ipynb"),
        (CANVASES, "a_LATE_4714_2_21_homework-1.ipynb", "a_LATE_4714_2_21_homework-1.ipynb"),
    ):
        hand_in(folder, **{place: 6})
        filled(folder, text, "--assignment", "5501", "--out", f"out of {len(text)}")
        with zipfile.ZipFile(folder.parent / f"out of {len(text)}" / "feedback.zip") as archive:
            (name,) = archive.namelist()
            notebook = nbformat.reads(archive.read(name).decode(), as_version=4)
        assert name == str(Path(place).with_name(other).as_posix())
        nbformat.validate(notebook)
        assert notebook.cells[0].source.splitlines()[0].endswith(": 6 of 10")
        (folder / place).unlink()


# Bytes


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encoding_ends_of_lines_and_delimiters_stay(folder, encoding, end, delimiter):
    hand_in(folder, **{FOLDER.format("Zoë_7"): 5})
    head = ["Identifier", "Full name", "Status", "Grade", "Maximum Grade"]
    rows = [head, ["Participant 7", "Zoë", "", "", "7,5"]]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    came = filled(folder, text.getvalue(), encoding=encoding)
    rows[1][3] = "3.75"
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    assert came == (0, text.getvalue())


def test_cells_are_those_of_csv_and_stand_where_they_say():
    draw, letters = random.Random(0), [*'a"\n,; é=', "\r\n"]
    for _ in range(300):
        rows = [
            ["".join(draw.choices(letters, k=draw.randrange(5))) for _ in range(1 + draw.randrange(4))]
            for _ in range(1 + draw.randrange(4))
        ]
        text = io.StringIO(newline="")
        quoting = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        csv.writer(text, quoting=quoting, lineterminator=draw.choice(["\n", "\r\n"])).writerows(rows)
        found = cells(text.getvalue(), ",", Path("x"))
        assert [[cell.says for cell in row] for row in found] == rows
        row = draw.randrange(len(rows))
        column = draw.randrange(len(rows[row]))
        cell, rows[row][column] = found[row][column], "new"
        changed = f'{text.getvalue()[: cell.begin]}"new"{text.getvalue()[cell.end :]}'
        assert list(csv.reader(io.StringIO(changed, newline=""))) == rows


def replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


HEAD = MOODLES.splitlines()[0] + "\r\n"
BAD = {
    "nothing": ("", "expected Moodle's export \\(Identifier, .*\\) or Canvas's export"),
    "another table": ("student,marks,of\nada,1,10\n", "got .* with 'student,marks,of'"),
    "Moodle in German": ("ID,Status,Bewertung,Bestwertung\n", "with 'ID,Status,Bewertung,Bestwertung'"),
    "Moodle with a scale": (replaced(MOODLES, "Maximum Grade", "Scale"), "with 'Identifier"),
    "other spelling": (replaced(CANVASES, "SIS Login ID", "Login"), "with 'Student,ID"),
    "no line ends": ("x" * 200_000, "with 'xxx"),
    "UTF-16": (CANVASES.encode("utf-16"), "with 'ÿþS"),
    "an image": (b"\x89PNG\x81\x8d", "expected text in UTF-8 or Windows-1252"),
    "no rows": (HEAD, "expected a row for each student"),
    "empty rows": (HEAD + "\r\n,,,,,,,,,\r\n", "expected a row for each student"),
    "no students": (CANVASES[: CANVASES.index('"Lovelace')], "expected a row for each student"),
    "a column twice": (replaced(MOODLES, '"Email address"', "Grade"), "expected one column 'Grade' .*got 2"),
    "an ID twice": (replaced(CANVASES, "Notes", "ID"), "expected one column 'ID' .*got 2"),
    "a student twice": (replaced(MOODLES, "1201", "1200"), "expected one row for .*got two of 1200"),
    "a short row": (MOODLES + "\r\nParticipant 9,Eve", "expected 10 cells in each row .*'Participant 9'"),
    "an open quote": (replaced(MOODLES, "Zoë", '"Zoë'), "expected quotes that close"),
    "an open quote at the end": (MOODLES + '\r\n"', "expected quotes that close"),
    "names for numbers": (replaced(MOODLES, "Participant 1200", "Ada"), "as Participant 1200 in .*got 'Ada'"),
    "no most points": (replaced(MOODLES, "10.00", ""), "expected a number of points .*got ''"),
    "0 points": (replaced(CANVASES, "50.00", "0"), "expected a number of points .*got '0'"),
    "infinite points": (replaced(CANVASES, "50.00", "inf"), "expected a number of points .*got 'inf'"),
    "no Points Possible": (replaced(CANVASES, "Points Possible", "Points"), "a row of Points Possible"),
    "no assignment": (replaced(CANVASES, "50.00", "(read only)"), r"one of those \('04 KL \(5500\)'\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_export_is_one_error_before_anything_is_marked(folder, name, capsys, monkeypatch):
    content, message = BAD[name]
    monkeypatch.setattr(marking, "run", lambda *_, **__: pytest.fail("it ran"))
    hand_in(folder, **{FOLDER.format("Ada Lovelace_1200"): 1})
    path = folder.parent / "export.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=f"mark: .*{message}"):
        Gradebook(path, "5501")
    assert main([str(folder), "--gradebook", "export.csv", "--assignment", "5501"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("mark: expected ") and said.count("\n") == 1
    assert sorted(path.name for path in folder.parent.iterdir()) == ["class", "export.csv"]


def test_several_columns_of_canvas_and_no_word_which_is_an_error_that_names_them(tmp_path):
    (tmp_path / "a.csv").write_bytes(CANVASES.encode())
    for wrong in ("", "Homework", "Final Score"):
        with pytest.raises(ValueError, match=r"of those \('04 KL \(5500\)', '21 Homework \(5501\)'\), got"):
            Gradebook(tmp_path / "a.csv", wrong)
    one = replaced(replaced(CANVASES, "04 KL (5500)", "04 KL"), "(2026)", "")
    (tmp_path / "a.csv").write_bytes(one.encode())
    assert Gradebook(tmp_path / "a.csv").rows["4711"].grade.says == "12.50"


def test_a_file_that_is_not_there_or_a_folder_is_said(folder, capsys):
    hand_in(folder, **{"a.ipynb": 1})
    for wrong in ("none.csv", "class"):
        assert main([str(folder), "--gradebook", wrong]) == 2 and wrong in capsys.readouterr().err


def test_an_interrupted_marking_and_a_full_disk_fill_in_nothing_and_say_so(folder, monkeypatch, capsys):
    def stopped(*_, **__):
        yield Mark("a", {"ink": "right"})
        raise KeyboardInterrupt

    hand_in(folder, **{FOLDER.format("Ada Lovelace_1200"): 1})
    (folder.parent / "export.csv").write_bytes(MOODLES.encode())
    monkeypatch.setattr(command, "mark", stopped)
    words = [str(folder), "--gradebook", "export.csv", "--results", "r.json"]
    main(words)
    assert "interrupted: no grades are filled in" in capsys.readouterr().out
    assert not (folder.parent / "r.json").exists()
    monkeypatch.undo()
    monkeypatch.chdir(folder.parent)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "mark", lambda *_, **__: [])
    monkeypatch.setattr(Gradebook, "write", full)
    assert main(words[:3]) == 1 and "look into the grades: [Errno 28] No space" in capsys.readouterr().out
    assert not list(folder.parent.glob("*-marked*"))


# Gradescope

TOP = {"score", "execution_time", "output", "output_format", "visibility", "stdout_visibility", "tests"}
TEST = {"score", "max_score", "status", "name", "output", "visibility"}


def test_gradescope_gets_a_test_of_a_point_for_each_exercise(folder):
    hand_in(folder, **{"21_homework.ipynb": 2})
    (folder / "notes.pdf").touch()
    main([str(folder), "--results", "results/results.json"])
    told = json.loads((folder.parent / "results" / "results.json").read_text("utf-8"))
    assert told.keys() <= TOP and all(test.keys() <= TEST for test in told["tests"]) and "score" not in told
    assert (told["stdout_visibility"], told["output_format"]) == ("hidden", "text")
    assert [test["score"] for test in told["tests"]] == [1] * 2 + [0] * 8
    assert all(test["max_score"] == 1 for test in told["tests"]) and told["tests"][0]["name"] == "kl_as_sum"
    assert [test["status"] for test in told["tests"]] == ["passed"] * 2 + ["failed"] * 8


def test_gradescope_is_told_what_check_said_and_how_it_ended():
    outcomes = {"ink": "wrong", "iou": "broken check", "kl": "not checked"}
    told = json.loads(results([Mark("a", outcomes, {"ink": "ink: wrong <b>"}, {}, "died", "<b>boom")]))
    said = [test["output"] for test in told["tests"]]
    assert said == ["ink: wrong <b>", "iou: broken check", "kl: not checked"]
    assert told["output"] == "The notebook did not run to its end: died. <b>boom"
    assert "output" not in json.loads(results([Mark("a", outcomes)]))


@pytest.mark.parametrize("names", [(), ("a", "b")])
def test_gradescope_tells_a_student_who_handed_in_no_notebook_or_two(folder, names, capsys, monkeypatch):
    monkeypatch.setattr(marking, "run", lambda *_, **__: pytest.fail("it ran"))
    hand_in(folder, **{f"{name}.ipynb": 1 for name in names})
    assert main([str(folder), "--results", "r.json"]) == 2
    assert capsys.readouterr().err == f"mark: expected one notebook for --results, got {len(names)}\n"
    told = json.loads((folder.parent / "r.json").read_text("utf-8"))
    assert main([str(folder / "none"), "--results", "none.json"]) == 2  # no fault of the student's
    assert not (folder.parent / "none.json").exists()
    assert told["score"] == 0 and told["output"] == f"expected one notebook, got {', '.join(names) or 'none'}"

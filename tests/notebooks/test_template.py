"""The command that starts a notebook: what it writes keeps every rule, and nothing is overwritten."""

import nbformat
import pytest
from notebook_rules import problems
from sample_notebook import course

from course_utils import __main__ as command
from course_utils.notebooks import template


@pytest.fixture
def folder(tmp_path):
    path = course(tmp_path).parent
    (path / "04_neighbour.ipynb").unlink()
    (tmp_path / "requirements.txt").write_text("")
    return path


@pytest.mark.slow
def test_a_new_notebook_keeps_every_rule(folder, monkeypatch, capsys):
    new = template.new
    monkeypatch.setattr(template, "new", lambda number, stem: new(number, stem, folder))
    assert command.main(["new", "7", "a_new_idea"]) == 0
    path = folder / "07_a_new_idea.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert problems(notebook, path) == [] and notebook.cells[0].source.startswith("# A new idea\n")
    assert "exercises/a_new_idea.py" in capsys.readouterr().out


@pytest.mark.parametrize("number, stem", [("7", "other"), ("100", "a"), ("-1", "a"), ("8", "A b")])
def test_a_number_that_is_taken_or_a_bad_name_is_one_error(folder, number, stem, monkeypatch, capsys):
    (folder / "07_here.ipynb").write_text("{}")
    new = template.new
    monkeypatch.setattr(template, "new", lambda number, stem: new(number, stem, folder))
    with pytest.raises(SystemExit):
        template.main([number, stem] if number != "-1" else ["--", number, stem])
    assert "new: expected" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["07_here.ipynb"]


def test_a_notebook_that_fails_is_not_left_behind(folder, monkeypatch):
    def failing(path):
        assert path.exists()
        raise template.NotebookError("07_broken.ipynb, cell 10 (claim): AssertionError")

    monkeypatch.setattr(template, "refresh", failing)
    with pytest.raises(template.NotebookError):
        template.new(7, "broken", folder)
    assert not list(folder.iterdir())

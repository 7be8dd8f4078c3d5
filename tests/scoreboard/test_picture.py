"""The README's picture: every system's samples."""

import struct

import pytest
import torch

from course_utils import pretrained
from course_utils.scoreboard import picture


def test_it_is_drawn(tmp_path, monkeypatch, capsys):
    rows = {name: torch.rand(picture.COLUMNS, 1, 28, 28) for name in ("real digits", "NADE")}
    monkeypatch.setattr(pretrained, "gallery", lambda columns: rows)
    assert picture.PLACE.stat().st_size < 300_000
    monkeypatch.setattr(picture, "PLACE", tmp_path / "a.png")
    assert picture.main([]) == 0
    assert capsys.readouterr().out == "a.png: 14 images in each of 2 rows: real digits, NADE\n"
    head = (tmp_path / "a.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n" and min(struct.unpack(">II", head[16:])) > 40


@pytest.mark.parametrize("words", [["--help"], ["--dpi=3"], ["a.png"]])
def test_the_command_takes_nothing_else(words, monkeypatch, capsys):
    monkeypatch.setattr(picture, "draw", lambda: pytest.fail("it draws"))
    with pytest.raises(SystemExit):
        picture.main(words)
    assert "picture [-h]" in "".join(capsys.readouterr())

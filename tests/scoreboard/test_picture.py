"""The README's picture: the tree, and samples of a model that learns."""

import struct

import pytest
import torch

from course_utils.datasets import digits
from course_utils.scoreboard import picture


@pytest.fixture(scope="module")
def learned():
    return picture.learn(epochs=3)


def test_the_samples_come_from_the_model_at_its_stages(learned):
    found, _ = learned
    data, before, early, trained = found.values()
    assert torch.equal(data, digits().train.x[: picture.SHOWN])
    assert all(x.shape == data.shape for x in (before, early, trained))
    mean = digits().train.x.mean(0)
    far, near = ((x.mean(0) - mean).square().mean().item() for x in (before, trained))
    assert near < far / 2
    assert not torch.equal(early, trained)
    assert list(found)[-1] == "$p_M$ after 3 epochs"


def test_it_learns_the_same_each_time_and_the_figure_is_that_of_the_model(learned):
    again, nats = picture.learn(epochs=3)
    assert all(torch.equal(x, learned[0][title]) for title, x in again.items())
    assert nats == learned[1] and 17 < nats < 25.2  # what independent pixels take


def test_it_is_drawn(tmp_path, monkeypatch, capsys, learned):
    monkeypatch.setattr(picture, "learn", lambda epochs: learned)
    assert picture.main([str(tmp_path / "new" / "a.png")]) == 0
    assert capsys.readouterr().out.startswith("a.png: ")
    assert picture.PLACE.stat().st_size < 300_000
    head = (tmp_path / "new" / "a.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:])
    assert 1200 < width < 2000 and 0.4 < height / width < 0.8


@pytest.mark.parametrize("words", [["--help"], ["--dpi=3"], ["a.png", "b.png"]])
def test_the_command_takes_a_path_and_nothing_else(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(picture, "learn", lambda epochs: pytest.fail("it trains"))
    with pytest.raises(SystemExit):
        picture.main(words)
    assert "picture [-h] [path]" in "".join(capsys.readouterr()) and not list(tmp_path.iterdir())

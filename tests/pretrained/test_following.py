"""Recipes can be followed: fit takes what they say, the command trains, stops, goes on, and stores."""

from dataclasses import replace
from functools import cache, partial
from math import inf

import pytest
import torch
from torch import nn

from course_utils.datasets import Images, mnist_shipped, scenes
from course_utils.datasets.coloured import coloured
from course_utils.datasets.faces import faces
from course_utils.datasets.herd import herd
from course_utils.datasets.people import people
from course_utils.divergences import Estimate
from course_utils.models import NADE
from course_utils.pretrained import (
    APPLICATIONS,
    RECIPES,
    Application,
    Recipe,
    card,
    colouring,
    command,
    drawn_faces,
    dressing,
    load,
    translating,
    weights,
)
from course_utils.training import fit

ALL = {**RECIPES, **APPLICATIONS}
DRAWN = {  # where pictures are drawn by the thousand: a few have the same form
    colouring: (coloured, scenes),
    dressing: (people,),
    drawn_faces: (faces,),
    translating: (herd,),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_fit_takes_what_a_recipe_gives_it(name):
    of, shipped = RECIPES[name], mnist_shipped("static" if RECIPES[name].data == "static" else "levels")
    few = Images(shipped.x[:8], shipped.y[:8])
    history = fit(of.model(), few, valid=few, **{**of.training, "epochs": 1}, progress=False)
    assert history.stopped == "epochs"


@cache
def eight(data):
    """Of what is learned, and of what is held out: drawn once for all recipes that learn from it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn_faces, "drawn", drawn_faces.drawn.__wrapped__)  # no cache may keep the few
        for module, draws in DRAWN.items():
            for draw in draws:
                few = partial(lambda draw, n, *kind, **how: draw(min(n, 16), *kind, **how), draw)
                patch.setattr(module, draw.__name__, few)
        sets = getattr(data, "__wrapped__", data)()
    return tuple(tuple(part[:8].clone() for part in parts) for parts in sets)


@pytest.mark.slow
@pytest.mark.parametrize("name", APPLICATIONS)
def test_fit_takes_what_an_application_gives_it(name):
    of = APPLICATIONS[name]
    few, held_out = eight(of.sets)
    history = fit(of.model(), few, valid=held_out, **{**of.training, "epochs": 1}, progress=False)
    assert history.stopped == "epochs"


@pytest.mark.parametrize(
    "line",
    ["pixelsnail", "made --minutes 0", "made --minutes -1", "made --minutes nan", "--measure", "--minutes 1"],
)
def test_the_command_refuses_in_one_line(line, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(SystemExit) as end:
        command.main(line.split())
    assert end.value.code == 2 and "expected" in capsys.readouterr().err


def test_the_list_shows_every_recipe_with_its_figures(capsys):
    assert command.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(ALL)
    for line, (name, of) in zip(lines[1:], ALL.items(), strict=True):
        made = card(name)
        assert f"{made[made.first]} {made.first}" in line if made else "not trained" in line
        assert (of.paper or "—") in line


@pytest.mark.slow
def test_measuring_what_ships_needs_no_training_images(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert command.main(["classifier", "--measure"]) == 0
    out, made = capsys.readouterr().out, card("classifier")
    value = float(out.split("errors, %: ")[1].split(" ")[0])
    assert value == pytest.approx(made["errors, %"].value, abs=0.2)


class Small(Recipe):
    """Few images, a moment."""

    def sets(self):
        x, y = mnist_shipped("static")
        return Images(x[:300], y[:300]), Images(x[300:400], y[300:400])


@pytest.fixture
def with_small(monkeypatch):
    def use(transform=lambda x: (x,)):
        of = RECIPES["nade"]
        training = {"epochs": 3, "lr": 1e-2, "batch_size": 50, "patience": inf, "transform": transform}
        small = Small(NADE, "static", {"hidden": 4}, training, of.measure, of.paper, of.source)
        monkeypatch.setattr(weights, "RECIPES", dict(RECIPES) | {"nade": small})

    monkeypatch.setattr(command, "EVERY", 0.0)
    return use


def stopping(x, calls=[]):  # noqa: B006
    """In the second of three epochs someone presses Ctrl-C, once."""
    calls.append(len(calls))
    if len(calls) == 10:
        raise KeyboardInterrupt
    return (x,)


@pytest.mark.slow
def test_a_recipe_that_was_interrupted_goes_on_and_ends_as_if_never_stopped(with_small, tmp_path):
    with_small(lambda x: (x,))
    whole = command.train("nade", folder=tmp_path / "whole", unfinished=tmp_path / "a")
    assert not list((tmp_path / "a").iterdir())
    with_small(stopping)
    stopped = command.train("nade", folder=tmp_path / "parts", unfinished=tmp_path / "b")
    assert "goes on after the last whole epoch" in stopped and not (tmp_path / "parts").exists()
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["nade.checkpoint"]
    command.train("nade", folder=tmp_path / "parts", unfinished=tmp_path / "b")
    one, other = (load("nade", tmp_path / place).state_dict() for place in ("whole", "parts"))
    for key in one:
        torch.testing.assert_close(one[key], other[key])
    made = card("nade", tmp_path / "whole")
    size = sum(p.numel() for p in NADE((1, 28, 28), hidden=4).parameters())
    assert str(made) in whole and made.parameters == size


@pytest.mark.slow
def test_a_trial_of_some_minutes_leaves_alone_what_ships(with_small, tmp_path):
    with_small()
    said = command.train("nade", 1e-5, folder=tmp_path / "ships", unfinished=tmp_path / "trial")
    assert "not at its end" in said and not (tmp_path / "ships").exists()
    assert not load("nade", tmp_path / "trial").training and card("nade", tmp_path / "trial").name == "nade"


@pytest.mark.slow
def test_the_figure_is_that_of_the_weights_as_they_are_stored(with_small, tmp_path):
    with_small()
    command.train("nade", folder=tmp_path, unfinished=tmp_path / "u")
    found = command.measure("nade", load("nade", tmp_path))
    made = card("nade", tmp_path)
    assert all(made[name].value == pytest.approx(figure.value, rel=1e-4) for name, figure in found.items())


class Line(nn.Module):
    """y = a·x + b, and what only a second stage has."""

    def __init__(self, *, second=False):
        super().__init__()
        self.line = nn.Linear(1, 1)
        if second:
            self.offset = nn.Parameter(torch.zeros(1))

    def loss(self, x, y):
        return (self.line(x) + getattr(self, "offset", 0.0) - y).square().mean()


def test_a_second_stage_starts_from_the_first_and_its_card_says_what_it_learned(monkeypatch, tmp_path):
    x = torch.linspace(-1, 1, 40)[:, None]
    data = ((x, 2 * x + 1),) * 2
    seen = []

    def measure(model):
        seen.append(torch.rand(1))
        return {"error": Estimate(model.loss(*data[0]).item(), 0.1)}

    first = Application(
        Line, {}, lambda: data, "a line", {"epochs": 60, "lr": 0.1, "batch_size": 40}, measure, "—"
    )
    training = {"epochs": 1, "lr": 1e-6}
    second = replace(first, arguments={"second": True}, training=training, start="first", paper="0.0")
    monkeypatch.setattr(weights, "APPLICATIONS", {"first": first, "second": second})
    with pytest.raises(ValueError, match=r"first\.safetensors|train first"):
        command.train("second", folder=tmp_path, unfinished=tmp_path / "u")
    for name in ("first", "second"):
        command.train(name, folder=tmp_path, unfinished=tmp_path / "u")
    one, other = (load(name, tmp_path) for name in ("first", "second"))
    torch.testing.assert_close(one.line.weight, other.line.weight, rtol=1e-3, atol=1e-3)
    assert card("second", tmp_path)["error"].value < 0.1
    assert "Line on a line: error" in str(card("second", tmp_path))
    assert len({value.item() for value in seen}) == 1  # the same random numbers every time


def test_without_training_images_the_command_says_how_to_get_them(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(SystemExit):
        command.main(["made"])
    assert "COURSE_DATA" in capsys.readouterr().err

"""What ships is what its card says, and what is damaged or foreign is refused with a way out."""

import json
from dataclasses import asdict, replace
from functools import cache, partial
from hashlib import sha256
from math import inf

import pytest
import torch
from safetensors.torch import load as read
from safetensors.torch import save as written
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
    gallery,
    legibility,
    load,
    measures,
    probabilities,
    samples,
    translating,
    weights,
)
from course_utils.runtime import set_seed
from course_utils.taxonomy import GenerativeModel, leaves
from course_utils.training import fit

ALL = {**RECIPES, **APPLICATIONS}
SHIPPED = [name for name in ALL if card(name)]
MODELS = [name for name in RECIPES if card(name) and issubclass(RECIPES[name].system, GenerativeModel)]
DRAWN = {  # where pictures are drawn by the thousand: a few have the same form
    colouring: (coloured, scenes),
    dressing: (people,),
    drawn_faces: (faces,),
    translating: (herd,),
}
PART = {"vae": 40, "pixelcnn": 60, "pixelrnn": 200}  # test images of a part: dear measures, fewer


def test_every_system_on_the_tree_ships_once_and_within_the_budget():
    assert [RECIPES[name].system for name in MODELS if samples.on_tree(RECIPES[name].system)] == list(
        leaves()
    )
    files = {path.name: path.stat().st_size for path in weights.FOLDER.iterdir()}
    assert set(files) == {f"{name}.{end}" for name in SHIPPED for end in ("safetensors", "json")}
    assert max(files.values()) <= 1.5 * 2**20 and sum(files.values()) <= 20e6


@pytest.mark.parametrize("name", SHIPPED)
def test_weights_are_those_of_their_card_and_recipe(name):
    made, model = card(name), load(name)
    assert made is not None and made.name == name and not model.training
    assert sum(p.numel() for p in model.parameters()) == made.parameters
    stored = read((weights.FOLDER / f"{name}.safetensors").read_bytes())
    again = weights.packed(model)
    assert stored.keys() == again.keys() and all(torch.equal(stored[key], again[key]) for key in stored)
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert f"{made[made.first]}" in str(made)
    if ALL[name].paper:
        assert f"the paper: {ALL[name].paper}" in str(made)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RECIPES if card(name) and RECIPES[name].measure])
def test_the_figure_on_the_card_is_measured_anew_on_a_part_of_the_test_images(name, monkeypatch):
    monkeypatch.setattr(measures, "AIS_TEMPERATURES", 1_000)  # a tenth of the time, and more noise
    of, made = RECIPES[name], card(name)
    n = PART.get(name, 500)
    data = mnist_shipped("static" if of.data == "static" else "levels")
    found = of.measure(load(name), data.x[:n], data.y[:n])
    for what, figure in found.items():
        assert abs(figure.value - made[what].value) < 5 * max(
            figure.standard_error, made[what].standard_error
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_samples_can_be_read_as_often_as_the_card_says(name):
    model, made = load(name), card(name)[samples.LEGIBLE]
    y = torch.arange(100) % 10 if getattr(model, "classes", None) else None
    set_seed(1)
    drawn = samples.draw(model, 100, y)
    found = legibility(drawn)
    assert abs(found.value - made.value) < 5 * max(found.standard_error, made.standard_error, 3.0)


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
    few, held_out = eight(of.data)
    history = fit(of.model(), few, valid=held_out, **{**of.training, "epochs": 1}, progress=False)
    assert history.stopped == "epochs"


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in APPLICATIONS if card(name)])
def test_the_figures_of_an_application_are_measured_anew(name):
    """The same pictures and random numbers as on the card: only rounding may differ, and what it tips."""
    made = card(name)
    for what, figure in command.measure(name, load(name)).items():
        assert abs(figure.value - made[what].value) <= max(
            made[what].standard_error, 0.01 * abs(figure.value)
        )


@pytest.mark.slow
def test_the_classifier_reads_digits_and_nothing_else():
    x, y = mnist_shipped("levels")
    p = probabilities(x)
    assert (p.argmax(1) == y).double().mean() >= 0.985 and legibility(x).value > 95
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(200, 1, 28, 28, generator=generator)
    shuffled = x.flatten(1)[:200, torch.randperm(784, generator=generator)].view(-1, 1, 28, 28)
    for no_digit in (noise, (noise < 0.13).float(), shuffled, torch.zeros(2, 1, 28, 28)):
        assert legibility(no_digit).value < 10


@pytest.mark.slow
def test_real_images_are_not_told_from_real_ones_and_noise_is():
    x, _ = mnist_shipped("static")
    real = samples.scores(x[5000:5400], "static")
    noise = samples.scores((torch.rand(400, 1, 28, 28) < 0.13).float(), "static")
    assert abs(real["C2ST"].value - 0.5) < 4 * real["C2ST"].standard_error
    assert noise["C2ST"].value > 0.95 and noise["Fréchet"].value > 5 * real["Fréchet"].value


def test_what_was_learned_by_heart_is_seen_by_its_nearest_training_image():
    x, _ = mnist_shipped("static")
    train = x[5000:]
    new, real = samples.nearest(x[:50], train, "static").values()
    heart = samples.nearest(train[:50], train, "static")[samples.NEAREST]
    assert heart.value == 0 and new == real and real.value > 10
    by_hand = (x[:3, None] != train[None]).flatten(2).sum(2).amin(1).double().mean().item()
    assert samples.nearest(x[:3], train, "static")[samples.NEAREST].value == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.slow
def test_the_gallery_has_a_row_for_every_system_and_real_digits():
    rows = gallery(2)
    assert list(rows) == ["real digits", *(leaf.__name__ for leaf in leaves())]
    assert all(x.shape == (2, 1, 28, 28) and 0 <= x.min() and x.max() <= 1 for x in rows.values())


def corruptions():
    good = (weights.FOLDER / "classifier.safetensors").read_bytes()
    yield "cut short", "safetensors", good[: len(good) // 2]
    yield "a byte changed", "safetensors", good[:-1] + bytes([good[-1] ^ 1])
    yield "empty", "safetensors", b""
    yield "another model's", "safetensors", written({"W": torch.ones(2)})
    yield "no JSON", "json", b"{"
    yield "another form", "json", b"[1]"
    yield "a field missing", "json", b'{"figures": {}}'
    yield "missing", "safetensors", None
    yield "missing", "json", None


@pytest.mark.parametrize("case", range(9))
def test_a_damaged_file_is_named_with_a_way_out(case, tmp_path):
    _, end, content = list(corruptions())[case]
    for other in ("safetensors", "json"):
        good = (weights.FOLDER / f"classifier.{other}").read_bytes()
        (tmp_path / f"classifier.{other}").write_bytes(good)
    path = tmp_path / f"classifier.{end}"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"classifier\.(safetensors|json).*git checkout.*train classifier"
    ) as error:
        load("classifier", tmp_path)
    assert "\n" not in str(error.value)


def test_weights_of_another_model_are_refused_even_with_a_card_of_their_own(tmp_path):
    content = written({"W": torch.ones(2)})
    (tmp_path / "classifier.safetensors").write_bytes(content)
    made = replace(card("classifier"), sha256=sha256(content).hexdigest())
    (tmp_path / "classifier.json").write_text(json.dumps(asdict(made)))
    with pytest.raises(ValueError, match=r"classifier\.safetensors holds no weights of its recipe.*train"):
        load("classifier", tmp_path)


@pytest.mark.parametrize("name", ["pixelsnail", "", None, 3, "made.json", "../made"])
def test_another_name_is_refused_with_the_list(name, capsys):
    for verb in (load, card):
        with pytest.raises(ValueError, match="expected one of the recipes pixelrnn, .*got"):
            verb(name)


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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["made", "pixelcnn", "pixelrnn", "realnvp", "gsn"])
def test_what_a_mask_closes_is_not_stored_and_changes_nothing(name):
    set_seed(0)
    model, x = RECIPES[name].model(), mnist_shipped("static").x[:4]
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    stored, again = weights.packed(model), RECIPES[name].model()
    weights.fill(again, stored)
    size = sum(value.numel() for value in model.state_dict().values())
    assert (sum(value.numel() for value in stored.values()) < size) == (
        name in ("made", "pixelcnn", "pixelrnn")
    )
    if hasattr(model, "log_prob") and model.support == "binary":
        rounded = weights.rounded(model)
        torch.testing.assert_close(again.log_prob(x), rounded.log_prob(x))
        assert not torch.equal(model.log_prob(x), RECIPES[name].model().log_prob(x))

"""What ships is what its card says, and what is damaged or foreign is refused with a way out."""

import json
from dataclasses import asdict, replace
from hashlib import sha256

import pytest
import torch
from safetensors.torch import load as read
from safetensors.torch import save as written

from course_utils.datasets import mnist_shipped
from course_utils.pretrained import (
    APPLICATIONS,
    RECIPES,
    card,
    colouring,
    command,
    drawn_faces,
    gallery,
    legibility,
    load,
    measures,
    probabilities,
    samples,
    weights,
)
from course_utils.runtime import set_seed
from course_utils.taxonomy import GenerativeModel, leaves

ALL = {**RECIPES, **APPLICATIONS}
SHIPPED = [name for name in ALL if card(name)]
MODELS = [name for name in RECIPES if card(name) and issubclass(RECIPES[name].system, GenerativeModel)]
PART = {"vae": 40, "pixelcnn": 60, "pixelrnn": 200, "ffjord": 100, "ffjord_regression": 100}  # dear measures

FEWER = dict.fromkeys(("colourise", "sketch"), [(colouring, "TESTED", 60)])
FEWER["flow_faces"] = [(drawn_faces, "ASKED", 24), (drawn_faces, "JUDGED", 300)]


def test_every_system_on_the_tree_ships_once_and_within_the_budget():
    systems = [RECIPES[name].system for name in MODELS]
    assert [system for system in systems if system in set(leaves())] == list(leaves())
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
        errors = figure.standard_error, made[what].standard_error
        assert abs(figure.value - made[what].value) < 5 * max(errors)


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
@pytest.mark.parametrize("name", [name for name in APPLICATIONS if card(name)])
def test_the_figures_of_an_application_are_measured_anew(name, monkeypatch):
    """The same pictures and random numbers as on the card: only rounding may differ, and what it tips.

    What is dear is measured on fewer, and may differ by chance.
    """
    made, errors = card(name), 5 if name in FEWER else 1
    for module, number, few in FEWER.get(name, []):
        monkeypatch.setattr(module, number, few)
    for what, figure in command.measure(name, load(name)).items():
        error = max(figure.standard_error, made[what].standard_error)
        assert abs(figure.value - made[what].value) <= max(errors * error, 0.01 * abs(figure.value)), what


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
    rows = gallery(20)
    p = rows.pop(samples.RECONSTRUCTED)
    assert list(rows) == ["real digits", *(leaf.__name__ for leaf in leaves())]
    assert all(x.shape == (20, 1, 28, 28) and 0 <= x.min() and x.max() <= 1 for x in [p, *rows.values()])
    error, spread = rows["GSN"] - p, p * (1 - p)  # drawn from p: the mean of error² is spread
    assert abs((error**2 - spread).sum()) < 4 * (spread * (1 - 2 * p) ** 2).sum().sqrt()
    set_seed(0)
    assert (rows["GSN"] == load("gsn").sample(20)).double().mean() > 0.95, "not what sample draws"


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
    said = r"^[^\n]*classifier\.(safetensors|json)[^\n]*git checkout[^\n]*train classifier[^\n]*$"
    with pytest.raises(ValueError, match=said):
        load("classifier", tmp_path)


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
    smaller = sum(value.numel() for value in stored.values()) < size
    assert smaller == (name in ("made", "pixelcnn", "pixelrnn"))
    if hasattr(model, "log_prob") and model.support == "binary":
        rounded = weights.rounded(model)
        torch.testing.assert_close(again.log_prob(x), rounded.log_prob(x))
        assert not torch.equal(model.log_prob(x), RECIPES[name].model().log_prob(x))

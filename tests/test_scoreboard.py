"""The scoreboard: simple laws are laws, rows can be made again, what is stored is what is shown."""

from math import log

import pytest
import torch

from course_utils.datasets import dequantise
from course_utils.evaluation import floors, scoreboard, table
from course_utils.evaluation.scores import (
    BINARY,
    GREY,
    SETS,
    UNIVERSE,
    Row,
    dequantised_kl,
    entries,
    histogram_distance,
    score,
    sets_of,
    simple_costs,
    simple_rows,
)
from course_utils.evaluation.stored import SHIPPED, load, store
from course_utils.taxonomy import Flow
from course_utils.universe import all_images, bars_and_stripes


@pytest.fixture(scope="module")
def shipped() -> dict[tuple[str, str], Row]:
    return {(row.model, row.data): row for row in load()}


def test_simple_laws_of_binary_images_sum_to_one():
    x = (torch.rand(40, 1, 3, 3, generator=torch.Generator().manual_seed(0)) < 0.7).float()
    states = all_images(3, 3)
    for law in (floors.independent_pixels(x), floors.bernoulli_mixture(x, 4), floors.uniform()):
        assert law(states).exp().sum().item() == pytest.approx(1, abs=1e-10)


def test_simple_laws_of_grey_images_sum_or_integrate_to_one():
    x = torch.rand(500, 1, 1, 1, generator=torch.Generator().manual_seed(0)).mul(2).round().div(2)
    grid = torch.arange(3).view(3, 1, 1, 1) / 2
    for law in (floors.independent_levels(x, 3), floors.uniform(3)):
        assert law(grid).exp().sum().item() == pytest.approx(1, abs=1e-10)
    density = floors.logit_gaussian(torch.rand(500, 1, generator=torch.Generator().manual_seed(0)))
    line = (torch.arange(100_000).double() + 0.5).div(100_000)[:, None]
    assert density(line).exp().mean().item() == pytest.approx(1, abs=1e-3)


def test_em_finds_two_kinds_of_images_that_pixels_alone_cannot():
    half = torch.zeros(200, 6)
    half[:100, :3] = half[100:, 3:] = 1
    mixture, alone = floors.bernoulli_mixture(half, 6), floors.independent_pixels(half)
    assert -mixture(half).mean() == pytest.approx(log(2), abs=0.15)
    assert -alone(half).mean() == pytest.approx(6 * log(2), abs=0.05)


def test_a_dequantised_law_has_the_kl_of_its_discrete_law():
    """A density that is constant on cells: the bound is tight, and 0 for p_D itself."""
    universe = bars_and_stripes(3)

    class Cells(Flow):
        support = "unit"

        def __init__(self, log_p):
            super().__init__((1, 3, 3))
            self.register_buffer("log_p", log_p)

        @property
        def reference(self):
            return torch.zeros(1)

        def _log_prob(self, x):
            from course_utils.universe import state_index

            return self.log_p[state_index((x > 0.5).float())] + 9 * log(2)

        def _sample(self, n, generator):
            index = torch.multinomial(self.log_p.exp(), n, replacement=True, generator=generator)
            return dequantise(universe.states[index], 2, generator)

        _encode = decode = None

    true, even = Cells(universe.log_p), Cells(torch.full((512,), -9 * log(2)).double())
    assert abs(dequantised_kl(universe, true).value) < 1e-5
    estimate = dequantised_kl(universe, even)
    exact = 9 * log(2) - universe.entropy
    assert abs(estimate.value - exact) < 5 * estimate.standard_error < 0.3
    value, error, perfect = histogram_distance(universe, true)
    assert abs(value - perfect) < 6 * error < 0.02
    tv = 0.5 * (universe.log_p.exp() - 1 / 512).abs().sum().item()
    assert abs(histogram_distance(universe, even)[0] - tv) < 0.02


def test_a_row_can_be_made_again(shipped):
    """One model is trained again from its seed, with its settings, and scores what is stored."""
    kept = shipped["NADE", BINARY]
    again = score("NADE", BINARY)
    assert again.settings["epochs"] == kept.settings["epochs"] and again.parameters == kept.parameters
    assert again.value == pytest.approx(kept.value, abs=0.1)  # threads and versions round differently
    for law, (gap, error) in again.better_than.items():
        assert gap == pytest.approx(kept.better_than[law][0], abs=0.1) and gap > 3 * error


def test_the_simple_rows_are_as_stored(shipped):
    for row in simple_rows():
        kept = shipped[row.model, row.data]
        assert row.value == pytest.approx(kept.value, abs=1e-3) and row.measure == kept.measure


def test_every_stored_row_is_of_a_model_that_exists_and_beats_the_simple_laws(shipped):
    simple = {row.model for row in simple_rows()}
    for (model, data), row in shipped.items():
        assert row.data in SETS
        if model in simple:
            continue
        assert data in sets_of(model) and row.parameters > 0 and row.seconds > 0
        if data == UNIVERSE:
            assert row.value < shipped["independent pixels", UNIVERSE].value
            assert row.total_variation[0] > row.total_variation[2] - 5 * row.total_variation[1]
        else:
            for law, (gap, error) in row.better_than.items():
                assert error < row.standard_error * 1.2 and gap > 3 * error, (model, law)


def test_autoregressive_models_come_close_to_the_truth(shipped):
    for model in ("MADE", "NADE"):
        assert 0 < shipped[model, UNIVERSE].value <= 0.05
        assert shipped[model, UNIVERSE].standard_error == 0
    made = shipped["MADE", BINARY]
    assert made.value - made.standard_error <= 17.0


def test_models_are_scored_where_they_can_live():
    assert set(entries()) >= {"MADE", "NADE"}
    assert sets_of("NADE") == [UNIVERSE, BINARY] and sets_of("NADE, 8 orders") == [BINARY]
    assert set(simple_costs(GREY)) == {"uniform", "independent levels", "Gaussian of log-odds"}


def test_store_load_and_table_agree(tmp_path, shipped):
    rows = list(shipped.values())
    store(reversed(rows), tmp_path / "board.json")
    assert load(tmp_path / "board.json") == load()
    text = (tmp_path / "board.md").read_text("utf-8")
    assert table(rows) in text and text == SHIPPED.with_suffix(".md").read_text("utf-8")
    assert "| NADE | 17." in text


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ValueError, match="scoreboard: expected some of .*NADE.*got Nade"):
        scoreboard(["Nade"], tmp_path / "board.json")
    for name, data in (("Nade", BINARY), ("NADE", GREY), ("NADE, 8 orders", UNIVERSE), ("NADE", "faces")):
        with pytest.raises(ValueError, match="score: expected"):
            score(name, data)
    (tmp_path / "other.json").write_text("[1]")
    for name in ("other.json", "missing.json"):
        with pytest.raises(ValueError, match="scoreboard: expected a file"):
            load(tmp_path / name)

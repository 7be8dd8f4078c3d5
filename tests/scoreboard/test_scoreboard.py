"""The table: baselines are distributions, rows can be made again, what is stored is what is shown."""

import json
from math import log

import pytest
import torch

from course_utils.datasets import digits
from course_utils.evaluation import Row, baselines, classifier_two_sample_test, load, results
from course_utils.evaluation.results import BINARISED, BINARY, C2ST, FRECHET, GREY, KL_EXACT, UNIVERSES
from course_utils.models.younger import YOUNGER
from course_utils.scoreboard import digits as features
from course_utils.scoreboard import scores, settings
from course_utils.scoreboard.digits import (
    SET,
    digit_classifier,
    digit_features,
    frechet_of_sets,
    two_sample_scores,
)
from course_utils.scoreboard.scores import score
from course_utils.scoreboard.settings import (
    RIVALS,
    SEEDS,
    SETTINGS,
    YOUNGER_ON,
    Choice,
    build,
    choice,
    entries,
    names,
    sets_of,
)
from course_utils.taxonomy import Direct, ExplicitMarkovChain, TractableDensity, leaves
from course_utils.universe import all_images

SMALL = "universe 3×3"


@pytest.fixture(scope="module")
def shipped() -> dict[tuple[str, str], Row]:
    return {(row.model, row.data): row for row in load()}


def test_baselines_of_binary_images_sum_to_one():
    x = (torch.rand(40, 1, 3, 3, generator=torch.Generator().manual_seed(0)) < 0.7).float()
    states = all_images(3, 3)
    for law in (baselines.independent_pixels(x), baselines.bernoulli_mixture(x, 4), baselines.uniform()):
        assert law(states).exp().sum().item() == pytest.approx(1, abs=1e-10)


def test_baselines_of_grey_images_sum_or_integrate_to_one():
    x = torch.rand(500, 1, 1, 1, generator=torch.Generator().manual_seed(0)).mul(2).round().div(2)
    grid = torch.arange(3).view(3, 1, 1, 1) / 2
    for law in (baselines.independent_levels(x, 3), baselines.uniform(3)):
        assert law(grid).exp().sum().item() == pytest.approx(1, abs=1e-10)
    density = baselines.logit_gaussian(torch.rand(500, 1, generator=torch.Generator().manual_seed(0)))
    line = (torch.arange(100_000).double() + 0.5).div(100_000)[:, None]
    assert density(line).exp().mean().item() == pytest.approx(1, abs=1e-3)


def test_baselines_deem_nothing_impossible_and_know_where_the_pixels_lie():
    white = torch.ones(8, 4)
    for law in (baselines.independent_pixels(white), baselines.bernoulli_mixture(white, 2)):
        black = law(torch.zeros(1, 4)).exp().item()
        assert (1 / 20) ** 4 < black < (1 / 8) ** 4
    for levels in (42, 50, 256):  # v/(L − 1) times L − 1 is not always v again
        grid = torch.arange(levels) / (levels - 1)
        law = baselines.independent_levels(grid[7].view(1, 1), levels)(grid[:, None]).exp()
        expected = torch.ones(levels).double().index_fill(0, torch.tensor(7), 2) / (levels + 1)
        assert torch.allclose(law, expected)
    odds = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0)).double() + torch.tensor(
        [2.0, -1.0]
    )
    law = baselines.logit_gaussian(odds.sigmoid(), ridge=0.0)
    density = torch.distributions.Normal(odds.mean(0), odds.std(0)).log_prob(odds).sum(1)
    jacobian = (odds.sigmoid() * (-odds).sigmoid()).log().sum(1)
    assert (law(odds.sigmoid()) - (density - jacobian)).mean().abs() < 0.01  # the coordinates are independent


def test_em_finds_two_kinds_of_images_that_pixels_alone_cannot():
    half = torch.zeros(200, 6)
    half[:100, :3] = half[100:, 3:] = 1
    mixture, alone = baselines.bernoulli_mixture(half, 6), baselines.independent_pixels(half)
    assert -mixture(half).mean() == pytest.approx(log(2), abs=0.15)
    assert -alone(half).mean() == pytest.approx(6 * log(2), abs=0.05)


def test_every_system_of_the_tree_can_be_built_for_its_sets():
    assert list(entries()) == [leaf for leaf in names() if "orders" not in leaf]
    for name in names():
        assert set(sets_of(name)) >= set(UNIVERSES) or "orders" in name or entries()[name] in YOUNGER_ON
        assert BINARY in sets_of(name) or GREY in sets_of(name) or name == "DeepEnergy"
        for data in sets_of(name):
            model = build(name, data)
            assert model.dims == UNIVERSES.get(data, 8) ** 2
            if data == GREY and model.support == "levels":
                assert model.levels == results.LEVELS
    assert all(
        data in (*results.SETS, "universe") and name in entries()
        for name, data in SETTINGS
        if name in entries()
    )


def test_what_is_younger_than_the_tree_has_its_sets_and_no_place_on_it():
    assert set(YOUNGER_ON) == set(YOUNGER) and not set(YOUNGER) & set(leaves())
    assert all(system.descends_from in leaves() for system in YOUNGER)
    for (name, data), rivals in RIVALS.items():
        assert rivals and all(data in sets_of(each) for each in (name, *rivals)), name


def test_a_lead_is_the_mean_gap_of_the_same_images_seed_by_seed(monkeypatch):
    """E[a − b] = E[a] − E[b], with the error of the differences, which shared difficulty leaves alone."""
    hard = torch.arange(40.0).double()
    trained: list[tuple[str, int]] = []

    def cost_of(name, data, seed):
        trained.append((name, seed))
        return hard + seed + {"FlowMatching": 0.0, "FFJORD": 2.0, "Glow": -1.0}[name]

    monkeypatch.setattr(scores, "cost_of", cost_of)
    monkeypatch.setattr(settings, "SEEDS", 3)
    found = scores.leads("FlowMatching", GREY, hard + 0.5)
    assert set(found) == {"FFJORD", "Glow"} and ("FlowMatching", 0) not in trained
    assert found["FFJORD"] == [pytest.approx([gap, 0.0], abs=1e-9) for gap in (1.5, 2.0, 2.0)]
    assert found["Glow"] == [pytest.approx([gap, 0.0], abs=1e-9) for gap in (-1.5, -1.0, -1.0)]
    assert sorted(seed for name, seed in trained if name == "Glow") == [0, 1, 2]
    assert scores.leads("NICE", GREY, hard) == {}


def test_on_a_universe_each_seed_of_a_younger_system_has_its_distance_exact_or_bounded(monkeypatch):
    monkeypatch.setattr(scores, "learned", lambda name, data, seed, **training: (seed, None))
    monkeypatch.setattr(
        scores, "distances", lambda seed, data: ({results.KL_BOUND: [10.0 * seed, 0.1]}, None)
    )
    assert scores.by_seed("FlowMatching", "universe 4×4", 3.0) == [3.0, 10.0, 20.0]
    assert scores.by_seed("FlowMatching", GREY, 3.0) == scores.by_seed("FFJORD", "universe 4×4", 3.0) == []


def test_settings_of_a_set_go_before_those_of_all_universes_and_those_before_the_rest():
    assert sets_of("NICE") == [*UNIVERSES, GREY] and sets_of("PixelRNN") == list(results.SETS)
    assert sets_of("GAN") == list(results.SETS) and sets_of("GSN") == [*UNIVERSES, BINARY]
    chosen = choice("NADE", SMALL)
    assert chosen.model == {"hidden": 64} and chosen.fit["lr"] == 0.06 and chosen.fit["batch_size"] == 250
    assert choice("NADE", BINARY).fit == {} and choice("PixelCNN", GREY).model == {"levels": 17}
    assert build("Glow", SMALL).event_shape == (9, 1, 1)
    assert build("Glow", "universe 4×4").event_shape == (1, 4, 4)
    assert choice("NADE, 8 orders", BINARY) == Choice()
    assert choice("Diffusion", "universe 4×4").samples < choice("Diffusion", GREY).samples == Choice().samples


@pytest.mark.slow
@pytest.mark.parametrize("name", ["NADE", "NICE", "AnyOrder", "DeepEnergy"])
def test_a_universe_row_says_what_its_model_can(name, monkeypatch):
    monkeypatch.setattr(settings, "DRAWS", 20_000)
    monkeypatch.setattr(settings, "SEEDS", 2)
    row = score(name, SMALL, samples=10_000, epochs=1, batch_size=500)
    if entries()[name] in YOUNGER_ON:
        own, other = row.seeds
        assert own == row.value and 1e-6 < abs(other - own) < 0.5 * own  # two trainings, alike
    else:
        assert row.seeds == []
    model = build(name, SMALL)
    exact = model.support == "binary" and isinstance(model, TractableDensity | ExplicitMarkovChain)
    assert (KL_EXACT in row.scores) == (results.TV_EXACT in row.scores) == exact
    assert row.density == model.density and {results.KL_HISTOGRAM, results.TV_HISTOGRAM} < set(row.scores)
    assert isinstance(model, Direct) or row.first in results.DIVERGENCES
    if exact:
        assert abs(row[results.TV_EXACT].value - row[results.TV_HISTOGRAM].value) < 0.03
        assert abs(row[KL_EXACT].value - row[results.KL_HISTOGRAM].value) < 0.1
    assert row.samples == 10_000 and row.parameters > 0 and row.seconds > 0 and row.sampling > 0
    assert row.settings["epochs"] == 1 and row.settings["batch_size"] == 500
    assert row.pictures.shape == (24, 1, 3, 3) and set(row.pictures.unique().tolist()) == {0, 1}
    assert Row(**json.loads(json.dumps(row.as_dict()))) == row


@pytest.mark.slow
def test_a_row_of_grey_digits_is_compared_in_black_and_white_too():
    row = score("NICE", GREY, epochs=1)
    assert {C2ST, FRECHET, C2ST + BINARISED, FRECHET + BINARISED} < set(row.scores)
    assert row[FRECHET + BINARISED].value > 0 and row[FRECHET + BINARISED] != row[FRECHET]
    assert len(row.pictures.unique()) > 5 and 0 <= row.pictures.min() < row.pictures.max() <= 1
    torch.testing.assert_close(row.pictures * 16, (row.pictures * 16).round())
    assert row.images == results.spell(row.pictures, GREY)
    assert row.scores[C2ST][0] > 0.5 and set(row.better_than) == set(scores.baseline_costs(GREY))


@pytest.mark.slow
def test_a_row_can_be_made_again(shipped):
    """One model is trained again from its seed, with its settings, and scores what is stored."""
    kept = shipped["NADE", BINARY]
    again = score("NADE", BINARY)
    assert again.settings["epochs"] == kept.settings["epochs"] and again.parameters == kept.parameters
    assert again.value == pytest.approx(kept.value, abs=0.1)  # threads and versions round differently
    for law, (gap, error) in again.better_than.items():
        assert gap == pytest.approx(kept.better_than[law][0], abs=0.1) and gap > 3 * error
    for name in (C2ST, FRECHET):
        assert abs(again[name].value - kept[name].value) < 4 * (kept[name].standard_error + 0.01)


@pytest.mark.slow
def test_the_reference_rows_are_as_stored(shipped):
    for row in scores.reference_rows(samples=20_000):
        kept = shipped[row.model, row.data]
        assert row.first == kept.first and set(row.scores) == set(kept.scores)
        for name in row.scores:
            if results.MEASURES[name].kind != "estimate":
                assert row[name].value == pytest.approx(kept[name].value, abs=1e-3), name
    for data in UNIVERSES:
        truth, even = shipped[scores.TRUTH, data], shipped["uniform", data]
        assert truth[results.TV_HISTOGRAM].value < 0.02 < even[results.TV_HISTOGRAM].value
        assert abs(even[results.TV_HISTOGRAM].value - even[results.TV_EXACT].value) < 0.01


def test_every_stored_row_is_of_a_model_that_exists_and_no_better_than_the_truth(shipped):
    for (model, data), row in shipped.items():
        if model not in names():
            assert row.parameters == 0
            continue
        assert data in sets_of(model) and row.parameters > 0 and row.seconds > 0 and row.sampling > 0
        if data in UNIVERSES:
            assert row.samples == choice(model, data).samples
            truth, tv = shipped[scores.truth_of(row.samples), data], row[results.TV_HISTOGRAM]
            assert tv.value > truth[results.TV_HISTOGRAM].value - 5 * tv.standard_error
            assert row.samples == truth.samples
            if KL_EXACT in row.scores and row.density == "exact":
                far = row[results.KL_HISTOGRAM].value - row[KL_EXACT].value
                assert -0.05 < far < 0.05 + 0.3 * row[KL_EXACT].value
            if KL_EXACT in row.scores:
                assert 2 * row[results.TV_EXACT].value ** 2 <= row[KL_EXACT].value  # Pinsker
        else:
            told = row[C2ST + BINARISED * (row.data == GREY)]
            assert told.value > 0.5 - 5 * told.standard_error
            for law, (gap, error) in row.better_than.items():
                assert error < row.standard_error * 1.2 and (gap > 3 * error or law != "uniform"), (
                    model,
                    law,
                )


def test_a_stored_lead_is_the_difference_of_two_stored_costs(shipped):
    for (name, data), rivals in RIVALS.items():
        row = shipped[name, data]
        assert list(row.leads) == list(rivals) and all(len(gaps) == SEEDS for gaps in row.leads.values())
        for rival, ((gap, error), *_) in row.leads.items():
            apart = shipped[rival, data].value - row.value
            assert gap == pytest.approx(apart, abs=0.01 * abs(row.value)) and 0 < error < row.standard_error


def test_on_a_universe_a_younger_system_is_trained_from_every_seed(shipped):
    for row in shipped.values():
        younger = row.data in UNIVERSES and entries().get(row.model) in YOUNGER
        assert len(row.seeds) == len({round(kl, 9) for kl in row.seeds}) == SEEDS * younger, row.model
        if younger:
            assert row.seeds[0] == row.value and max(row.seeds) < 1.5 * min(row.seeds)
    for data, most in (("universe 4×4", 0.04), (SMALL, 0.0135)):
        assert max(shipped["AnyOrder", data].seeds) <= most


def test_every_set_of_a_system_has_its_row_and_autoregressive_models_come_close_to_the_truth(shipped):
    assert shipped.keys() >= {(name, data) for name in names() for data in sets_of(name)}
    for model in ("MADE", "NADE"):
        assert 0 < shipped[model, "universe 4×4"][KL_EXACT].value <= 0.05
        assert shipped[model, "universe 4×4"].standard_error == 0
    made = shipped["MADE", BINARY]
    assert made.value - made.standard_error <= 17.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["binary", "levels"])
def test_the_classifier_knows_digits_and_its_features_are_white(kind):
    data = digits(kind)
    right = (digit_classifier(kind).predict(data.test.x) == data.test.y).double().mean()
    assert right > 0.92
    seen = digit_features(data.train.x, kind)
    torch.testing.assert_close(seen.mean(0), torch.zeros(32).double(), rtol=0, atol=1e-6)
    torch.testing.assert_close(torch.cov(seen.T), torch.eye(32).double(), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_the_classifier_is_the_same_whenever_it_is_trained():
    before = digit_classifier("binary").state_dict()
    torch.manual_seed(5)
    first = torch.rand(1)
    torch.manual_seed(5)
    again = features.digit_classifier.__wrapped__("binary")
    assert torch.equal(torch.rand(1), first)
    for name, weights in again.state_dict().items():
        assert torch.equal(weights, before[name]), name


@pytest.mark.slow
def test_real_digits_are_real_and_independent_pixels_are_not():
    own, data = two_sample_scores(BINARY), digits("binary")
    assert abs(own[C2ST][0] - 0.5) < 4 * own[C2ST][1]
    mean = data.train.x.mean(0)
    fake = torch.bernoulli(mean.expand(2 * SET, -1, -1, -1), generator=torch.Generator().manual_seed(0))
    held_out = torch.cat([data.test.x, data.valid.x])
    far = frechet_of_sets(fake, held_out, "binary")
    assert far[0] - own[FRECHET][0] > 5 * far[1]
    share = classifier_two_sample_test(data.train.x[:SET], fake[:SET], held_out=(held_out[:SET], fake[SET:]))
    assert share.value > 0.8

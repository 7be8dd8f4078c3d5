"""The stored table: rows join those that are there, one that fails takes no other with it."""

import re

import pytest

from course_utils.evaluation import Row, load, results
from course_utils.evaluation.results import BINARY, GREY, KL_HISTOGRAM, NATS, TV_HISTOGRAM
from course_utils.scoreboard import command
from course_utils.scoreboard.command import CAN, main, store, table
from course_utils.scoreboard.scores import score, truth_of

SMALL = "universe 3×3"


@pytest.fixture(scope="module")
def shipped() -> dict[tuple[str, str], Row]:
    return {(row.model, row.data): row for row in load()}


def plain(model: str = "NADE", data: str = BINARY, value: float = 17.0, **more: object) -> Row:
    return Row(model, data, "exact", {NATS: [value, 0.1]}, **more)


def test_rows_are_ranked_by_fit_and_what_has_none_comes_last():
    worse, better, none = (
        plain("A", value=18.0),
        plain("B"),
        Row("C", BINARY, "none", {results.C2ST: [0.5, 0.0]}),
    )
    universe = Row("D", SMALL, "none", {TV_HISTOGRAM: [0.1, 0.0], KL_HISTOGRAM: [0.3, 0.0]})
    exact = Row("E", SMALL, "exact", {results.KL_EXACT: [0.2, 0.0], KL_HISTOGRAM: [9.0, 0.0]})
    ranked = [exact, universe, better, worse, none]
    assert sorted([none, worse, universe, better, exact], key=Row.rank) == ranked
    assert universe.first == KL_HISTOGRAM and none.first == results.C2ST and none.value == 0.5


def test_a_row_has_known_scores_and_finite_ones():
    for scores in ({"nats": [1.0, 0.0]}, {NATS: [float("nan"), 0.0]}, {NATS: [1.0, float("inf")]}):
        with pytest.raises(ValueError, match="Row: expected finite scores"):
            Row("NADE", BINARY, "exact", scores)
    assert set(CAN) == {"exact", "lower bound", "unnormalised", "none", "truth"}


def test_store_load_and_table_agree(tmp_path, shipped):
    path = tmp_path / "board.json"
    store(reversed(list(shipped.values())), path)
    assert load(path) == load()
    text = path.with_suffix(".md").read_text("utf-8")
    assert table(shipped.values()) in text and text == results.SHIPPED.with_suffix(".md").read_text("utf-8")
    assert "| NADE | p(x) | 17." in text and "≤ " in text


def test_rows_join_those_that_are_there(tmp_path):
    path = tmp_path / "board.json"
    store([plain("NADE"), plain("MADE")], path)
    store([plain("NADE", value=16.0)], path)
    assert [(row.model, row.value) for row in load(path)] == [("NADE", 16.0), ("MADE", 17.0)]
    assert [file.name for file in tmp_path.iterdir() if file.suffix not in (".json", ".md")] == []


def test_a_histogram_of_fewer_samples_is_named_beside_the_truth_with_as_many():
    scores = {TV_HISTOGRAM: [0.1, 0.0], KL_HISTOGRAM: [0.3, 0.0]}
    many, few = (Row(f"of {n}", SMALL, "none", scores, samples=n, parameters=1) for n in (5000, 70))
    text = table([many, few, Row(truth_of(70), SMALL, "truth", scores, samples=70)])
    assert "| p_D itself, 70 samples |" in text
    assert text.endswith(
        "Histograms are of 5,000 samples; the row p_D itself shows what no model can beat. "
        "of 70's is of 70, and so is a row of p_D.\n"
    )


def test_one_that_fails_leaves_the_others_and_its_old_row(tmp_path, monkeypatch, capsys):
    path = tmp_path / "board.json"
    store([plain("MADE")], path)

    def score_or_fail(name, data, **more):
        if name == "MADE":
            raise RuntimeError("no luck")
        return plain(name, data)

    monkeypatch.setattr(command, "score", score_or_fail)
    assert main(["MADE", "NADE", "--set", BINARY], path) == 1
    shown = capsys.readouterr()
    assert shown.err == f"failed: MADE on {BINARY}: RuntimeError: no luck\n"
    assert f"NADE on {BINARY}: stored" in shown.out and table(load(path)) in shown.out
    assert {row.model for row in load(path)} == {"MADE", "NADE"}


def test_bad_input_is_named(tmp_path, capsys):
    for words, said in (
        (["Nade"], "expected some of .*'NADE', 'MADE'.*got 'Nade'"),
        (["--set", "faces"], "invalid choice"),
    ):
        with pytest.raises(SystemExit):
            main(words, tmp_path / "board.json")
        assert re.search(said, capsys.readouterr().err)
    for name, data in (("Nade", BINARY), ("NADE", GREY), ("NADE, 8 orders", SMALL), ("NADE", "faces")):
        with pytest.raises(ValueError, match="score: expected"):
            score(name, data)
    (tmp_path / "other.json").write_text("[1]")
    (tmp_path / "old.json").write_text('{"rows": [{"model": "NADE", "value": 1}]}')
    for name in ("other.json", "missing.json", "old.json"):
        with pytest.raises(ValueError, match="scoreboard: expected a file"):
            load(tmp_path / name)

"""A second stage that leaves the first as it is stores what it learned itself, and reads the rest there."""

import shutil

import pytest
import torch
from safetensors.torch import load as read

from course_utils.pretrained import RECIPES, card, load, table, weights


def test_a_first_stage_that_stays_as_it_is_is_stored_once():
    first, both = (load(name).state_dict() for name in ("matching", "try_on"))
    stored = read((weights.FOLDER / "try_on.safetensors").read_bytes())
    assert not first.keys() & stored.keys() and first.keys() | stored.keys() == both.keys()
    assert all(torch.equal(first[name], both[name]) for name in first)


def test_a_second_stage_that_learned_all_of_its_weights_needs_no_other_file(tmp_path):
    for end in ("safetensors", "json"):
        shutil.copy(weights.FOLDER / f"srgan.{end}", tmp_path)
    alone, beside = (load("srgan", folder).state_dict() for folder in (tmp_path, weights.FOLDER))
    assert all(torch.equal(alone[name], beside[name]) for name in beside)


def test_without_the_first_stage_the_second_names_it(tmp_path):
    for end in ("safetensors", "json"):
        shutil.copy(weights.FOLDER / f"try_on.{end}", tmp_path)
    with pytest.raises(ValueError, match=r"matching\.safetensors.*train matching"):
        load("try_on", tmp_path)


def test_a_first_stage_is_no_row_of_the_table_but_its_minutes_count():
    rows = [line.strip("|").split("|") for line in table().splitlines()]
    trained = {row[0].strip(): row[-1].strip() for row in rows}
    staged = {name: of for name, of in RECIPES.items() if of.start}
    assert staged
    for name, of in staged.items():
        seconds = card(name).seconds + card(of.start).seconds
        assert trained[of.system.__name__].startswith(f"{seconds / 60:.0f} min")
        assert not any(str(card(of.start)["legible, %"]) == row[4].strip() for row in rows if len(row) > 4)

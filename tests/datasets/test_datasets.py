"""The digits: a split fixed for ever, exact grids, honest noise, and one error for each bad request."""

import hashlib
from functools import partial

import numpy as np
import pytest
import torch

from course_utils.datasets import binarise, dequantise, digits, mnist
from course_utils.datasets.digits import split, split_mix
from course_utils.datasets.images import KINDS


@pytest.fixture(scope="module")
def bundled():
    from sklearn.datasets import load_digits

    return load_digits()


# The digits


def test_the_split_is_the_same_for_ever(bundled):
    rows = np.concatenate(split(bundled.target)).astype("<i8")
    grey = torch.cat([part.x for part in digits("levels")]).mul(16).round().byte().numpy()
    found = [hashlib.sha256(part.tobytes()).hexdigest()[:32] for part in (rows, grey)]
    assert found == ["6084103f50a24297e65f6f7f21e51362", "94f8572c66ac8a78ad6798e49c49c8dd"]


def test_the_split_is_disjoint_covers_all_and_is_stratified(bundled):
    parts = split(bundled.target)
    assert [len(rows) for rows in parts] == [1197, 300, 300]
    assert sorted(np.concatenate(parts)) == list(range(1797))
    whole = np.bincount(bundled.target) / 1797
    for rows in parts:
        assert np.abs(np.bincount(bundled.target[rows]) - whole * len(rows)).max() < 2


@pytest.mark.parametrize("start", [0, 64, 128])
def test_any_stretch_of_a_split_is_a_mixed_sample(start):
    for part in digits():
        assert len(part.y[start : start + 64].unique()) == 10


def test_quotas_share_out_exactly_what_is_held_out():
    y = np.repeat([0, 1, 2], [71, 20, 10])
    for held_out in (3, 10, 17, 30):
        train, valid, test = split(y, held_out)
        assert len(valid) == len(test) == held_out and len(train) == 101 - 2 * held_out
        exact = held_out * np.array([71, 20, 10]) / 101
        assert np.abs(np.bincount(y[test], minlength=3) - exact).max() < 1 / 2


def test_split_mix_is_split_mix():
    mask, outputs = 2**64 - 1, []
    for i in range(1, 100):
        z = i * 0x9E3779B97F4A7C15 & mask
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        outputs.append(z ^ z >> 31)
    assert split_mix(99).tolist() == outputs


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_types_and_sizes(kind):
    data = digits(kind)
    assert [len(part) for part in data] == [1197, 300, 300] and len(data) == 1797
    for x, y in data:
        assert x.shape[1:] == (1, 8, 8) and x.dtype == torch.float32 and len(x) == len(y)
        assert y.dtype == torch.int64 and y.unique().tolist() == list(range(10))


def test_every_kind_is_made_from_the_same_grey_levels(bundled):
    levels, binary, unit, toss = (digits(kind) for kind in KINDS[1:2] + KINDS[:1] + KINDS[2:])
    assert (levels.levels, unit.levels, binary.levels, toss.levels) == (17, 17, 2, 2)
    for i, rows in enumerate(split(bundled.target)):
        grey = torch.from_numpy(bundled.images[rows]).unsqueeze(1)
        k = grey.float()
        assert torch.equal([*levels][i].x, k / 16)
        assert torch.equal([*binary][i].x, (k >= 8).float())
        assert torch.equal(([*unit][i].x.double() * 17).floor(), grey)
        assert torch.equal([*levels][i].y, torch.from_numpy(bundled.target[rows]))
        tossed = [*toss][i].x
        assert tossed.unique().tolist() == [0, 1]
        assert not tossed[grey == 0].any() and tossed[grey == 16].all()


@pytest.mark.parametrize("kind", ["unit", "stochastic"])
def test_noise_follows_the_seed_and_only_the_seed(kind):
    before = torch.get_rng_state()
    a, b, c = digits(kind, seed=1), digits(kind, seed=1), digits(kind, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(p.x, q.x) and not torch.equal(p.x, r.x) for p, q, r in zip(a, b, c, strict=True))
    assert all(torch.equal(p.y, r.y) for p, r in zip(a, c, strict=True))
    assert not torch.equal(a.valid.x, a.test.x)


# Noise


def test_dequantised_noise_is_uniform_and_independent_of_the_level():
    data, grey = digits("unit"), digits("levels").train.x
    u = (data.train.x.double() * 17) % 1
    n = u.numel()
    assert abs(u.mean() - 1 / 2) < 4 / (12 * n) ** 0.5
    assert abs(u.var() - 1 / 12) < 4 / (180 * n) ** 0.5
    empirical = u.flatten().sort().values
    assert (empirical - (torch.arange(n) + 0.5) / n).abs().max() < 2 / n**0.5  # Kolmogorov-Smirnov
    for k in range(17):
        cell = u[grey == k / 16]
        assert abs(cell.mean() - 1 / 2) < 4.5 / (12 * len(cell)) ** 0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("noise", [0, 2**15 - 1])
def test_no_noise_however_extreme_leaves_its_cell(monkeypatch, dtype, noise):
    full = partial(torch.full, fill_value=noise)
    monkeypatch.setattr(torch, "randint", lambda _, shape, generator, **options: full(shape, **options))
    for levels in range(2, 257):
        v = torch.arange(levels, dtype=dtype)
        x = dequantise(v / (levels - 1), levels)
        assert x.dtype == dtype and (x > 0).all() and (x < 1).all()
        assert torch.equal((x * levels).floor(), v)
        assert torch.equal((x.double() * levels).floor(), v.double())


def test_fresh_noise_each_call_and_the_same_for_the_same_generator():
    x = digits("levels").test.x
    for draw, levels in ((dequantise, 17), (binarise, 17)):
        seeded = [draw(x, levels, torch.Generator().manual_seed(3)) for _ in range(2)]
        assert torch.equal(*seeded)
        assert not torch.equal(draw(x, levels), draw(x, levels))


def test_images_with_noise_bring_what_draws_it_anew():
    """Every pixel stays in its cell, what comes with x stays as it is; images without noise bring none."""
    data = digits("unit")
    x, y = data.test
    redraw = data.test.training_transform
    (first,), (second, same) = redraw(x), redraw(x, y)
    assert torch.equal(same, y) and first.dtype == x.dtype
    for other in (first, second):
        assert torch.equal((17 * other).floor(), (17 * x).floor())
        assert (other != x).double().mean() > 0.999
    assert (first != second).double().mean() > 0.999
    inside = (17 * first).frac()
    assert abs(inside.mean().item() - 0.5) < 0.01 and abs(inside.var().item() - 1 / 12) < 0.005
    assert data.test.levels == 17 and digits("unit", seed=3).train.levels == 17
    for kind in ("binary", "levels", "stochastic"):
        assert digits(kind).train.training_transform is None


def test_tosses_have_the_probability_of_the_grey():
    v = torch.arange(17.0) / 16
    n = 20_000
    rate = binarise(v.expand(n, 17), 17, torch.Generator().manual_seed(0)).mean(0)
    assert ((rate - v).abs() <= 4.5 * (v * (1 - v) / n).sqrt()).all()


# Bad input


@pytest.mark.parametrize("load", [digits, mnist])
@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"kind": "grey"}, "binary, levels, unit, stochastic.*'grey'"),
        ({"kind": None}, "expected kind.*None"),
        ({"kind": ["binary"]}, "expected kind"),
        ({"seed": -1}, r"seed.*2\*\*32.*-1"),
        ({"seed": 2**32}, "seed"),
        ({"seed": 0.5}, "seed.*0.5"),
        ({"seed": True}, "seed.*True"),
    ],
)
def test_bad_requests_name_the_choices(load, wrong, named):
    with pytest.raises(ValueError, match=f"{load.__name__}: .*{named}"):
        load(**wrong)


@pytest.mark.parametrize("draw", [dequantise, binarise])
@pytest.mark.parametrize(
    "x, levels, named",
    [
        (torch.tensor([0.5]), 2, "k/1 from 0 to 1, got a value 0.5"),
        (torch.tensor([0.0, 0.51]), 17, "0.51"),
        (torch.tensor([17 / 16]), 17, "1.0625"),
        (torch.tensor([-1 / 16]), 17, "-0.0625"),
        (torch.tensor([float("nan")]), 17, "nan"),
        (torch.tensor([3]), 17, "float32 or float64.*int64"),
        (torch.tensor([0.5]).half(), 17, "float32 or float64.*float16"),
        ([0.5], 17, "float32 or float64.*list"),
        (torch.tensor([0.0]), 1, "from 2 to 256, got 1"),
        (torch.tensor([0.0]), 257, "from 2 to 256, got 257"),
        (torch.tensor([0.0]), 17.0, "from 2 to 256, got 17.0"),
    ],
)
def test_noise_needs_grey_levels(draw, x, levels, named):
    with pytest.raises(ValueError, match=f"{draw.__name__}: expected.*{named}"):
        draw(x, levels)
    with pytest.raises(ValueError, match=f"{draw.__name__}: expected a torch.Generator on cpu, got int"):
        draw(torch.zeros(1), 17, 3)


# What a split can do


def test_splits_describe_themselves():
    data = digits("unit")
    words = ("digits", "unit", "1197 train, 300 valid, 300 test", "1×8×8", "[0, 1)", "load_digits")
    assert all(word in repr(data) for word in words)
    assert "k/16" in repr(digits("levels")) and "0 and 1" in repr(digits())
    assert "(300, 1, 8, 8)" in repr(data.test) and "(300,)" in repr(data.test)

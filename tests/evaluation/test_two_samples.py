"""Two-sample scores: ½ and 0 where nothing differs, closed forms, one threshold for all."""

import pytest
import torch
from scipy.linalg import sqrtm

from course_utils.datasets import digits
from course_utils.evaluation import classifier_two_sample_test, frechet_distance
from course_utils.evaluation.results import GREY
from course_utils.models import NICE, PixelCNN
from course_utils.recognition import DigitClassifier
from course_utils.scoreboard.digits import black_and_white, grid
from course_utils.scoreboard.universes import dequantised


def noise(n: int, seed: int, *, shift: float = 0.0, dims: int = 6) -> torch.Tensor:
    return torch.randn(n, dims, generator=torch.Generator().manual_seed(seed)) + shift


def test_nothing_tells_two_samples_of_one_distribution_apart():
    share = classifier_two_sample_test(noise(450, 0), noise(450, 1))
    assert abs(share.value - 0.5) < 4 * share.standard_error and share.standard_error < 0.03
    assert share.standard_error == pytest.approx((share.value * (1 - share.value) / 300) ** 0.5)


@pytest.mark.slow
def test_disjoint_distributions_are_distinguished_and_nearer_ones_less_surely():
    x, shifts = noise(300, 0), (10.0, 0.7, 0.1)
    far, near, same = (classifier_two_sample_test(x, noise(300, 1, shift=shift)) for shift in shifts)
    assert far == (1.0, 0.0) and same.value < near.value and 0.6 < near.value < 0.95


@pytest.mark.slow
def test_what_is_judged_was_not_learned_from():
    """Two samples of one distribution are memorised, yet the held-out half of them is not."""
    x, y, other = noise(300, 0), noise(300, 1), (noise(300, 2), noise(300, 3))
    assert classifier_two_sample_test(x, y, held_out=(x, y)).value == 1
    assert abs(classifier_two_sample_test(x, y, held_out=other).value - 0.5) < 0.1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_forest():
    x, y = noise(90, 0), noise(90, 1, shift=0.3)
    assert classifier_two_sample_test(x, y) == classifier_two_sample_test(x, y)
    seeds = {classifier_two_sample_test(x, y, seed=seed).value for seed in range(3)}
    assert len(seeds) > 1


def test_the_frechet_distance_is_that_of_the_fitted_gaussians():
    x, y = noise(400, 0), noise(300, 1, shift=0.4) @ torch.diag(torch.linspace(0.5, 2, 6))
    value, error = frechet_distance(x, y)
    fitted = [part for sample in (x, y) for part in (sample.double().mean(0), torch.cov(sample.double().T))]
    m, s, n, t = (part.numpy() for part in fitted)
    root = sqrtm(s @ t).real
    assert value == pytest.approx(((m - n) ** 2).sum() + (s + t - 2 * root).trace(), rel=1e-6) and error > 0


def test_the_frechet_distance_has_the_axioms_that_it_should():
    x, y = noise(300, 0), noise(300, 1, shift=1.0)
    assert frechet_distance(x, x, repeats=0).value == pytest.approx(0, abs=1e-9)
    there, back = frechet_distance(x, y, repeats=0), frechet_distance(y, x, repeats=0)
    assert there.value == pytest.approx(back.value, rel=1e-9) and there.standard_error == 0
    moved = frechet_distance(x, x + 2, repeats=0).value
    assert moved == pytest.approx(4 * 6, rel=1e-6)  # ‖δ‖², nothing else
    flat = torch.cat([x, torch.zeros(300, 3)], 1)  # directions without any spread are no trouble
    assert frechet_distance(flat, flat + 2, repeats=0).value == pytest.approx(4 * 9, rel=1e-5)


@pytest.mark.slow
def test_the_bootstrap_has_the_spread_of_new_samples():
    x = noise(300, 0)
    runs = [frechet_distance(x, noise(300, seed, shift=0.5)) for seed in range(1, 31)]
    spread = torch.tensor([run.value for run in runs]).std().item()
    said = torch.tensor([run.standard_error for run in runs]).mean().item()
    assert 0.6 < said / spread < 1.8


def test_grey_samples_are_compared_on_the_grid_and_at_the_threshold_of_the_data():
    grey, dense = digits("levels"), digits("unit")
    flow, pixels = NICE((1, 8, 8)), PixelCNN((1, 8, 8), levels=17)
    assert dequantised(flow) and not dequantised(pixels)
    torch.testing.assert_close(grid(flow, dense.train.x, GREY), grey.train.x, rtol=0, atol=1e-6)
    torch.testing.assert_close(grid(pixels, grey.train.x, GREY), grey.train.x, rtol=0, atol=1e-6)
    assert torch.equal(black_and_white(grid(flow, dense.test.x, GREY)), digits("binary").test.x)
    assert torch.equal(black_and_white(grey.test.x), digits("binary").test.x)


def test_bad_input_is_named():
    x = noise(30, 0)
    for y in (noise(30, 1, dims=5), noise(20, 1)):
        with pytest.raises(ValueError, match="classifier_two_sample_test: expected"):
            classifier_two_sample_test(x, y)
    for y in (noise(30, 1, dims=5), x * torch.nan, x.long(), None, x[:1], x[:, :, None]):
        with pytest.raises(ValueError, match="frechet_distance: expected"):
            frechet_distance(x, y)
    with pytest.raises(ValueError, match="DigitClassifier"):
        DigitClassifier()(torch.zeros(2, 1, 8, 7))
    with pytest.raises(ValueError, match="DigitClassifier"):
        DigitClassifier((1, 0, 8))

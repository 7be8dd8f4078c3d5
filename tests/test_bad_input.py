"""Bad input to any helper: one ValueError that names who, says what was expected, and what came.

The table holds helpers with good arguments but one, which gets values of the wrong type, dtype, shape, range
or device. What more a helper refuses stands in the tests of its own module.
"""

from math import inf, nan

import numpy as np
import pytest
import torch

from course_utils import runtime, storage, universe
from course_utils.datasets import binarise, dequantise, digits
from course_utils.evaluation import (
    bits_per_dim,
    classifier_two_sample_test,
    exact_kl,
    frechet_distance,
    held_out,
    log_probs,
    paired_difference,
    state_log_probs,
)
from course_utils.models import GAN, MADE, NADE, VAE, BoltzmannMachine
from course_utils.taxonomy import children, log_mean_weight, tree, verbs
from course_utils.universe import BinaryUniverse, all_images, bars_and_stripes, gaussian_on, line

FOREIGN = ("three", 1.5, object(), np.ones(4), b"x")  # of the wrong type for everything below
NUMBERS = (None, "1", True, nan, inf, torch.ones(2), [1.0])
COUNTS = (0, -1, True, 1.5, None, "3", torch.ones(2))
TENSORS = (None, 1.0, [0.0, 1.0], torch.ones(4, dtype=torch.long), torch.ones(4, dtype=torch.complex64))
PIXELS = (torch.full((2, 1, 2, 2), 0.5), torch.full((2, 1, 2, 2), nan), -torch.ones(2, 1, 2, 2))
DICE = ("dice", 7, True, torch.ones(4), torch.Generator)
SEEDS = (-1, 2**32, 0.5, True, "0", torch.ones(2))
ORDERS = ("0123", 5, [0, 1, 2], [0, 1, 2, 2], [0.0, 1.0, 2.0, 3.0], torch.eye(4), [True, False, 2, 3])

X = all_images(2, 2)
SMALL, BARS, MOONS, DIGITS = NADE((1, 2, 2), hidden=3), bars_and_stripes(2), universe.two_moons(), digits()
LAW, PAIRS = state_log_probs(SMALL).detach(), torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
MACHINE = BoltzmannMachine((1, 2, 2), hidden=2)
CODED = VAE((1, 2, 2), latent=2)
KNOWN = torch.ones(1, 2, 2, dtype=torch.bool)

TABLE = {
    "describe": [(runtime.describe, ("cpu", None, 0))],
    "works": [(runtime.works, ("tpu", None, []))],
    "device": [(runtime.device, ("tpu", 0, True, 1.5, [], torch.ones(2), object()))],
    "seed": [(runtime.set_seed, SEEDS), (lambda s: MADE((1, 2, 2), seed=s), SEEDS)],
    "storage.read": [(storage.read, (None, 1, True, [], "."))],
    "storage.write": [(lambda p: storage.write(p, {}), (None, 1, True, [], "."))],
    "state_index": [(universe.state_index, (*PIXELS, *TENSORS, *FOREIGN, torch.ones(2, 8, 8)))],
    "BinaryUniverse": [
        (lambda s: BinaryUniverse("it", s, BARS.log_p), (*TENSORS, X.flip(0), X[:8], X[:0], X + 1)),
        (lambda p: BinaryUniverse("it", X, p), (*TENSORS, LAW.float(), LAW[:8], LAW - 1, LAW * nan)),
    ],
    "PlaneDensity": [
        (
            lambda c: universe.PlaneDensity("it", c, 1.0),
            (*TENSORS, *FOREIGN, X, torch.full((2, 2), nan), torch.ones(0, 2)),
        ),
        (lambda s: universe.PlaneDensity("it", PAIRS, s), (0, -1.0, *NUMBERS)),
        (lambda e: universe.PlaneDensity("it", PAIRS, 1.0, extent=e), (0, -1.0, *NUMBERS)),
    ],
    "gaussian_on": [
        (lambda x: gaussian_on(x, 0.0, 1.0), (*TENSORS, *FOREIGN, X, line() * nan)),
        (lambda m: gaussian_on(line(), m, 1.0), NUMBERS),
        (lambda s: gaussian_on(line(), 0.0, s), (0, -1.0, *NUMBERS)),
    ],
    "bars_and_stripes": [(bars_and_stripes, (5, 2.0, True, "3", None, torch.ones(2)))],
    "bars and stripes": [
        (BARS.log_prob, (*TENSORS, *PIXELS, X.long(), X.bool(), X[:0], X[0])),
        (lambda g: BARS.sample(2, generator=g), DICE),
        (BARS.sample, COUNTS),
    ],
    "two moons": [(lambda g: MOONS.sample(2, generator=g), DICE), (MOONS.log_prob, (*TENSORS, PAIRS.long()))],
    "binarise": [(lambda g: binarise(X, 2, g), DICE)],
    "dequantise": [(lambda g: dequantise(X, 2, g), DICE)],
    "NADE": [
        (lambda o: NADE((1, 2, 2), order=o), ORDERS),
        (SMALL.reordered, ORDERS),
        (lambda g: SMALL.complete(X, KNOWN, generator=g), DICE),
        (lambda k: SMALL.complete(X, k), (None, KNOWN[0], KNOWN.float(), [True])),
    ],
    "VAE": [
        (lambda g: CODED.elbo(X, generator=g), DICE),
        (lambda g: CODED.importance_weighted_bound(X, 2, generator=g), DICE),
    ],
    "BoltzmannMachine": [(lambda g: MACHINE.step(X, generator=g), DICE)],
    "GAN": [(lambda g: GAN((1, 2, 2)).generator_loss(torch.zeros(2, 1, 2, 2), generator=g), DICE)],
    "log_mean_weight": [
        (log_mean_weight, (None, 1.0, torch.ones(0), torch.tensor(1.0), torch.ones(2).long()))
    ],
    "children": [(children, (None, dict, "NADE", SMALL))],
    "verbs": [(verbs, (None, dict, "NADE", SMALL))],
    "tree": [(tree, (None, dict, "NADE", SMALL))],
    "log_probs": [
        (lambda m: log_probs(m, X), (None, *FOREIGN, dict)),
        (lambda m: held_out(m, X), (None, *FOREIGN, dict)),
        (lambda x: log_probs(SMALL, x), (None, *FOREIGN, torch.tensor(1.0))),
        (lambda b: log_probs(SMALL, X, b), COUNTS),
    ],
    "bits_per_dim": [
        (lambda p: bits_per_dim(p, 4), (*TENSORS, *FOREIGN)),
        (lambda d: bits_per_dim(LAW, d), COUNTS),
    ],
    "state_log_probs": [(state_log_probs, (None, *FOREIGN, dict))],
    "exact_kl": [
        (lambda u: exact_kl(u, SMALL), (None, *FOREIGN)),
        (lambda m: exact_kl(BARS, m), (None, *FOREIGN)),
    ],
    "paired_difference": [
        (lambda a: paired_difference(a, LAW), (*TENSORS, *FOREIGN, LAW * nan, LAW[:1], LAW[:3])),
        (lambda b: paired_difference(LAW, b), (*TENSORS, *FOREIGN, LAW * nan, LAW[:1], LAW.to("meta"))),
    ],
    "classifier_two_sample_test": [
        (lambda x: classifier_two_sample_test(x, PAIRS), (*TENSORS, *FOREIGN, PAIRS[:3], PAIRS * nan)),
        (lambda h: classifier_two_sample_test(PAIRS, PAIRS, held_out=h), (1, PAIRS, (PAIRS,), (PAIRS, X))),
        (lambda s: classifier_two_sample_test(PAIRS, PAIRS, seed=s), SEEDS),
    ],
    "frechet_distance": [
        (lambda r: frechet_distance(PAIRS, PAIRS, repeats=r), (-1, 1, True, 1.5, None, torch.ones(2))),
        (lambda s: frechet_distance(PAIRS, PAIRS, seed=s), SEEDS),
    ],
}
CASES = [(who, call, bad) for who, rows in TABLE.items() for call, values in rows for bad in values]


@pytest.mark.parametrize(
    ("who", "call", "bad"), CASES, ids=[f"{i}-{who}" for i, (who, _, _) in enumerate(CASES)]
)
def test_bad_input_is_one_clear_value_error(who, call, bad):
    with pytest.raises(ValueError, match=who) as caught:
        call(bad)
    assert "expected" in str(caught.value) and "got" in str(caught.value)


def test_good_input_is_none_of_that():
    dice = torch.Generator().manual_seed(0)
    assert BinaryUniverse("it", X, BARS.log_p).entropy == BARS.entropy
    assert SMALL.reordered(torch.tensor([3, 1, 2, 0])).order.tolist() == [3, 1, 2, 0]
    assert NADE((1, 2, 2), order=np.array([1, 0, 3, 2])).order.tolist() == [1, 0, 3, 2]
    assert BARS.sample(3, generator=dice).shape == DIGITS.train.x[:3, :, :2, :2].shape
    assert frechet_distance(PAIRS, PAIRS, repeats=0).standard_error == 0


def test_a_model_that_fails_goes_back_to_training():
    model = NADE((1, 2, 2)).train()
    with pytest.raises(ValueError, match="NADE"):
        log_probs(model, torch.full((2, 1, 2, 2), 0.5))
    assert model.training

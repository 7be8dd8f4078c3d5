"""What a digit costs: every number under the name of how it was had, and bounds that are bounds."""

from math import log
from types import SimpleNamespace

import pytest
import torch
from test_universe_bounds import Posterior

from course_utils.datasets import digits
from course_utils.divergences import Estimate
from course_utils.evaluation.results import (
    BINARY,
    BITS,
    BITS_DEQUANTISED,
    BITS_ELBO,
    BITS_ODE,
    GREY,
    MEASURES,
    NATS,
    NATS_AIS,
    NATS_ELBO,
    NATS_IWAE,
)
from course_utils.models import NADE, NICE, PixelCNN
from course_utils.models.younger import VQVAE, Diffusion
from course_utils.scoreboard import digits as measures
from course_utils.scoreboard.digits import costs, held_out_scores
from course_utils.scoreboard.universes import kl_bound
from course_utils.taxonomy import ExplicitMarkovChain
from course_utils.universe import bars_and_stripes

UNIVERSE = bars_and_stripes(3)


class Energy(ExplicitMarkovChain):
    """Independent fair coins with an energy, log Z = 2 + 9 log 2, known or estimated."""

    support, mixing, known = "binary", 1, True

    def _free_energy(self, x):
        return torch.full((len(x),), -2.0)

    def log_partition(self):
        if not self.known:
            raise ValueError("too many states")
        return torch.tensor(2 + self.dims * log(2))

    loss = _step = _sample = None


def test_a_variational_model_is_bounded_and_the_bound_is_tight_where_its_guess_is_right():
    right, noisy = Posterior(0.0), Posterior(1.0)
    assert abs(kl_bound(UNIVERSE, right, 200).value) < 1e-6
    bound = kl_bound(UNIVERSE, noisy, 2000)
    assert 0 < bound.value < 0.01  # 500 codes: E[w²]/1000 ≈ 0.0009
    x = UNIVERSE.sample(500, generator=torch.Generator().manual_seed(0))
    found = costs(noisy, x)
    assert list(found) == ["IWAE-500", "ELBO"]
    slack = (found["ELBO"][0] - found["IWAE-500"][0]).mean().item()
    assert slack == pytest.approx(0.5, abs=0.05)  # s²/2


def test_every_score_has_the_name_of_how_it_was_had():
    x = digits("binary").test.x[:20]
    model = NADE((1, 8, 8)).eval()
    scores, cost = held_out_scores(model, x, BINARY)
    assert list(scores) == [NATS] and scores[NATS][0] == pytest.approx(-model.log_prob(x).mean().item())
    assert cost.shape == (20,) and scores[NATS][1] == pytest.approx(cost.std().item() / 20**0.5)
    grey, dense = digits("levels").test.x[:5], digits("unit").test.x[:5]
    flow, pixels = NICE((1, 8, 8)).eval(), PixelCNN((1, 8, 8), levels=17, hidden=8, blocks=1).eval()
    found, _ = held_out_scores(flow, dense, GREY)
    by_hand = (-flow.log_prob(dense).mean().item() / 64 + log(17)) / log(2)
    assert list(found) == [BITS_DEQUANTISED] and found[BITS_DEQUANTISED][0] == pytest.approx(
        by_hand, rel=1e-5
    )
    found, _ = held_out_scores(pixels, grey, GREY)
    by_hand = -pixels.log_prob(grey).mean().item() / 64 / log(2)
    assert list(found) == [BITS] and found[BITS][0] == pytest.approx(by_hand, rel=1e-5)
    small = UNIVERSE.sample(50, generator=torch.Generator().manual_seed(0))
    assert list(held_out_scores(Posterior(1.0), small, BINARY)[0]) == [NATS_IWAE, NATS_ELBO]
    assert MEASURES[NATS_IWAE].kind == MEASURES[NATS_ELBO].kind == MEASURES[BITS_DEQUANTISED].kind == "bound"


def test_a_diffusion_is_bounded_as_a_chain_and_scored_as_an_ode_in_bits_of_grey_levels():
    model, dense = Diffusion((1, 8, 8), hidden=8, steps=30).eval(), digits("unit").test.x[:20]
    scores, cost = held_out_scores(model, dense, GREY)
    assert list(scores) == [BITS_ELBO, BITS_ODE] and cost.mean().item() == pytest.approx(scores[BITS_ELBO][0])
    bound = model.elbo(dense, generator=torch.Generator().manual_seed(0))
    for name, log_p in ((BITS_ELBO, bound), (BITS_ODE, model.flow().log_prob(dense))):
        by_hand = (-log_p.mean().item() / 64 + log(17)) / log(2)
        assert scores[name][0] == pytest.approx(by_hand, rel=1e-5) and MEASURES[name].kind == "bound"


def test_a_code_that_can_be_summed_is_exact():
    model, grey = VQVAE((1, 8, 8), levels=17, tokens=2, codes=3, hidden=8).eval(), digits("levels").test.x[:9]
    scores, _ = held_out_scores(model, grey, GREY)
    by_hand = -model.log_prob(grey).mean().item() / 64 / log(2)
    assert list(scores) == [BITS] and scores[BITS][0] == pytest.approx(by_hand, rel=1e-5)


def test_an_unnormalised_density_is_exact_or_says_that_its_z_is_estimated(monkeypatch):
    x = UNIVERSE.sample(50, generator=torch.Generator().manual_seed(0))
    model = Energy((1, 3, 3))
    scores, _ = held_out_scores(model, x, BINARY)
    assert list(scores) == [NATS] and scores[NATS][0] == pytest.approx(9 * log(2), rel=1e-6)
    model.known = False
    sampled = SimpleNamespace(log_z=Estimate(8.0, 0.25))
    monkeypatch.setattr(measures, "annealed_importance_sampling", lambda *a, **b: sampled)
    scores, _ = held_out_scores(model, x, BINARY)
    assert list(scores) == [NATS_AIS] and scores[NATS_AIS] == [pytest.approx(6.0), pytest.approx(0.25)]
    assert MEASURES[NATS_AIS].kind == "estimate"

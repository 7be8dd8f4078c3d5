"""What an image costs: every number under the name of how it was had, and bounds that are bounds."""

from math import log

import pytest
import torch

from course_utils.datasets import dequantise, digits
from course_utils.divergences import Estimate
from course_utils.evaluation.results import (
    BINARY,
    BITS,
    BITS_DEQUANTISED,
    GREY,
    MEASURES,
    NATS,
    NATS_AIS,
    NATS_ELBO,
    NATS_IWAE,
)
from course_utils.models import NADE, NICE, PixelCNN
from course_utils.scoreboard import likelihoods
from course_utils.scoreboard.likelihoods import costs, dequantised_kl, held_out_scores, kl_bound
from course_utils.taxonomy import ExplicitMarkovChain, Flow, Variational
from course_utils.universe import bars_and_stripes, state_index

UNIVERSE = bars_and_stripes(3)


class Cells(Flow):
    """A density that is constant in the cell of each state."""

    support = "unit"

    def __init__(self, log_p):
        super().__init__((1, 3, 3))
        self.register_buffer("log_p", log_p)

    @property
    def reference(self):
        return torch.zeros(1)

    def _log_prob(self, x):
        return self.log_p[state_index((x > 0.5).float())] + 9 * log(2)

    def _sample(self, n, generator):
        index = torch.multinomial(self.log_p.exp(), n, replacement=True, generator=generator)
        return dequantise(UNIVERSE.states[index], 2, generator)

    _encode = _decode = None


class Posterior(Variational):
    """p_D with weights that are off by noise: log w = log p_D(x) + s·ε − s²/2, so that E[w] = p_D."""

    support = "binary"
    spread = 0.0

    def __init__(self, spread):
        super().__init__((1, 3, 3))
        self.spread = spread

    def _log_weights(self, x, y, k, generator):
        noise = torch.randn(k, len(x), generator=generator).double()
        return UNIVERSE.log_p[state_index(x)] + self.spread * noise - self.spread**2 / 2

    def _elbo(self, x, y, generator):
        return self._log_weights(x, y, 1, generator)[0]

    _encode = _decode = _sample = None


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


def test_a_dequantised_law_has_the_kl_of_its_discrete_law():
    """A density that is constant on cells: the bound is tight, and 0 for p_D itself."""
    true, even = Cells(UNIVERSE.log_p), Cells(torch.full((512,), -9 * log(2)).double())
    assert abs(dequantised_kl(UNIVERSE, true).value) < 1e-5
    estimate = kl_bound(UNIVERSE, even)
    exact = 9 * log(2) - UNIVERSE.entropy
    assert abs(estimate.value - exact) < 5 * estimate.standard_error < 0.3


def test_the_mass_of_a_cell_is_averaged_over_its_points():
    """A density that grows within cells: E over one point alone would be further off."""

    class Sloped(Cells):
        def _log_prob(self, x):
            inside = (2 * x).frac().flatten(1)
            return super()._log_prob(x) + (2 * inside).clamp_min(1e-6).log().sum(1)

    bound = dequantised_kl(UNIVERSE, Sloped(UNIVERSE.log_p)).value
    one_point = 9 * (1 - log(2))
    assert 0 < bound < one_point - 0.5


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


def test_an_unnormalised_density_is_exact_or_says_that_its_z_is_estimated(monkeypatch):
    x = UNIVERSE.sample(50, generator=torch.Generator().manual_seed(0))
    model = Energy((1, 3, 3))
    scores, _ = held_out_scores(model, x, BINARY)
    assert list(scores) == [NATS] and scores[NATS][0] == pytest.approx(9 * log(2), rel=1e-6)
    model.known = False
    monkeypatch.setattr(likelihoods, "estimated_partition", lambda model, seed: Estimate(8.0, 0.25))
    scores, _ = held_out_scores(model, x, BINARY)
    assert list(scores) == [NATS_AIS] and scores[NATS_AIS] == [pytest.approx(6.0), pytest.approx(0.25)]
    assert MEASURES[NATS_AIS].kind == "estimate"


@pytest.mark.parametrize("model", [Posterior(1.0), Cells(UNIVERSE.log_p)], ids=["variational", "density"])
def test_random_numbers_of_a_bound_are_drawn_where_the_universe_or_the_model_lives(model, monkeypatch):
    """A generator without a device is one of the CPU, which a GPU's tensors refuse."""
    asked = []

    class Watched(torch.Generator):
        def __new__(cls, device="none was named"):
            asked.append(str(device))
            return super().__new__(cls, "cpu")

    monkeypatch.setattr(torch, "Generator", Watched)
    kl_bound(UNIVERSE, model, 20)
    assert asked and set(asked) == {"cpu"}

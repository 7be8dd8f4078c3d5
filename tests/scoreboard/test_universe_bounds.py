"""An upper bound of KL(p_D‖p_M): never below the truth, and near it where a model knows the truth."""

from math import log

import pytest
import torch

from course_utils.datasets import dequantise
from course_utils.divergences import kl
from course_utils.models.diffusion import Diffusion
from course_utils.scoreboard import universes
from course_utils.scoreboard.universes import kl_bound
from course_utils.taxonomy import Flow, Variational
from course_utils.universe import BinaryUniverse, all_images, bars_and_stripes, state_index

UNIVERSE = bars_and_stripes(3)
LOG_P = UNIVERSE.log_p


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


def test_a_dequantised_law_has_the_kl_of_its_discrete_law():
    """A density that is constant on cells: the bound is tight, and 0 for p_D itself."""
    true, even = Cells(LOG_P), Cells(torch.full((512,), -9 * log(2)).double())
    assert abs(kl_bound(UNIVERSE, true).value) < 1e-5
    estimate = kl_bound(UNIVERSE, even)
    exact = 9 * log(2) - UNIVERSE.entropy
    assert abs(estimate.value - exact) < 5 * estimate.standard_error < 0.3


def test_the_mass_of_a_cell_is_averaged_over_its_points():
    """E over one point alone would be further off."""
    bound = kl_bound(UNIVERSE, Sloped(LOG_P)).value
    one_point = 9 * (1 - log(2))
    assert 0 < bound < one_point - 0.5


class Sloped(Cells):
    """A density that grows within cells."""

    def _log_prob(self, x):
        inside = (2 * x).frac().flatten(1)
        return super()._log_prob(x) + (2 * inside).clamp_min(1e-6).log().sum(1)


class Told(Diffusion):
    """A known density, but for a tenth of a nat, and by chance two nats more or less."""

    def __init__(self, density):
        super().__init__((1, 3, 3), hidden=4)
        self.density_of = density

    def elbo(self, x, *, steps=None, generator=None):
        chance = torch.randn(len(x), generator=generator).double()
        return self.density_of.log_prob(x) - 0.1 + 2 * chance

    def flow(self, **settings):
        return self.density_of


class BestGuess(torch.nn.Module):
    """The exact v of independent pixels, E[y | z] on a fine grid of y, and its trace."""

    def __init__(self, model, share):
        super().__init__()
        self.levels = model.levels
        ends = model.enter(torch.tensor([[[[0.0, 1.0]]]]).double())[0].flatten().tolist()
        self.y = torch.linspace(*ends, 120).double()
        cells = torch.where(self.y < 0, 1 - share[:, None], share[:, None])  # (D, 120)
        self.log_density = (cells * self.y.sigmoid() * (-self.y).sigmoid()).log()

    def with_trace(self, t, z):
        signal, noise = self.levels(t)
        log_each = -(z[..., None] - signal[..., None] * self.y).square() / (2 * noise[..., None] ** 2)
        weights = (log_each + self.log_density).softmax(-1)
        guess = weights @ self.y
        variance = weights @ self.y.square() - guess.square()
        v = (signal * z - guess) / noise
        return v, ((signal - signal * variance / noise**2) / noise).sum(1)

    def forward(self, t, z):
        return self.with_trace(t, z)[0]


def test_a_diffusion_that_knows_a_law_is_as_far_from_another_as_the_two_laws_are_and_no_nearer():
    """The bound of a perfect denoiser: above KL(p‖q), by what blurred ends of cells and finite steps cost."""
    shares, x = torch.tensor([0.3, 0.6, 0.8]).double(), all_images(1, 3)
    pixels = x.flatten(1).double()

    def law(share):
        return pixels @ share.log() + (1 - pixels) @ (1 - share).log()

    universe = BinaryUniverse("coins", x, law(shares))
    model = Diffusion((1, 1, 3), hidden=4, highest=5.0).double().eval()
    for learned in (shares, 1 - shares):
        model.net = BestGuess(model, learned)
        bound, truth = kl_bound(universe, model, 60), kl(universe.log_p, law(learned)).item()
        assert max(0, truth - 3 * bound.standard_error) < bound.value < truth + 0.3 + 3 * bound.standard_error
        assert bound.standard_error < 0.25


def test_bounds_that_chance_moves_are_averaged_as_they_are():
    """KL = 0, and the bound is a tenth above; averaged as densities it would fall a nat below the truth."""
    bound = kl_bound(UNIVERSE, Told(Cells(LOG_P)))
    assert bound.value == pytest.approx(0.1, abs=4 * bound.standard_error)
    assert bound.standard_error == pytest.approx(2 / (universes.POINTS * 1000) ** 0.5, rel=0.1)


def test_points_are_weighted_by_the_ode_so_that_nothing_is_lost_within_a_cell():
    bound, exact = kl_bound(UNIVERSE, Told(Sloped(LOG_P))), kl_bound(UNIVERSE, Sloped(LOG_P))
    assert bound.value == pytest.approx(exact.value + 0.1, abs=4 * bound.standard_error)


@pytest.mark.parametrize(
    "model",
    [Posterior(1.0), Cells(UNIVERSE.log_p), Told(Cells(UNIVERSE.log_p))],
    ids=["variational", "density", "diffusion"],
)
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

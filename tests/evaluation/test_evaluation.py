"""Evaluation: exact on small worlds, and able to tell right from wrong."""

from math import log

import pytest
import torch
from agreement import sample_agreement

from course_utils.divergences import kl
from course_utils.evaluation import (
    bits_per_dim,
    exact_kl,
    held_out,
    log_probs,
    paired_difference,
    state_log_probs,
)
from course_utils.models import NADE
from course_utils.taxonomy import Direct
from course_utils.universe import bars_and_stripes


def independent(universe, p=0.3) -> NADE:
    """A NADE whose pixels are independent Bernoulli(p): its distances have closed forms."""
    model = NADE(universe.event_shape).double()
    model.V.data.zero_()
    model.b.data.fill_(log(p / (1 - p)))
    return model


@pytest.fixture
def universe():
    bars = bars_and_stripes(3)
    return type(bars)(bars.name, bars.states.double(), bars.log_p)


def test_exact_kl_of_independent_pixels_has_a_closed_form(universe):
    """−H − Σ_i (E x_i log p + (1 − E x_i) log(1 − p)), by hand."""
    share = (universe.log_p.exp() @ universe.states.flatten(1)).sum().item()
    by_hand = -universe.entropy - share * log(0.3) - (9 - share) * log(0.7)
    assert exact_kl(universe, independent(universe)) == pytest.approx(by_hand, abs=1e-12)


def test_exact_kl_is_the_divergence_of_the_tables_and_ignores_training_mode(universe):
    model = NADE((1, 3, 3)).double().train()
    value = exact_kl(universe, model)
    assert value == pytest.approx(kl(universe.log_p, state_log_probs(model)).item(), abs=1e-12)
    assert model.training


def test_batches_do_not_change_log_probs(universe):
    model = NADE((1, 3, 3)).double()
    torch.testing.assert_close(log_probs(model, universe.states, 100), log_probs(model, universe.states))


def test_bits_per_dim_of_a_dequantised_grid_is_that_of_its_discrete_distribution():
    """A density constant on cells of 1/L carries the probabilities of the grey values."""
    log_probability = torch.tensor([-2.0, -7.5]).double()
    dequantised = bits_per_dim(log_probability + 3 * log(17), 3, levels=17)
    torch.testing.assert_close(dequantised, bits_per_dim(log_probability, 3), rtol=0, atol=1e-12)
    assert bits_per_dim(torch.tensor(-3 * log(2)), 3) == 1


def test_paired_difference_beats_two_error_bars():
    generator = torch.Generator().manual_seed(0)
    easy_or_hard = 5 * torch.randn(300, generator=generator)
    a = easy_or_hard + 0.2 + 0.1 * torch.randn(300, generator=generator)
    b = easy_or_hard
    difference = paired_difference(a, b)
    assert abs(difference.value - 0.2) < 4 * difference.standard_error < 0.05
    assert a.std() / 300**0.5 > 10 * difference.standard_error


def test_held_out_is_the_mean_negative_log_likelihood(universe):
    model = independent(universe)
    x = universe.sample(1000, generator=torch.Generator().manual_seed(0))
    nll = -model.log_prob(x)
    estimate = held_out(model, x)
    assert estimate.value == pytest.approx(nll.mean().item())
    assert estimate.standard_error == pytest.approx((nll.std() / 1000**0.5).item())


class DoubleSigmoid(NADE):
    """The classic mistake: samples from σ(σ(logit)), while the density is right."""

    def _draw(self, u, temperature, given, start):
        x, a = torch.zeros_like(u), self.c.expand(len(u), -1)
        for i in range(self.dims):
            p = torch.sigmoid(torch.sigmoid(torch.sigmoid(a) @ self.V[i] + self.b[i]))
            x[:, i] = (u[:, i] < p).to(x)
            a = a + x[:, i, None] * self.W[i]
        return x.view(-1, *self.event_shape)


def test_agreement_catches_a_double_sigmoid_and_passes_the_truth(universe):
    wrong, right = DoubleSigmoid((1, 3, 3)).double(), NADE((1, 3, 3)).double()
    for model in (wrong, right):
        model.b.data.fill_(-2.0)
    generator = torch.Generator().manual_seed(0)
    seen = [sample_agreement(m, state_log_probs(m), 20_000, generator=generator) for m in (wrong, right)]
    assert seen[0].p_value < 1e-12 and seen[0].total_variation > 0.5
    assert seen[1].p_value > 1e-4 and seen[1].total_variation < 0.1


@pytest.mark.slow
def test_agreement_p_values_are_honest():
    """For perfect samples p-values are uniform: no more than a few of 200 under 0.05."""
    model = NADE((1, 2, 2)).double()
    model.b.data.fill_(-4.0)  # rare states, so that pooling matters
    log_p = state_log_probs(model)
    generator = torch.Generator().manual_seed(1)
    p = torch.tensor([sample_agreement(model, log_p, 2000, generator=generator).p_value for _ in range(200)])
    assert 1 <= (p < 0.05).sum() <= 22
    assert 0.4 < p.mean() < 0.6


class Dice(Direct):
    def _sample(self, n, generator):
        return torch.zeros(n, *self.event_shape)

    _discriminate = _discriminator_loss = _generator_loss = None


@pytest.mark.parametrize(
    "call",
    [
        lambda u: exact_kl(u, NADE((1, 2, 2))),
        lambda u: exact_kl(u, Dice((1, 3, 3))),
        lambda u: log_probs(Dice((1, 3, 3)), u.states),
        lambda u: log_probs(NADE((1, 3, 3)), u.states[..., :2]),
        lambda u: state_log_probs(NADE((1, 8, 8))),
        lambda u: state_log_probs(Dice((1, 3, 3))),
        lambda u: bits_per_dim(torch.zeros(2), 4, levels=2.0),
    ],
)
def test_bad_input_is_a_value_error(universe, call):
    with pytest.raises(ValueError, match="expected|cannot compute"):
        call(universe)

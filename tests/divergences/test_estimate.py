"""Estimates from samples: right on average, with standard errors that mean what they say."""

from math import inf, isnan

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from course_utils.divergences import Estimate, kl, kl_monte_carlo, mean
from course_utils.universe import bars_and_stripes

P, Q = (0.0, 1.0), (1.0, 2.25)  # mean and variance
REPEATS = 300


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def normal(of):
    return Normal(torch.tensor(of[0]).double(), torch.tensor(of[1]).double().sqrt())


def test_kl_is_honest():
    """Unbiased to 4 standard errors of the average, errors of the true size, 95 % within 2 of them."""
    p, q = normal(P), normal(Q)
    x = p.sample((REPEATS, 200))
    found = torch.tensor([kl_monte_carlo(p.log_prob(one), q.log_prob(one)) for one in x]).double()
    values, errors, exact = *found.T, kl_divergence(p, q)
    spread = values.std()
    assert abs(values.mean() - exact) < 4 * spread / REPEATS**0.5
    assert 0.87 < errors.square().mean().sqrt() / spread < 1.15
    assert 0.91 < ((values - exact).abs() < 2 * errors).double().mean()


def test_estimates_on_a_universe_agree_with_enumeration():
    p, q = bars_and_stripes(3, flip=0.02), bars_and_stripes(3, flip=0.1)
    x = p.sample(20_000, generator=torch.Generator().manual_seed(1))
    estimate, exact = kl_monte_carlo(p.log_prob(x), q.log_prob(x)), kl(p.log_p, q.log_p)
    assert abs(estimate.value - exact) < 4 * estimate.standard_error < 0.2 * exact
    assert abs(estimate.value - kl(q.log_p, p.log_p)) > 20 * estimate.standard_error  # the other way round


def test_estimates_between_equal_and_between_disjoint_distributions():
    own, none = torch.tensor([-1.0, -2.0, -3.0]), torch.full((3,), -inf)
    assert kl_monte_carlo(own, own) == (0, 0)
    assert kl_monte_carlo(own, none).value == inf and isnan(kl_monte_carlo(own, none).standard_error)


@pytest.mark.parametrize(
    "value, error, text",
    [
        (17.3123, 0.3404, "17.31 ± 0.34"),
        (0.0123456, 0.00056, "0.01235 ± 0.00056"),
        (-5, 2, "-5.0 ± 2.0"),
        (12345.6, 120, "12346 ± 120"),
        (1, 10, "1 ± 10"),
        (2.5, 0, "2.5 ± 0"),
        (inf, float("nan"), "inf ± nan"),
    ],
)
def test_an_estimate_prints_two_digits_of_its_error(value, error, text):
    assert str(Estimate(value, error)) == repr(Estimate(value, error)) == text


def test_mean_is_the_textbook_s():
    values = torch.randn(100, dtype=torch.float64, requires_grad=True)
    array = values.detach().numpy()
    assert mean(values) == pytest.approx((array.mean(), array.std(ddof=1) / 10))
    assert mean(torch.tensor([0.0, inf])).value == inf
    big = 1e6 + torch.tensor([0.25, 0.75])  # float32 would round the spread away when squaring
    assert mean(big).standard_error == pytest.approx(0.25)

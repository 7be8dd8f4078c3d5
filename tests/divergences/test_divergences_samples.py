"""Estimates from samples: right on average, with standard errors that mean what they say."""

from math import exp, inf, isnan

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from course_utils.divergences import (
    Estimate,
    gaussian_kernel,
    kl,
    kl_monte_carlo,
    mean,
    median_distance,
    mmd_squared_samples,
)
from course_utils.universe import bars_and_stripes

P, Q = (0.0, 1.0), (1.0, 2.25)  # mean and variance
REPEATS = 300


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def normal(law):
    return Normal(torch.tensor(law[0]).double(), torch.tensor(law[1]).double().sqrt())


def draw(law, n, generator):
    return law[0] + law[1] ** 0.5 * torch.randn(n, generator=generator, dtype=torch.float64)


def repeated(estimate, p=P, q=Q, n=200, m=300):
    """The estimate on many independent pairs of samples, as (values, standard errors)."""
    generator = torch.Generator().manual_seed(0)
    pairs = ((draw(p, n, generator), draw(q, m, generator)) for _ in range(REPEATS))
    return torch.tensor([estimate(x, y) for x, y in pairs], dtype=torch.float64).T


def assert_honest(values, errors, exact, *, wide=1.15):
    """Unbiased to 4 standard errors of the average, errors of the true size, 95 % within 2 of them."""
    spread = values.std()
    assert abs(values.mean() - exact) < 4 * spread / len(values) ** 0.5
    assert 0.87 < errors.square().mean().sqrt() / spread < wide
    within = ((values - exact).abs() < 2 * errors).double().mean()
    assert 0.91 < within


# From log-densities


def test_kl_is_honest():
    p, q = normal(P), normal(Q)
    values, errors = repeated(lambda x, _: kl_monte_carlo(p.log_prob(x), q.log_prob(x)))
    assert_honest(values, errors, kl_divergence(p, q))


def test_estimates_on_a_universe_agree_with_enumeration():
    p, q = bars_and_stripes(3, flip=0.02), bars_and_stripes(3, flip=0.1)
    x = p.sample(20_000, generator=torch.Generator().manual_seed(1))
    estimate, exact = kl_monte_carlo(p.log_prob(x), q.log_prob(x)), kl(p.log_p, q.log_p)
    assert abs(estimate.value - exact) < 4 * estimate.standard_error < 0.2 * exact
    assert abs(estimate.value - kl(q.log_p, p.log_p)) > 20 * estimate.standard_error  # the other way round


def test_estimates_between_equal_and_between_disjoint_laws():
    own, none = torch.tensor([-1.0, -2.0, -3.0]), torch.full((3,), -inf)
    assert kl_monte_carlo(own, own) == (0, 0)
    assert kl_monte_carlo(own, none).value == inf and isnan(kl_monte_carlo(own, none).standard_error)


# From samples alone


def kernel_mean(p, q, h=1.5):
    """E exp(−(x − y)²/(2h²)) of independent x ∼ p, y ∼ q, both normal."""
    variance = h**2 + p[1] + q[1]
    return h / variance**0.5 * exp(-((p[0] - q[0]) ** 2) / (2 * variance))


def test_mmd_is_honest_where_the_laws_differ():
    values, errors = repeated(lambda x, y: mmd_squared_samples(x, y, 1.5), n=60, m=80)
    assert_honest(values, errors, kernel_mean(P, P) + kernel_mean(Q, Q) - 2 * kernel_mean(P, Q))


def test_mmd_is_unbiased_and_cautious_where_the_laws_are_the_same():
    values, errors = repeated(lambda x, y: mmd_squared_samples(x, y, 1.5), q=P, n=60, m=80)
    assert (values < 0).any()
    assert_honest(values, errors, 0.0, wide=1.6)


def unbiased(x, y, h):
    k = lambda a, b: gaussian_kernel(a[None], b[None], h).item()  # noqa: E731
    pairs = lambda z: [k(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j]  # noqa: E731
    return np.mean(pairs(x)) + np.mean(pairs(y)) - 2 * np.mean([k(a, b) for a in x for b in y])


def test_mmd_is_the_mean_over_pairs_and_its_error_the_jackknife():
    x, y, h = torch.randn(6, 1, 2, 2), 1 + torch.randn(4, 1, 2, 2), 2.0
    estimate = mmd_squared_samples(x, y, h)
    assert estimate.value == pytest.approx(unbiased(x, y, h), abs=1e-12)
    variance = 0.0
    for sample, statistic in ((x, lambda z: unbiased(z, y, h)), (y, lambda z: unbiased(x, z, h))):
        left = [statistic(torch.cat([sample[:i], sample[i + 1 :]])) for i in range(len(sample))]
        variance += (len(left) - 1) * np.var(left)
    assert estimate.standard_error == pytest.approx(variance**0.5, rel=1e-8)


def test_the_bandwidth_is_the_median_of_all_distances():
    for n, m in ((5, 4), (2, 1), (4, 2), (2, 2)):  # 36, 3, 15 and 6 pairs: of an even number, the mean of two
        x, y = torch.randn(n, 2), torch.randn(m, 2)
        pooled = torch.cat([x, y]).double()
        gaps = [(pooled[i] - pooled[j]).norm().item() for i in range(n + m) for j in range(i)]
        assert median_distance(x, y) == pytest.approx(np.median(gaps))
    x, y = torch.randn(5, 2), torch.randn(4, 2)
    assert mmd_squared_samples(x, y) == mmd_squared_samples(x, y, median_distance(x, y))


def test_the_kernel_is_gaussian_in_the_distance_of_whole_images():
    x, y = torch.rand(3, 1, 2, 2), torch.rand(5, 1, 2, 2)
    k = gaussian_kernel(x, y, 0.7)
    assert k.shape == (3, 5)
    distance = (x[1] - y[4]).double().square().sum()
    assert k[1, 4].item() == pytest.approx((-distance / (2 * 0.7**2)).exp().item())
    x = torch.rand(60, 3, dtype=torch.float64)
    assert torch.allclose(
        gaussian_kernel(x, x, 0.1), gaussian_kernel(1e4 + x, 1e4 + x, 0.1), rtol=0, atol=1e-9
    )


# The estimate itself


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

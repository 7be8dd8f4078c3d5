"""B16: with the exact denoising conditional, corrupt-and-denoise is a chain whose stationary state is p_D."""

import pytest
import torch
from agreement import agreement

from course_utils.divergences import total_variation
from course_utils.models.denoising import (
    best_pixelwise,
    denoising_posterior,
    log_corruption,
    pixelwise,
    salt_and_pepper,
    stationary_distribution,
)
from course_utils.universe import all_images, bars_and_stripes, state_index

UNIVERSE = bars_and_stripes(3)
STATES, LOG_P = UNIVERSE.states, UNIVERSE.log_p
NOISES = (0.02, 0.1, 0.3, 0.6, 0.9)


def by_hand(states, noise):
    """C(x̃ | x) pixel by pixel: kept with probability 1 − noise, else a fair coin."""
    x = states.flatten(1).double()
    same = (x[:, None] == x[None]).double()
    return ((1 - noise) * same + noise / 2).prod(-1)


def chain(noise, forth=None):
    """T = C P of the exact denoiser; ``forth``: another corruption on the way there."""
    posterior = denoising_posterior(LOG_P, by_hand(STATES, noise).log())
    C = log_corruption(STATES, STATES, noise).exp() if forth is None else forth
    return C @ posterior.exp()


def distance(p, q):
    return (p - q).abs().sum().item() / 2


@pytest.mark.parametrize("noise", [0.0, *NOISES, 1.0])
def test_the_distribution_of_the_corruption_is_a_coin_for_each_forgotten_pixel(noise):
    C = log_corruption(STATES, STATES[:100], noise).exp()
    torch.testing.assert_close(C, by_hand(STATES, noise)[:, :100], rtol=0, atol=1e-14)
    assert (log_corruption(STATES[:9], STATES, noise).exp().sum(1) - 1).abs().max() < 1e-12


@pytest.mark.parametrize("noise", NOISES)
def test_corrupted_images_follow_the_distribution_of_the_corruption(noise):
    states = all_images(2, 2)
    x = states[6].expand(100_000, -1, -1, -1)
    noisy = salt_and_pepper(x, noise, generator=torch.Generator().manual_seed(1))
    for amount, agrees in ((noise, True), (noise / 2, False)):
        log_p = log_corruption(states[6:7], states, amount)[0]
        assert (agreement(state_index(noisy), log_p).p_value > 1e-4) == agrees


def test_a_corruption_draws_the_same_from_the_same_numbers_and_leaves_x_alone():
    x = torch.ones(50, 1, 3, 3)
    seeds = (torch.Generator().manual_seed(seed) for seed in (1, 1, 2))
    first, again, other = (salt_and_pepper(x, 0.5, generator=seed) for seed in seeds)
    assert torch.equal(first, again) and not torch.equal(first, other) and bool((x == 1).all())
    assert torch.equal(salt_and_pepper(x, 0.0), x)


@pytest.mark.parametrize("noise", NOISES)
def test_the_stationary_distribution_is_p_D(noise):
    """The shipped corruption there, the exact conditional of the corruption by hand back."""
    T, p = chain(noise), LOG_P.exp()
    assert distance(p @ T, p) < 1e-12
    assert distance(stationary_distribution(T), p) < 1e-9
    flow = p[:, None] * T
    assert (flow - flow.T).abs().max() < 1e-14  # detailed balance: the chain is reversible


def test_pixelwise_is_the_distribution_of_independent_coins():
    logits = torch.randn(3, 9, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    distribution = pixelwise(logits, STATES).exp()
    assert (distribution.sum(1) - 1).abs().max() < 1e-12
    p = torch.sigmoid(logits)[:, None]
    x = STATES.flatten(1).double()
    torch.testing.assert_close(distribution, torch.where(x == 1, p, 1 - p).prod(-1), rtol=0, atol=1e-12)


def test_the_best_pixelwise_denoiser_loses_least_and_its_chain_is_off_by_more_with_more_noise():
    p, errors = LOG_P.exp(), []
    for noise in (0.01, 0.1, 0.3):
        log_c = log_corruption(STATES, STATES, noise)
        posterior = denoising_posterior(LOG_P, log_c)
        best = best_pixelwise(posterior, STATES)
        joint = (LOG_P[:, None] + log_c).exp().T
        assert joint.sum() == pytest.approx(1)
        assert -(joint * best).sum() >= -(joint * posterior).sum()
        marginals = torch.logit(posterior.exp() @ STATES.flatten(1).double(), eps=1e-12)
        for shift in (-0.1, 0.1):
            assert (joint * pixelwise(marginals + shift, STATES)).sum() < (joint * best).sum()
        errors.append(distance(stationary_distribution(log_c.exp() @ best.exp()), p))
    assert errors == sorted(errors) and errors[0] < 0.01 and errors[-1] > 0.3
    last = stationary_distribution(log_c.exp() @ best.exp()).log()
    assert total_variation(LOG_P, last).item() == pytest.approx(errors[-1])


def test_stationary_distribution_of_a_known_chain():
    T = torch.tensor([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25], [0.0, 0.5, 0.5]])
    assert stationary_distribution(T).tolist() == pytest.approx([0.25, 0.5, 0.25])


@pytest.mark.parametrize("noise", [-0.1, 1.1, "0.5", None, True])
def test_bad_noise_is_named(noise):
    with pytest.raises(ValueError, match="salt_and_pepper: noise"):
        salt_and_pepper(STATES, noise)
    with pytest.raises(ValueError, match="log_corruption: noise"):
        log_corruption(STATES, STATES, noise)

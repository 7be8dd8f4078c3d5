"""B12 exactly: a model whose code is six bits, so that every expectation is a sum over 64 codes."""

from itertools import product
from math import log

import pytest
import torch
from quadrature import near
from torch.nn.functional import logsigmoid, softplus

from course_utils.models.distributions import Bernoulli
from course_utils.taxonomy import Variational, log_mean_weight
from course_utils.universe import all_images

BITS = 6
CODES = torch.tensor(list(product([0.0, 1.0], repeat=BITS))).double()  # (64, 6)
IMAGES = all_images(2, 2).double()


class SixBits(Variational):
    """z is six fair coins; p(x | z) and q(z | x) are linear in logits, with large random weights."""

    support = "binary"
    latent_shape = (BITS,)

    def __init__(self, seed: int = 0) -> None:
        super().__init__((1, 2, 2))
        torch.manual_seed(seed)
        self.up, self.down = torch.nn.Linear(4, BITS), torch.nn.Linear(BITS, 4)
        for parameter in self.double().parameters():
            parameter.data.normal_(std=1.5)

    def _encode(self, x, y):
        return Bernoulli(self.up(x.flatten(1)))

    def _decode(self, z, y):
        return Bernoulli(self.down(z).view(-1, 1, 2, 2))

    def log_w(self, x, z):
        q = self._encode(x, None)
        return self._decode(z, None).log_prob(x) - BITS * log(2) - q.log_prob(z)

    def _elbo(self, x, y, generator):
        return self._log_weights(x, y, 1, generator)[0]

    def _log_weights(self, x, y, k, generator):
        x = x.repeat(k, 1, 1, 1)
        return self.log_w(x, self._encode(x, y).sample(generator)).view(k, -1)

    def _sample(self, n, generator, y=None):
        z = torch.bernoulli(torch.full((n, BITS), 0.5).double(), generator=generator)
        return self._decode(z, y).sample(generator)


@torch.no_grad()
def tables(model: SixBits) -> tuple[torch.Tensor, torch.Tensor]:
    """log p(x, z) and log q(z | x) of all images and codes, ``(16, 64)``, without the model's laws."""
    pixels, guess = model.down(CODES), model.up(IMAGES.flatten(1))
    x = IMAGES.flatten(1)
    joint = x @ pixels.T - softplus(pixels).sum(1) - BITS * log(2)
    q = torch.where(CODES[None] == 1, logsigmoid(guess)[:, None], logsigmoid(-guess)[:, None]).sum(2)
    return joint, q


@torch.no_grad()
def exact_bound(model: SixBits, k: int) -> torch.Tensor:
    """L_k of all images: the expectation over all 64^k draws of k codes, by the shipped bound."""
    joint, log_q = tables(model)
    draws = torch.cartesian_prod(*[torch.arange(64)] * k).view(-1, k).T  # (k, 64^k)
    bounds = [
        (log_q[i][draws].sum(0).exp() * log_mean_weight((joint - log_q)[i][draws])).sum()
        for i in range(len(IMAGES))
    ]
    return torch.stack(bounds)


@pytest.mark.parametrize("seed", range(3))
def test_the_bounds_are_ordered_and_end_below_log_p(seed):
    """ELBO = L_1 ≤ L_2 ≤ L_3 ≤ log p(x), for every image."""
    model = SixBits(seed)
    joint, _ = tables(model)
    log_p = joint.logsumexp(1)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-12)
    bounds = [exact_bound(model, k) for k in (1, 2, 3)]
    for low, high in zip(bounds, [*bounds[1:], log_p], strict=True):
        assert (low < high - 1e-6).all()


@pytest.mark.parametrize("seed", range(3))
def test_elbo_is_log_p_less_the_kl_to_the_posterior(seed):
    joint, log_q = tables(SixBits(seed))
    log_p = joint.logsumexp(1)
    kl = (log_q.exp() * (log_q - (joint - log_p[:, None]))).sum(1)
    torch.testing.assert_close(exact_bound(SixBits(seed), 1), log_p - kl, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_with_the_posterior_as_guess_every_bound_is_log_p(seed):
    """Every weight is p(x) then, whatever is drawn."""
    joint, _ = tables(SixBits(seed))
    log_p = joint.logsumexp(1)
    for i, k in product(range(len(IMAGES)), (1, 2, 7)):
        posterior = joint[i] - log_p[i]
        drawn = torch.multinomial(posterior.exp(), 20 * k, replacement=True).view(k, 20)
        bound = log_mean_weight((joint[i] - posterior)[drawn])
        torch.testing.assert_close(bound, log_p[i].expand(20), rtol=0, atol=1e-10)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_verb_is_unbiased_for_the_exact_bound(k):
    model = SixBits()
    x = IMAGES.repeat(4000, 1, 1, 1)
    draws = model.importance_weighted_bound(x, k, generator=torch.Generator().manual_seed(0)).view(-1, 16)
    assert near(draws, exact_bound(model, k))


def test_many_codes_reach_log_p():
    """Where q forgets no code: the weights stay small, and the bound arrives."""
    model = SixBits()
    model.up.weight.data.mul_(0.2)
    model.up.bias.data.mul_(0.2)
    log_p = tables(model)[0].logsumexp(1)
    torch.testing.assert_close(model.importance_weighted_bound(IMAGES, 50_000), log_p, rtol=0, atol=0.1)


def test_weights_too_small_for_a_float_are_averaged_all_the_same():
    log_w = torch.tensor([[-2000.0, -900.0], [-2003.0, -900.0]]).double()
    expected = torch.tensor([-2000 + log((1 + torch.tensor(-3.0).double().exp()) / 2), -900.0]).double()
    torch.testing.assert_close(log_mean_weight(log_w), expected)

"""VQ-VAE against its definition: a finite mixture, a bound by one code, gradients straight through."""

from itertools import product
from math import log

import pytest
import torch
from agreement import sample_agreement
from pixels import random_model

from course_utils.models.vq_vae import VQVAE
from course_utils.training import fit
from course_utils.universe import all_images


def small(shape=(1, 2, 3), **settings) -> VQVAE:
    return random_model(VQVAE, shape, 0.5, **{"tokens": 2, "codes": 3, "hidden": 8} | settings)


@pytest.mark.parametrize("tokens", [1, 3])
def test_the_probabilities_of_all_images_sum_to_one(tokens):
    model = small(tokens=tokens)
    assert model.log_prob(all_images(2, 3).double()).exp().sum().item() == pytest.approx(1, abs=1e-12)
    grey = small((2, 1, 1), levels=4, tokens=tokens)
    x = torch.cartesian_prod(torch.arange(4), torch.arange(4)).view(-1, 2, 1, 1).double() / 3
    assert grey.log_prob(x).exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_p_is_the_mixture_over_all_codes_one_by_one(monkeypatch):
    monkeypatch.setattr("course_utils.models.vq_vae.ROWS", 2)  # so that there are several parts
    model, x = small(), all_images(2, 3)[::7].double()
    total = torch.zeros(len(x)).double()
    for c in product(range(3), repeat=2):
        code = torch.tensor([c])
        mean = model.decode(code)[0]  # of black and white pixels: p(ink)
        given = torch.where(x == 1, mean, 1 - mean).flatten(1).prod(1)
        total += model.log_prior(code).exp() * given
    torch.testing.assert_close(model.log_prob(x), total.log())


def test_the_prior_is_a_distribution_over_codes_and_its_tokens_depend_on_each_other():
    model = small(tokens=3, codes=4)
    codes = model.every_code()
    assert codes.shape == (64, 3) and len(codes.unique(dim=0)) == 64
    p = model.log_prior(codes).exp().view(4, 4, 4)
    assert p.sum().item() == pytest.approx(1, abs=1e-12)
    independent = p.sum((1, 2))[:, None, None] * p.sum((0, 2))[None, :, None] * p.sum((0, 1))
    assert (p - independent).abs().max() > 1e-3


def test_the_own_code_is_the_nearest_and_its_bound_is_one_term_of_the_sum():
    model, x = small(), all_images(2, 3).double()
    c, h = model.encode(x), model._vectors(x)
    for image in range(0, 64, 9):
        for t in range(2):
            distances = (h[image, t] - model.codebook[t]).square().sum(1)
            assert distances.argmin() == c[image, t]
    mean = model.decode(c)
    given = torch.where(x == 1, mean, 1 - mean).flatten(1).log().sum(1)
    torch.testing.assert_close(model.elbo(x), given + model.log_prior(c))
    assert (model.elbo(x) < model.log_prob(x)).all()


def test_gradients_go_straight_through_to_the_encoder_and_no_further():
    """The encoder's vectors get the gradient of log p(x | c) in e, and 2β (h − e); codebooks 2 (e − h)."""
    model, x = small(commitment=0.7), all_images(2, 3)[10:20].double()
    h = model._vectors(x)
    h.retain_grad()
    model._vectors = lambda _: h
    model.loss(x).backward()
    c = model._nearest(h)
    e = model._words(c).detach().requires_grad_()
    fit_of_e = model._given(e).log_prob(x.flatten(1)).sum()
    (slope,) = torch.autograd.grad(-fit_of_e / len(x), e)
    torch.testing.assert_close(h.grad, slope + 2 * 0.7 * (h - e).detach() / len(x))
    due = torch.zeros_like(model.codebook)
    for image in range(len(x)):
        for t in range(2):
            due[t, c[image, t]] += 2 * (e - h).detach()[image, t] / len(x)
    torch.testing.assert_close(model.codebook.grad, due)


def test_the_loss_is_the_bound_and_two_distances():
    model, x = small(commitment=0.5), all_images(2, 3)[::5].double()
    gap = (model._vectors(x) - model._words(model.encode(x))).square().flatten(1).sum(1).mean()
    torch.testing.assert_close(model.loss(x), -model.elbo(x).mean() + 1.5 * gap)
    torch.testing.assert_close(model.held_out(x), -model.elbo(x).mean())


def test_samples_follow_p():
    model, stream = small(), torch.Generator().manual_seed(0)
    log_p = model.log_prob(all_images(2, 3).double())
    assert sample_agreement(model, log_p, 40_000, generator=stream).p_value > 1e-4
    grey = small((2, 1, 2), levels=5)
    assert set((grey.sample(200) * 4).unique().tolist()) == {0, 1, 2, 3, 4}


@pytest.mark.slow
def test_it_learns_a_code_for_each_of_a_few_images():
    torch.manual_seed(0)
    kinds = all_images(2, 3)[[0, 21, 42, 63]]
    model = VQVAE((1, 2, 3), tokens=2, codes=4, width=4, hidden=32, dropout=0.0)
    fit(model, kinds.repeat(200, 1, 1, 1), epochs=40, lr=1e-2, batch_size=50, progress=False, device="cpu")
    assert -model.log_prob(kinds).mean() < log(4) + 0.3
    assert len(model.encode(kinds).unique(dim=0)) == 4


def test_bad_input_is_named():
    model = VQVAE((1, 2, 2), tokens=1, codes=2, hidden=4)
    for x in (torch.zeros(2, 1, 2, 3), torch.full((2, 1, 2, 2), 0.5), [0]):
        for verb in (model.log_prob, model.elbo, model.encode, model.loss):
            with pytest.raises(ValueError, match="VQVAE"):
                verb(x)

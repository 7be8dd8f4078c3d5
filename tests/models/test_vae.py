"""The VAE: bounds and gradients against quadrature, its samples against p(x), β, classes, its sizes."""

from math import log, pi

import numpy as np
import pytest
import torch
from agreement import agreement, sample_agreement
from pixels import random_model
from torch import Tensor
from torch.distributions import Bernoulli, Normal
from torch.nn.functional import logsigmoid

from course_utils.models import VAE
from course_utils.models.distributions import Gaussian
from course_utils.taxonomy import log_mean_weight
from course_utils.universe import all_images, state_index


def random_vae(**kinds: object) -> VAE:
    """A binary VAE whose code matters much and whose q is no posterior, in float64."""
    by = 0.25 if "network" in kinds else 0.6  # of convolutions
    return random_model(VAE, by=by, **{"latent": 1, "hidden": (12,)} | kinds)


def nodes(dims: int, points: int) -> tuple[Tensor, Tensor]:
    """Gauss–Hermite quadrature: standard normal ε ``(S, dims)`` and the logs of their weights ``(S,)``."""
    at, weight = np.polynomial.hermite_e.hermegauss(points)
    at, weight = torch.from_numpy(at), torch.from_numpy(weight / (2 * pi) ** 0.5).log()
    grid, weights = (torch.meshgrid(*[axis] * dims, indexing="ij") for axis in (at, weight))
    return torch.stack([g.flatten() for g in grid], 1), sum(w.flatten() for w in weights)


@torch.no_grad()
def log_p_by_quadrature(model: VAE, x: Tensor, y: Tensor | None = None, points: int = 100) -> Tensor:
    """log p(x) = log ∫ p(z) p(x | z) dz, ``(B,)``; y is one class for all."""
    z, log_weight = nodes(*model.latent_shape, points)
    logits = model.decode(z, None if y is None else y.expand(len(z))).logits.flatten(1)
    x = x.flatten(1)
    log_p = logsigmoid(logits) @ x.T + logsigmoid(-logits) @ (1 - x).T  # (S, B)
    return (log_p + log_weight[:, None]).logsumexp(0)


@torch.no_grad()
def bound_by_quadrature(model: VAE, x: Tensor, k: int, points: int = 40) -> Tensor:
    """L_k for a code of one dimension, over all k draws of it: ``(B,)``."""
    e, log_weight = nodes(k, points)  # (S, k)
    return torch.stack(
        [(log_weight.exp() * log_mean_weight(log_w_at(model, one[None], e.T))).sum() for one in x]
    )


def log_w_at(model: VAE, x: Tensor, e: Tensor) -> Tensor:
    """log p(x, z) − log q(z | x) for one x ``(1, …)`` at z = μ + σ·e, by torch's distributions; like e."""
    mean, log_variance = model.encode(x)
    z = mean + (0.5 * log_variance).exp() * e.reshape(-1, 1)
    pixels = Bernoulli(logits=model.decode(z).logits).log_prob(x).flatten(1).sum(1)
    q = Normal(mean, (0.5 * log_variance).exp())
    return (pixels + (Normal(0.0, 1.0).log_prob(z) - q.log_prob(z)).sum(1)).view_as(e)


def near(draws: Tensor, truth: Tensor, errors: float = 5) -> bool:
    """Whether the mean over the first axis is the truth within some standard errors, everywhere."""
    error = draws.std(0) / len(draws) ** 0.5
    return bool(((draws.mean(0) - truth).abs() < errors * error + 1e-9).all())


STATES = all_images(3, 3).double()
FEW = STATES[[0, 100, 341]]
NETWORKS = [{}, {"network": "convolutional", "hidden": 6}, {"hidden": ()}]


def many(x: torch.Tensor, n: int) -> torch.Tensor:
    return x.repeat(n, *[1] * (x.dim() - 1))


@pytest.mark.parametrize("kinds", NETWORKS)
def test_elbo_is_unbiased_and_below_log_p(kinds):
    """The mean of ``elbo`` is E_q[log p(x, z) − log q(z | x)], by quadrature; that is below log p(x)."""
    model = random_vae(**kinds)
    exact = bound_by_quadrature(model, FEW, 1, points=100)
    assert (exact < log_p_by_quadrature(model, FEW) - 0.01).all()
    with torch.no_grad():
        assert near(model.elbo(many(FEW, 20_000)).view(-1, 3), exact)


@pytest.mark.slow
def test_bounds_rise_with_k_to_log_p():
    """L_1 ≤ L_2 ≤ L_3 ≤ log p by quadrature; what is shipped is unbiased for them, and near log p at last."""
    model, x = random_vae(), FEW
    log_p, exact = log_p_by_quadrature(model, x), [bound_by_quadrature(model, x, k) for k in (1, 2, 3)]
    for low, high in zip(exact, [*exact[1:], log_p], strict=True):
        assert (low < high).all()
    for k, bound in enumerate(exact, start=1):
        assert near(model.importance_weighted_bound(many(x, 20_000), k).view(-1, 3), bound)
    torch.testing.assert_close(model.importance_weighted_bound(x, 100_000), log_p, rtol=0, atol=0.1)


@pytest.mark.parametrize("kinds", NETWORKS)
def test_samples_agree_with_p(kinds):
    """B21: histogram of samples against ∫ p(z) p(x | z) dz, with a code of two dimensions."""
    model = random_vae(latent=2, **kinds)
    log_p = log_p_by_quadrature(model, STATES, points=60)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-10)
    generator = torch.Generator().manual_seed(0)
    assert sample_agreement(model, log_p, 50_000, generator=generator).p_value > 1e-4


def test_beta_enters_the_loss_and_not_the_bound():
    """loss(β) = loss(0) + β KL, from the same draws; ``elbo`` and the k-sample bound know no β."""
    models = {beta: random_vae(beta=beta) for beta in (0, 1, 4)}
    x = STATES[:50]

    def same_draws(verb, *args):
        torch.manual_seed(0)
        return verb(x, *args).detach()

    kl = models[1].encode(x).kl_from_standard().sum(1).mean().detach()
    assert kl > 0.1
    for beta, model in models.items():
        base = same_draws(models[0].loss) + beta * kl
        torch.testing.assert_close(same_draws(model.loss), base)
        for verb, *k in (("elbo",), ("importance_weighted_bound", 7)):
            bound, other = (same_draws(getattr(m, verb), *k) for m in (model, models[1]))
            torch.testing.assert_close(bound, other)
        watched = same_draws(models[0].held_out) + beta * kl
        torch.testing.assert_close(same_draws(model.held_out), watched)
    torch.testing.assert_close(same_draws(models[1].loss), -same_draws(models[1].elbo).mean())


def test_several_samples_train_the_k_sample_bound():
    """loss = −L_k of the verb, from the same draws, with a gradient for both networks."""
    model, x = random_vae(samples=7), STATES[:50]
    torch.manual_seed(0)
    loss = model.loss(x)
    torch.manual_seed(0)
    torch.testing.assert_close(loss, -model.importance_weighted_bound(x, 7).mean())
    loss.backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.slow
def test_what_early_stopping_watches_is_less_noisy_than_the_loss():
    model, x = random_vae(), STATES[:40]
    with torch.no_grad():
        noise = [torch.stack([verb(x) for _ in range(300)]).var() for verb in (model.loss, model.held_out)]
    assert noise[0] > 5 * noise[1]  # 8 in theory


class TestClasses:
    """The conditional form, with three classes."""

    def test_bounds_and_samples_of_a_class_are_those_of_its_distribution(self):
        """B21 for p(x | y), and E[elbo(x, y)] < log p(x | y), with k draws in between."""
        model = random_vae(classes=3)
        generator = torch.Generator().manual_seed(0)
        for one in torch.arange(3):
            log_p, y = log_p_by_quadrature(model, STATES, one), one.expand(50_000)
            x = model.sample(50_000, y=y, generator=generator)
            assert agreement(state_index(x), log_p).p_value > 1e-4
            low = model.elbo(many(FEW, 2000), one.expand(6000)).view(-1, 3).mean(0)
            high = model.importance_weighted_bound(FEW, 50_000, one.expand(3))
            assert (low < high).all()
            torch.testing.assert_close(high, log_p[[0, 100, 341]], rtol=0, atol=0.1)

    def test_without_a_class_all_are_equally_likely(self):
        model = random_vae(classes=3)
        by_class = torch.stack([log_p_by_quadrature(model, STATES, y) for y in torch.arange(3)])
        log_p = by_class.logsumexp(0) - log(3)
        generator = torch.Generator().manual_seed(0)
        assert sample_agreement(model, log_p, 50_000, generator=generator).p_value > 1e-4
        bound = model.importance_weighted_bound(FEW, 50_000)
        torch.testing.assert_close(bound, log_p[[0, 100, 341]], rtol=0, atol=0.1)

    @pytest.mark.slow
    @pytest.mark.parametrize("classes", [10, 100])
    def test_bounds_without_a_class_hold_for_a_q_that_is_no_posterior(self, classes):
        """x needs a z above 2 and q(z | x) = N(1.5, 1): there exp(ELBO_y) has a mean far above p(x | y)."""
        model = random_vae(classes=classes, hidden=())
        for parameter in model.parameters():
            parameter.data.mul_(0.1)
        model.encoder.layers[-1].bias.data.copy_(torch.tensor([1.5, 0.0]))
        model.decoder.layers[-1].weight.data[:, 0] = 1.5
        model.decoder.layers[-1].bias.data.fill_(-3.0)
        x, classes_of_all = torch.ones(1, 1, 3, 3).double(), torch.arange(classes)
        by_class = torch.cat([log_p_by_quadrature(model, x, y, points=150) for y in classes_of_all])
        log_p = by_class.logsumexp(0) - log(classes)
        with torch.no_grad():
            terms = torch.stack([model.elbo(many(x, 1000), y.expand(1000)) for y in classes_of_all])
            bounds = [model.elbo(many(x, 1000))]
        assert terms.logsumexp(0).mean() - log(classes) > log_p + 1  # what looks like a bound and is none
        bounds += [model.importance_weighted_bound(many(x, 1000), k) for k in (1, 5)]
        errors = [3 * bound.std() / 1000**0.5 for bound in bounds]
        assert near((bounds[0] - bounds[1])[:, None], torch.zeros(1))
        assert terms.mean() + 0.1 < bounds[0].mean() < bounds[2].mean()
        for bound, error in zip(bounds, errors, strict=True):
            assert bound.mean() < log_p + error
        assert bounds[0].mean() < log_p - (0.2 if classes == 10 else 0.02)

    def test_classes_that_are_missing_or_wrong_are_named(self):
        model, x = random_vae(classes=3), FEW
        for y in (None, torch.tensor([0, 1, 3]), torch.tensor([0, 1]), torch.zeros(3), [0, 1, 2]):
            for verb in (model.held_out, model.encode):
                with pytest.raises(ValueError, match="VAE: expected .*y"):
                    verb(x, y)
            with pytest.raises(ValueError, match="VAE: expected .*y"):
                model.decode(torch.zeros(3, 1, dtype=torch.double), y)


@pytest.mark.parametrize("shape", [(1, 28, 28), (2, 9, 5)])
@pytest.mark.parametrize("network", ["dense", "convolutional"])
@pytest.mark.parametrize("decoder", ["bernoulli", "discretised logistic", "gaussian"])
def test_a_step_of_training_at_every_size(shape, network, decoder):
    """Every parameter gets a gradient; values stay in the support; classes go through."""
    torch.manual_seed(0)
    small = {"hidden": 8} if network == "convolutional" else {}
    model = VAE(shape, network=network, decoder=decoder, levels=17, classes=2, **small)
    x, y = model.sample(4), torch.tensor([0, 1, 1, 0])
    assert x.shape == (4, *shape) and model.check(x) is x
    model.loss(x, y).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    assert model.elbo(x, y).shape == model.importance_weighted_bound(x, 3, y).shape == (4,)


DRAWS = 20_000
X = all_images(3, 3).double()[[341]]


def parameters_of_q(model, n: int) -> torch.Tensor:
    """μ and log σ² of q(z | x) as leaves of their own in n rows, so that every draw has its own gradient."""
    return torch.cat(list(model.encode(X)), 1).detach().expand(n, 2).clone().requires_grad_()


def exact_gradient(model) -> torch.Tensor:
    """The gradient of E_q[log p(x | z)] − KL(q‖p(z)) in μ and log σ², the expectation by quadrature."""
    e, log_weight = nodes(1, 100)
    q = parameters_of_q(model, 1)
    z = q[:, :1] + (q[:, 1:] / 2).exp() * e
    fit = model.decode(z).log_prob(X.expand(len(z), -1, -1, -1))
    bound = (log_weight.exp() * fit).sum() - Gaussian(q[:, :1], q[:, 1:]).kl_from_standard().sum()
    return torch.autograd.grad(bound, q)[0][0]


def test_the_reparameterised_gradient_is_unbiased(monkeypatch):
    model = random_vae()
    truth, q = exact_gradient(model), parameters_of_q(model, DRAWS)
    monkeypatch.setattr(model, "_encode", lambda x, y: Gaussian(q[:, :1], q[:, 1:]))
    bound = model.elbo(X.expand(DRAWS, -1, -1, -1), generator=torch.Generator().manual_seed(0))
    (shipped,) = torch.autograd.grad(bound.sum(), q)
    assert truth.abs().min() > 0.01 and near(shipped, truth)

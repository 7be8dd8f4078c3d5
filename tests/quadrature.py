"""Integrals over the code of a small VAE, and VAEs with large random weights: truths to test against."""

from math import pi

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal
from torch.nn.functional import logsigmoid

from course_utils.models import VAE
from course_utils.taxonomy import log_mean_weight


def random_vae(shape: tuple[int, ...] = (1, 3, 3), seed: int = 0, **kinds: object) -> VAE:
    """A binary VAE whose code matters much and whose q is no posterior, in float64."""
    torch.manual_seed(seed)
    model = VAE(shape, **{"latent": 1, "hidden": (12,), **kinds}).double().eval()
    for parameter in model.parameters():
        deep = parameter.dim() > 2  # of a convolution
        parameter.data.add_(torch.randn_like(parameter) * (0.2 if deep else 0.6))
    return model


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
    """log p(x, z) − log q(z | x) for one x ``(1, …)`` at z = μ + σ·e, by torch's own laws; like e."""
    mean, log_variance = model.encode(x)
    z = mean + (0.5 * log_variance).exp() * e.reshape(-1, 1)
    pixels = Bernoulli(logits=model.decode(z).logits).log_prob(x).flatten(1).sum(1)
    q = Normal(mean, (0.5 * log_variance).exp())
    return (pixels + (Normal(0.0, 1.0).log_prob(z) - q.log_prob(z)).sum(1)).view_as(e)


def near(draws: Tensor, truth: Tensor, errors: float = 5) -> bool:
    """Whether the mean over the first axis is the truth within some standard errors, everywhere."""
    error = draws.std(0) / len(draws) ** 0.5
    return bool(((draws.mean(0) - truth).abs() < errors * error + 1e-9).all())

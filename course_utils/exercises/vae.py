"""The exercises of notebook 16: a draw with gradients, a KL in closed form, a bound of k draws."""

from math import inf, log

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from course_utils.exercises.engine import Cases, agrees, differentiable, exercise, holds, within

GENERATOR = torch.Generator().manual_seed(0)


def by_torch(mean: Tensor, log_variance: Tensor) -> Tensor:
    """The KL from torch's own distributions."""
    return kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).sum(1)


RANDOM = torch.randn(2, 4, 3, generator=GENERATOR)
GUESSES: Cases = {
    "2 guesses of 1 dimension": (torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [-1.0]])),
    "4 guesses of 3 dimensions": (RANDOM[0], 1.5 * RANDOM[1]),
}
WITH_NOISE: Cases = {name: (*q, torch.randn(q[0].shape, generator=GENERATOR)) for name, q in GUESSES.items()}
WITHOUT_NOISE: Cases = {name: (*q, torch.zeros_like(q[0])) for name, q in GUESSES.items()}
WEIGHTS: Cases = {  # of images of few pixels: they fit into a float
    "2 draws for 3 images": (torch.tensor([[0.5, 0.2, 0.9], [0.5, 0.4, 0.1]]).log(),),
    "50 draws for 2 images": (2 * torch.randn(50, 2, generator=GENERATOR) - 3,),
}
MANY_PIXELS: Cases = {"two images of many pixels": (torch.tensor([[-900.0, -1100.0], [-902.0, -1105.0]]),)}


@exercise(
    "Which map of ε has mean μ and standard deviation σ? Shift it and stretch it.",
    "You have log σ², not σ. Of what is σ the exp?",
    "In code: mean + (0.5 * log_variance).exp() * noise.",
    agrees(WITHOUT_NOISE, lambda mean, *_: mean, says="without noise it is the mean", tolerance=1e-6),
    agrees(WITH_NOISE, says="it has the standard deviation σ = exp(½ log σ²)"),
    differentiable(WITH_NOISE, 0, 1, says="gradients flow through the draw to μ and log σ²"),
)
def reparameterise(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """A draw z ∼ N(mean, exp(log_variance)) from noise ε ∼ N(0, 1), differentiable in both: ``(B, d)``."""
    return mean + (0.5 * log_variance).exp() * noise


@exercise(
    "In one dimension it is E_q[log q(z) − log p(z)]: you need E_q[z] = μ and E_q[z²] = μ² + σ².",
    "That gives ½ (μ² + σ² − 1 − log σ²), with σ² = log_variance.exp(). KLs of dimensions add up.",
    "In code: 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).",
    agrees({"μ = 0, σ = 1": (torch.zeros(2, 3), torch.zeros(2, 3))}, says="the guess N(0, I) costs nothing"),
    within(0, inf, GUESSES, says="it is never negative"),
    agrees(GUESSES, by_torch, says="it is the KL of two Gaussians, summed over dimensions"),
    differentiable(GUESSES, 0, 1, says="gradients flow to μ and log σ²"),
)
def kl_to_prior(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance))‖N(0, I)) in nats, ``(B, d)`` each to ``(B,)``."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)


@exercise(
    "First average the k weights, then take the logarithm: the other way round is the ELBO.",
    "exp(−900) is 0 in a float. logsumexp pulls the largest out before it sums.",
    "In code: log_w.logsumexp(0) - log(len(log_w)), with log from math.",
    holds(
        "it lies between the mean of the logs and their greatest",
        lambda came, log_w: bool(((came >= log_w.mean(0) - 1e-4) & (came <= log_w.amax(0) + 1e-4)).all()),
        "a number between the mean and the maximum of log w, for each image",
        WEIGHTS,
    ),
    agrees(WEIGHTS, says="it is the log of the mean weight of each image"),
    agrees(MANY_PIXELS, says="it works where the weights are too small for a float"),
)
def k_sample_bound(log_w: Tensor) -> Tensor:
    """log 1/k Σ_j w_j from the logs of k weights for each of B images: ``(k, B)`` to ``(B,)``."""
    return log_w.logsumexp(0) - log(len(log_w))

"""Denoising as a Markov chain x → x̃ → x′ on a universe whose states can be listed, by matrices.

Matrices are float64; row x, column x′ of a transition matrix T is the probability of going from x to x′.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from course_utils.checks import check_number
from course_utils.runtime import as_double


def salt_and_pepper(x: Tensor, noise: float, *, generator: torch.Generator | None = None) -> Tensor:
    """Corrupt binary images, x̃ ∼ C(x̃ | x): each pixel is forgotten with probability ``noise``.

    A forgotten pixel becomes salt (1) or pepper (0), both equally likely: it flips with probability noise/2.

    >>> x = torch.ones(1000, 9)
    >>> 0.1 < 1 - salt_and_pepper(x, 0.3, generator=torch.Generator().manual_seed(0)).mean() < 0.2
    tensor(True)
    """
    noise = check_number(noise, "salt_and_pepper: noise", low=0, high=1)
    u = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return torch.where(u < noise / 2, 1 - x, x)


def log_corruption(x: Tensor, noisy: Tensor, noise: float) -> Tensor:
    """log C(x̃ | x) of salt-and-pepper noise in nats, every x with every x̃: ``(A, …), (B, …)`` to ``(A, B)``.

        C(x̃ | x) = (noise/2)^d (1 − noise/2)^(D − d),   d = the number of pixels in which x and x̃ differ.

    >>> log_corruption(torch.ones(1, 2), torch.tensor([[1.0, 1.0], [0.0, 1.0]]), 0.5).exp().tolist()
    [[0.5625, 0.1875]]
    """
    flip = check_number(noise, "log_corruption: noise", low=0, high=1) / 2
    x, noisy = as_double(x.flatten(1)), as_double(noisy.flatten(1))
    differ = x @ (1 - noisy).T + (1 - x) @ noisy.T
    flip, keep = torch.tensor([flip, 1 - flip], dtype=torch.double, device=x.device)
    return torch.xlogy(differ, flip) + torch.xlogy(x.shape[1] - differ, keep)


def denoising_posterior(log_p: Tensor, log_c: Tensor) -> Tensor:
    """log P(x | x̃) in nats by Bayes' rule, row x̃ and column x: P(x | x̃) ∝ p_D(x) C(x̃ | x).

    From log p_D(x), ``(S,)``, and log C(x̃ | x) as ``log_corruption`` gives it, row x and column x̃.
    """
    return (log_p[:, None] + log_c).log_softmax(0).T


def pixelwise(logits: Tensor, x: Tensor) -> Tensor:
    """log Π_i p(x_i) of B images, by A times D log-odds of their pixels: ``(A, D), (B, …)`` to ``(A, B)``."""
    logits, x = as_double(logits), as_double(x.flatten(1))
    return logits @ x.T - softplus(logits).sum(1, keepdim=True)


def best_pixelwise(posterior: Tensor, states: Tensor) -> Tensor:
    """The nearest to each P(x | x̃) with independent pixels: the one of the same marginals p(x_i = 1 | x̃).

    No reconstruction that gives each pixel a probability of its own has a smaller expected loss. In logs, row
    x̃ and column x, as the posterior; states are all images x, ``(S, …)``.
    """
    marginals = posterior.exp() @ as_double(states.flatten(1))
    return pixelwise(torch.logit(marginals, eps=1e-12), states)


def stationary_distribution(T: Tensor) -> Tensor:
    """The distribution π that a chain keeps, π T = π, of a matrix with one such π: ``(S, S)`` to ``(S,)``.

    Linear equations: π (T − 1) = 0, of which one, which is one too many, is replaced by Σ π = 1.

    >>> stationary_distribution(torch.tensor([[0.9, 0.1], [0.3, 0.7]]))
    tensor([0.7500, 0.2500], dtype=torch.float64)
    """
    T = as_double(T)
    equations = T.T - torch.eye(len(T), dtype=T.dtype, device=T.device)
    equations[-1] = 1
    right = T.new_zeros(len(T))
    right[-1] = 1
    return torch.linalg.solve(equations, right)

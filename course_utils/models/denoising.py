"""Denoising as a Markov chain x → x̃ → x′ on a universe whose states can be listed: laws and matrices.

Matrices are float64; row x, column x′ of a transition matrix T is the probability of going from x to x′.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from course_utils.checks import check_number


def salt_and_pepper(x: Tensor, noise: float, *, generator: torch.Generator | None = None) -> Tensor:
    """Corrupt binary images, x̃ ∼ C(x̃ | x): each pixel is forgotten with probability ``noise``.

    A forgotten pixel becomes salt (1) or pepper (0), both equally likely: it flips with probability noise/2.

    Raises:
        ValueError: noise is not in [0, 1].

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

    Raises:
        ValueError: noise is not in [0, 1].

    >>> log_corruption(torch.ones(1, 2), torch.tensor([[1.0, 1.0], [0.0, 1.0]]), 0.5).exp().tolist()
    [[0.5625, 0.1875]]
    """
    flip = check_number(noise, "log_corruption: noise", low=0, high=1) / 2
    x, noisy = x.flatten(1).double(), noisy.flatten(1).double()
    differ = x @ (1 - noisy).T + (1 - x) @ noisy.T
    flip, keep = torch.tensor([flip, 1 - flip], dtype=torch.double, device=x.device)
    return torch.xlogy(differ, flip) + torch.xlogy(x.shape[1] - differ, keep)


def denoising_posterior(log_p: Tensor, log_c: Tensor) -> Tensor:
    """log P(x | x̃) in nats by Bayes' rule, row x̃ and column x: P(x | x̃) ∝ p_D(x) C(x̃ | x).

    Args:
        log_p: log p_D(x), ``(S,)``.
        log_c: log C(x̃ | x), row x and column x̃; see ``log_corruption``.
    """
    return (log_p[:, None] + log_c).log_softmax(0).T


def pixelwise(logits: Tensor, x: Tensor) -> Tensor:
    """log Π_i p(x_i) of independent pixels, all laws with all images: ``(A, D), (B, …)`` to ``(A, B)``.

    Args:
        logits: the log-odds of x_i = 1 under each law.
        x: binary images of D pixels.
    """
    logits, x = logits.double(), x.flatten(1).double()
    return logits @ x.T - softplus(logits).sum(1, keepdim=True)


def best_pixelwise(posterior: Tensor, states: Tensor) -> Tensor:
    """The nearest law of independent pixels to each P(x | x̃): the one of the same marginals p(x_i = 1 | x̃).

    No reconstruction that gives each pixel a probability of its own has a smaller expected loss.

    Args:
        posterior: log P(x | x̃), row x̃ and column x.
        states: all images x, ``(S, …)``.

    Returns:
        its log-probabilities, row x̃ and column x.
    """
    marginals = posterior.exp() @ states.flatten(1).double()
    return pixelwise(torch.logit(marginals, eps=1e-12), states)


def stationary_law(T: Tensor) -> Tensor:
    """The law π that a chain keeps, π T = π, of a matrix with one such law: ``(S, S)`` to ``(S,)``.

    Solved as linear equations: π (T − 1) = 0 with one of the equations, which is one too many, replaced by
    Σ π = 1.

    >>> stationary_law(torch.tensor([[0.9, 0.1], [0.3, 0.7]]).double())
    tensor([0.7500, 0.2500], dtype=torch.float64)
    """
    T = T.double()
    equations = T.T - torch.eye(len(T), dtype=torch.double, device=T.device)
    equations[-1] = 1
    right = torch.zeros(len(T), dtype=torch.double, device=T.device)
    right[-1] = 1
    return torch.linalg.solve(equations, right)


def second_eigenvalue(T: Tensor) -> float:
    """|λ₂|: in the long run a step shrinks what is left of the start by it. Near 1, a chain mixes slowly.

    >>> round(second_eigenvalue(torch.tensor([[0.9, 0.1], [0.3, 0.7]])), 6)
    0.6
    """
    return torch.linalg.eigvals(T.double()).abs().sort(descending=True).values[1].item()

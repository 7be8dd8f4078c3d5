"""Exact divergences on a finite space, from the log-probabilities ``(S,)`` of its states.

Everything is computed in float64, in nats, and is differentiable in both arguments. A state of
probability zero has log-probability −inf, and 0·log 0 = 0.

Raises: a ValueError, if an argument is no 1-D float tensor, holds NaN, does not sum to 1 in probability
(log Σ p off 0 by more than 1e-5), or two are not of one length on one device.
"""

from math import inf, log

import torch
from torch import Tensor

from course_utils.divergences.estimate import check_vector

TOLERANCE = 1e-5  # of log Σ p: what 2^16 states summed in float32 may be off


def entropy(log_p: Tensor) -> Tensor:
    """H(p) = −Σ p log p, a scalar in nats: from 0 (one state) to log S (uniform).

    >>> round(entropy(torch.full((8,), 1 / 8).log()).item() / log(2), 6)  # 3 bits
    3.0
    """
    log_p = normalised(log_p, "entropy", "log_p")
    return expected(log_p, -log_p)


def cross_entropy(log_p: Tensor, log_q: Tensor) -> Tensor:
    """H(p, q) = −Σ p log q = H(p) + KL(p‖q), a scalar in nats: the expected negative log-likelihood of q.

    Infinite where q gives probability zero to a state that p does not.

    >>> p, q = torch.tensor([0.5, 0.5]).log(), torch.tensor([0.9, 0.1]).log()
    >>> abs((cross_entropy(p, q) - entropy(p) - kl(p, q)).item()) < 1e-12
    True
    """
    log_p, log_q = both(log_p, log_q, "cross_entropy")
    return expected(log_p, -log_q)


def kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p‖q) = Σ p (log p − log q) ≥ 0, a scalar in nats (Kullback & Leibler 1951).

    Zero only for p = q; infinite where q gives probability zero to a state that p does not. With data as
    p it is the *forward* KL, whose minimiser is maximum likelihood; ``kl(log_q, log_p)`` is the reverse.

    >>> p, q = torch.tensor([0.5, 0.5]), torch.tensor([0.9, 0.1])
    >>> round(kl(p.log(), q.log()).item(), 4), round(kl(q.log(), p.log()).item(), 4)
    (0.5108, 0.3681)
    """
    log_p, log_q = both(log_p, log_q, "kl")
    return expected(log_p, log_p - log_q)


def js(log_p: Tensor, log_q: Tensor) -> Tensor:
    """JS(p, q) = ½ KL(p‖m) + ½ KL(q‖m) with m = (p + q)/2, a scalar in nats (Lin 1991).

    Symmetric, from 0 (p = q) to log 2 (disjoint supports); its square root is a metric. A GAN whose
    discriminator is optimal minimises 2·JS − 2·log 2 (Goodfellow et al. 2014).

    >>> round(js(torch.tensor([1.0, 0.0]).log(), torch.tensor([0.0, 1.0]).log()).item(), 4)  # log 2
    0.6931
    """
    log_p, log_q = both(log_p, log_q, "js")
    nowhere = (log_p == -inf) & (log_q == -inf)  # there logaddexp has no gradient
    log_m = torch.logaddexp(log_p.masked_fill(nowhere, 0.0), log_q.masked_fill(nowhere, 0.0)) - log(2)
    log_m = log_m.masked_fill(nowhere, -inf)
    return (expected(log_p, log_p - log_m) + expected(log_q, log_q - log_m)) / 2


def total_variation(log_p: Tensor, log_q: Tensor) -> Tensor:
    """TV(p, q) = ½ Σ |p − q| = max_A |p(A) − q(A)|, a scalar from 0 to 1.

    >>> round(total_variation(torch.tensor([0.5, 0.5]).log(), torch.tensor([0.9, 0.1]).log()).item(), 4)
    0.4
    """
    log_p, log_q = both(log_p, log_q, "total_variation")
    return (log_p.exp() - log_q.exp()).abs().sum() / 2


def wasserstein1_line(log_p: Tensor, log_q: Tensor, positions: Tensor) -> Tensor:
    """W₁(p, q) = ∫ |F_p(t) − F_q(t)| dt for states that are points of the line, in units of the positions.

    positions are where each state lies, ``(S,)``, in any order.

    Raises:
        ValueError: positions are not S finite numbers on the same device.

    >>> p, q = torch.tensor([1.0, 0.0]).log(), torch.tensor([0.0, 1.0]).log()
    >>> wasserstein1_line(p, q, torch.tensor([0.0, 3.0]))
    tensor(3., dtype=torch.float64)
    """
    first, second = both(log_p, log_q, "wasserstein1_line")
    at = check_vector(positions, "wasserstein1_line", "positions", like=log_p)
    if not bool(at.isfinite().all()):
        raise ValueError(f"wasserstein1_line: expected finite positions, got {at[~at.isfinite()][0]:g}")
    at, order = at.sort()
    excess = (first.exp() - second.exp())[order].cumsum(0)
    return (excess[:-1].abs() * at.diff()).sum()


def both(log_p: Tensor, log_q: Tensor, who: str) -> tuple[Tensor, Tensor]:
    """Return two normalised distributions on one space in float64; else raise a ValueError."""
    return normalised(log_p, who, "log_p"), normalised(log_q, who, "log_q", like=log_p)


def normalised(log_p: Tensor, who: str, name: str, *, like: Tensor | None = None) -> Tensor:
    """Return log-probabilities that sum to 1 in probability, in float64; else raise a ValueError."""
    log_p = check_vector(log_p, who, name, like=like)
    total = log_p.detach().logsumexp(0).item()
    if not abs(total) < TOLERANCE:
        got = f"a sum of {torch.tensor(total).exp().item():.7g}; normalise with log_softmax"
        raise ValueError(f"{who}: expected {name} to sum to 1 in probability, got {got}")
    return log_p


def expected(log_p: Tensor, values: Tensor) -> Tensor:
    """Σ p · values with 0·∞ = 0, also in the gradients; infinite where a possible state's value is."""
    possible, infinite = log_p > -inf, values.isinf()
    total = (log_p.exp() * values.masked_fill(~possible | infinite, 0.0)).sum()
    beyond = values.detach()[possible & infinite]
    return total + beyond[0] if len(beyond) else total

"""Gibbs sampling of binary units: coins with given log-odds, and a scan that draws unit after unit."""

import torch
from torch import Tensor


def flip_coins(log_odds: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Zeros and ones that are 1 with probability σ(log_odds), in its shape and dtype.

    >>> flip_coins(torch.tensor([-99.0, 99.0])).tolist()
    [0.0, 1.0]
    """
    u = torch.rand(log_odds.shape, generator=generator, dtype=log_odds.dtype, device=log_odds.device)
    return (u < log_odds.sigmoid()).to(log_odds.dtype)


def scan(
    s: Tensor, bias: Tensor, weights: Tensor, units: int, generator: torch.Generator | None = None
) -> Tensor:
    """Draw the first units one after the other, each given all others, from exp(biasᵀs + ½ sᵀ weights s).

    Args:
        s: the state of all units, ``(B, n)``; it stays as it is.
        bias: ``(n,)``.
        weights: ``(n, n)``, symmetric with zero diagonal.
        units: how many are drawn, from the first on.
        generator: the random numbers to use.

    >>> strong = torch.tensor([[0.0, 99.0], [99.0, 0.0]])
    >>> scan(torch.tensor([[0.0, 1.0]]), torch.tensor([-50.0, -50.0]), strong, 2).tolist()
    [[1.0, 1.0]]
    """
    s = s.clone()
    for i in range(units):
        s[:, i] = flip_coins(bias[i] + s @ weights[i], generator)
    return s

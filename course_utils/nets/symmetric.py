"""Symmetric weights between units of one layer, none from a unit to itself."""

import torch
from torch import Tensor


def symmetric(weights: Tensor, n: int) -> Tensor:
    """The symmetric ``(n, n)`` matrix with zero diagonal whose upper triangle, row by row, is given.

    Args:
        weights: one number for each pair of units, ``(n (n − 1) / 2,)``.
        n: how many units.

    >>> symmetric(torch.tensor([1.0, 2.0, 3.0]), 3).tolist()
    [[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]]
    """
    row, column = torch.triu_indices(n, n, offset=1, device=weights.device)
    upper = weights.new_zeros(n, n).index_put((row, column), weights)
    return upper + upper.T

"""Fully connected networks."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn


def layers(sizes: Sequence[int], dropout: float = 0.0) -> nn.Sequential:
    """Linear layers of these sizes with SiLU between; two sizes make one linear map.

    >>> len(layers([3, 5, 2])), len(layers([3, 2]))
    (3, 1)
    """
    parts: list[nn.Module] = []
    for before, after in pairwise(sizes):
        parts += [nn.Linear(before, after), nn.SiLU()] + [nn.Dropout(dropout)] * (dropout > 0)
    return nn.Sequential(*parts[: -1 - (dropout > 0)])


def zero(layer: nn.Module) -> None:
    """Set the weights and biases of a layer to 0: it then starts as the constant 0."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)

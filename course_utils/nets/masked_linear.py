"""A linear layer in which some inputs cannot reach some outputs, and the masks that degrees give."""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class MaskedLinear(nn.Linear):
    """y = (W ⊙ M) x + b: output k hears input j only where the mask M_kj is True.

    The weight is multiplied in the forward pass, never in place: the mask may be another one each time,
    and what is masked gets no gradient.

    Shapes: x ``(B, in_features)``, mask bool ``(out_features, in_features)``; y ``(B, out_features)``.

    >>> layer = MaskedLinear(3, 2, bias=False)
    >>> layer(torch.ones(1, 3), torch.zeros(2, 3, dtype=torch.bool)).tolist()
    [[0.0, 0.0]]
    """

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """The layer's output under this mask."""
        return linear(x, self.weight * mask, self.bias)


def degree_mask(below: Tensor, above: Tensor, *, strict: bool = False) -> Tensor:
    """Which units below reach which units above: M_kj = 1[above_k ≥ below_j], or > where strict.

    A unit of degree m may know the first m inputs of an order. It hears units of at most its own degree;
    the output at place d must not know input d, and so is strict (Germain et al. 2015, equations 8 and 9).

    Args:
        below: degrees of the units below, ``(in,)``.
        above: degrees of the units above, ``(out,)``.
        strict: whether equal degrees are kept apart.

    Returns:
        bool ``(out, in)``.

    >>> degree_mask(torch.tensor([1, 2, 3]), torch.tensor([1, 2])).int().tolist()
    [[1, 0, 0], [1, 1, 0]]
    """
    return above[:, None] > below if strict else above[:, None] >= below


def spread_degrees(units: int, dims: int) -> Tensor:
    """Degrees 1 … D − 1 shared out evenly over the units, in rising order, ``(units,)``.

    >>> spread_degrees(6, 4).tolist()
    [1, 1, 2, 2, 3, 3]
    """
    return torch.arange(units) * max(dims - 1, 1) // units + 1


def random_degrees(units: int, dims: int, lowest: int, generator: torch.Generator) -> Tensor:
    """Degrees drawn evenly from ``lowest`` to D − 1, ``(units,)``: the paper's choice."""
    return torch.randint(lowest, max(dims, lowest + 1), (units,), generator=generator)

"""A linear layer in which some inputs cannot reach some outputs, and the masks that degrees give."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

STRIPS = 4
Strip = tuple[int, int, int, int]  # first and last row, where W begins to be masked, where it ends


class MaskedLinear(nn.Linear):
    """y = (W ⊙ M) x + b: input j reaches output k only where the mask M_kj, ``(out, in)``, is 1.

    The weight is multiplied in the forward pass, never in place, and what is masked gets no gradient. The
    mask comes with each call, or one is kept for all of them (``keep``).
    """

    mask: Tensor
    strips: list[Strip]

    def keep(self, mask: Tensor) -> None:
        """Keep a mask for all calls that bring none; it is no part of the ``state_dict``."""
        self.register_buffer("mask", mask.to(self.weight.dtype), persistent=False)
        self.strips = []
        for first, last in pairwise(len(mask) * i // STRIPS for i in range(STRIPS + 1)):
            rows = mask[first:last]
            known, reached = int(rows.all(0).cumprod(0).sum()), int(rows.any(0).nonzero()[-1:].sum()) + 1
            self.strips.append((first, last, min(known, reached), reached))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The layer's output under this mask, or the one that is kept."""
        if mask is not None or x.device.type != "cpu":  # a GPU is faster with one large product
            return linear(x, self.weight * (self.mask if mask is None else mask), self.bias)
        return StripLinear.apply(x, self.weight, self.mask, self.bias, self.strips)


class StripLinear(torch.autograd.Function):
    """(W ⊙ M) x + b without most of the products that the mask forbids, forwards and backwards.

    With units in the order of their degrees the mask is a staircase, cut into strips of rows: before one
    column all of a strip is open, and from another on all of it is closed. Only between them is W masked.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, M: Tensor, b: Tensor | None, strips: list[Strip]) -> Tensor:
        """As a linear layer: x ``(B, in)`` to ``(B, out)``."""
        y, edges = x.new_empty(len(x), len(W)), []
        for first, last, open_, end in strips:
            edge, part = W[first:last, open_:end] * M[first:last, open_:end], y[:, first:last]
            torch.mm(x[:, :open_], W[first:last, :open_].T, out=part).addmm_(x[:, open_:end], edge.T)
            edges.append(edge)
        ctx.save_for_backward(x, W, M, *edges)
        ctx.strips = strips
        return y if b is None else y.add_(b)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients in x, where it needs one, in W and in b."""
        x, W, M, *edges = ctx.saved_tensors
        db = g.sum(0) if ctx.needs_input_grad[3] else None
        dx, dW = torch.zeros_like(x) if ctx.needs_input_grad[0] else None, torch.zeros_like(W)
        for (first, last, open_, end), edge in zip(ctx.strips, edges, strict=True):
            part = g[:, first:last]
            torch.mm(part.T, x[:, :end], out=dW[first:last, :end])
            dW[first:last, open_:end] *= M[first:last, open_:end]
            if dx is not None:
                dx[:, :open_].addmm_(part, W[first:last, :open_])
                dx[:, open_:end].addmm_(part, edge)
        return dx, dW, None, db, None


def degree_mask(below: Tensor, above: Tensor) -> Tensor:
    """Which units below reach which units above: M_kj = 1[above_k ≥ below_j], bool ``(out, in)``.

    A unit of degree m may know the first m inputs of an order, and so reads units of at most its own degree;
    the output at place d must not know input d, and has degree d − 1 (Germain et al. 2015, equations 8, 9).

    >>> degree_mask(torch.tensor([1, 2, 3]), torch.tensor([1, 2])).int().tolist()
    [[1, 0, 0], [1, 1, 0]]
    """
    return above[:, None] >= below


def spread_degrees(units: int, dims: int) -> Tensor:
    """Degrees 1 … D − 1 shared out evenly over the units, in rising order, ``(units,)``."""
    return torch.arange(units) * max(dims - 1, 1) // units + 1


def random_degrees(units: int, dims: int, lowest: int, generator: torch.Generator) -> Tensor:
    """Degrees drawn evenly from ``lowest`` to D − 1, ``(units,)``: the paper's choice."""
    return torch.randint(lowest, max(dims, lowest + 1), (units,), generator=generator)

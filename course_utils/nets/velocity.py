"""Networks that say where a point moves at a time, f(t, z), and the trace of their Jacobian ∂f/∂z."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from course_utils.nets.coders import zero
from course_utils.nets.ode import Time

CHUNK = 64  # how many vector-Jacobian products are held in memory at once


class Velocity(nn.Module):
    r"""Two hidden layers of tanh that read time as well as place, with a trace that costs no more than f.

        h_1 = tanh(W_1 z + b_1 + a_1 t),  h_2 = tanh(W_2 h_1 + b_2 + a_2 t),  f(t, z) = W_3 h_2 + b_3 + a_3 t.

    With D_i = diag(1 − h_i²) the Jacobian is W_3 D_2 W_2 D_1 W_1, and its trace a bilinear form,

        Tr ∂f/∂z = d_2ᵀ (W_2 ∘ (W_1 W_3)ᵀ) d_1,

    exact in O(H²) for each example, where D vector-Jacobian products take O(DH(D + H)). The rank of that
    Jacobian is H at most: of D > H dimensions, D − H can neither shrink nor grow.

    >>> f, trace = Velocity(3, hidden=8).with_trace(0.5, torch.randn(2, 3))
    >>> f.shape, trace.shape
    (torch.Size([2, 3]), torch.Size([2]))
    """

    def __init__(self, dims: int, *, hidden: int = 128) -> None:
        super().__init__()
        sizes = ((dims, hidden), (hidden, hidden), (hidden, dims))
        self.layers = nn.ModuleList(nn.Linear(*size) for size in sizes)
        self.clocks = nn.ParameterList(torch.randn(n) * (0.1 if n == hidden else 0) for _, n in sizes)
        zero(self.layers[-1])  # at first nothing moves

    def _layer(self, i: int, t: Time, h: Tensor) -> Tensor:
        layer = cast(nn.Linear, self.layers[i])
        return linear(h, layer.weight, layer.bias + self.clocks[i] * t)

    def _forward(self, t: Time, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h1 = torch.tanh(self._layer(0, t, z))
        h2 = torch.tanh(self._layer(1, t, h1))
        return self._layer(2, t, h2), h1, h2

    def forward(self, t: Time, z: Tensor) -> Tensor:
        """f(t, z): ``(B, D)`` to ``(B, D)``."""
        return self._forward(t, z)[0]

    def with_trace(self, t: Time, z: Tensor) -> tuple[Tensor, Tensor]:
        """f(t, z) and Tr ∂f/∂z, exact: ``(B, D)`` and ``(B,)``."""
        f, h1, h2 = self._forward(t, z)
        w1, w2, w3 = (cast(nn.Linear, layer).weight for layer in self.layers)
        pairs = w2 * (w1 @ w3).T
        return f, (((1 - h2 * h2) @ pairs) * (1 - h1 * h1)).sum(1)


def with_trace(field: Callable[[Tensor], Tensor], z: Tensor) -> tuple[Tensor, Tensor]:
    """f(z) and Tr ∂f/∂z of any f that treats examples one by one: D vector-Jacobian products, exact."""
    f, pull_back, *_ = torch.func.vjp(field, z)
    axes = torch.eye(z.shape[1], dtype=z.dtype, device=z.device)

    def entry(axis: Tensor) -> Tensor:
        return pull_back(axis.expand_as(z))[0] @ axis

    return f, torch.func.vmap(entry, chunk_size=CHUNK)(axes).sum(0)


def hutchinson(field: Callable[[Tensor], Tensor], z: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """f(z) and Hutchinson's estimate εᵀ (∂f/∂z) ε of its trace, by one vector-Jacobian product.

    E[εᵀ A ε] = Tr A for any A if E[ε εᵀ] = I (Hutchinson 1990), as for signs ±1 (Rademacher) or standard
    normal numbers. Gradients flow through both results.

    >>> hutchinson(lambda z: 2 * z, torch.zeros(1, 3), torch.ones(1, 3))[1]
    tensor([6.])
    """
    with torch.enable_grad():
        z = z if z.requires_grad else z.detach().requires_grad_()
        f = field(z)
        (pulled,) = torch.autograd.grad(f, z, noise, create_graph=True)
        return f, (pulled * noise).sum(1)

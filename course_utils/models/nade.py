"""NADE: a network whose hidden layer grows by one pixel at a time."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import binary_cross_entropy_with_logits

from course_utils.checks import check_count, check_permutation
from course_utils.taxonomy import Autoregressive, Support


class Recursion(torch.autograd.Function):
    """V_i · σ(a_i) for all i, with a_{i+1} = a_i + W_i x_i and a_1 = c: forward and backward in O(DH).

    The recursion advances by blocks of K pixels, each one small matrix product. The gradient runs it
    backwards, from a_{D+1} down, and never stores the D hidden layers: O(BKH) memory instead of O(BDH).
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cuda", cast_inputs=torch.float32)
    def forward(ctx: Any, x: Tensor, W: Tensor, V: Tensor, c: Tensor, block: int) -> Tensor:
        """x ``(B, D)``, W and V ``(D, H)``, c ``(H,)`` to ``(B, D)``."""
        inputs, ctx.block = (x, W, V), block
        x, a, logits = x.T.contiguous(), c.repeat(len(x), 1), []
        for start in range(0, len(W), block):
            k = slice(start, start + block)
            h = hidden_layers(a, W[k], pixels_before(x[k]))
            logits.append((h @ V[k, :, None])[..., 0])  # (K, B)
            a.addmm_(x[k].T, W[k])
        ctx.save_for_backward(a, *inputs)
        return torch.cat(logits).T

    @staticmethod
    @once_differentiable
    @torch.amp.custom_bwd(device_type="cuda")
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients in x, where it needs one, and in W, V and c."""
        a, x, W, V = ctx.saved_tensors
        x, a, g = x.T.contiguous(), a.clone(), gradient.T.contiguous()
        dW, dV, da = torch.empty_like(W), torch.empty_like(V), torch.zeros_like(a)
        dx = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        for start in reversed(range(0, len(W), ctx.block)):
            k = slice(start, start + ctx.block)
            a.addmm_(x[k].T, W[k], alpha=-1)
            before = pixels_before(x[k])
            h = hidden_layers(a, W[k], before)
            dV[k] = (g[k, None] @ h)[:, 0]
            da_k = torch.ops.aten.sigmoid_backward(g[k, :, None] * V[k, None], h)  # (K, B, H)
            dW[k] = x[k] @ da + (before @ da_k).sum(0)
            if dx is not None:
                later = da + da_k.flip(0).cumsum(0).flip(0) - da_k  # what reaches a after each pixel
                dx[k] = (later @ W[k, :, None])[..., 0]
            da += da_k.sum(0)
        return None if dx is None else dx.T, dW, dV, da.sum(0), None


def pixels_before(x: Tensor) -> Tensor:
    """For each pixel of a block, the block's pixels before it and zeros for the rest: (K, B) to (K, K, B)."""
    return x.new_ones(len(x), len(x)).tril(-1)[:, :, None] * x


def hidden_layers(a: Tensor, W: Tensor, before: Tensor) -> Tensor:
    """h_i = σ(a + Σ_j W_j x_j over the block's pixels j before i): ``(K, B, H)``."""
    K = len(W)
    return torch.baddbmm(a.expand(K, -1, -1), before.mT, W.expand(K, -1, -1)).sigmoid_()


class NADE(Autoregressive):
    r"""Neural autoregressive distribution estimator for binary images.

    One hidden layer, shared by all D conditionals, reads only the pixels already seen:

        p(x_i = 1 | x_{<i}) = σ(b_i + V_i · h_i),   h_i = σ(a_i),
        a_1 = c,   a_{i+1} = a_i + W_i x_i.

    The recursion on a (see `Recursion`) makes all D conditionals cost O(DH) together; recomputing
    c + Σ_{j<i} W_j x_j for every i would cost O(D²H). H. Larochelle and I. Murray, *The Neural
    Autoregressive Distribution Estimator*, AISTATS 2011.

    Args:
        event_shape: (C, H, W), or any shape; D is the number of its elements.
        hidden: the number H of hidden units.
        order: a permutation of range(D), the order in which pixels are visited; None: row by row. Rows i
            of W, V and b belong to pixel i in any order.

    Shapes: x ``(B, *event_shape)`` with values in {0, 1}; ``log_prob`` ``(B,)`` in nats.

    Raises:
        ValueError: order is no permutation, x not binary or not of this shape.

    >>> model = NADE((1, 2, 2), hidden=5)
    >>> x = model.sample(3)
    >>> x.shape, model.log_prob(x).shape
    (torch.Size([3, 1, 2, 2]), torch.Size([3]))
    """

    title = "NADE"
    about = "one hidden layer that grows pixel by pixel (2011)"
    support: Support = "binary"
    fit_defaults = {"lr": 2e-2, "epochs": 60, "batch_size": 100, "schedule": "cosine"}

    permutation: Tensor

    def __init__(
        self, event_shape: tuple[int, ...], *, hidden: int = 100, order: Sequence[int] | None = None
    ) -> None:
        super().__init__(event_shape)
        check_count(hidden, "NADE: hidden")
        order = range(self.dims) if order is None else order
        self.register_buffer("permutation", torch.tensor(check_permutation(order, self.dims, "NADE")))
        self.W = nn.Parameter(torch.randn(self.dims, hidden) * 0.1)
        self.V = nn.Parameter(torch.randn(self.dims, hidden) * 0.1)
        self.b = nn.Parameter(torch.zeros(self.dims))
        self.c = nn.Parameter(torch.zeros(hidden))

    def logits(self, x: Tensor) -> Tensor:
        """The log-odds of x_i = 1 given x_{<i}, pixels in visiting order: ``(B, D)`` to ``(B, D)``."""
        W, V, b = (weights.index_select(0, self.order) for weights in (self.W, self.V, self.b))
        return Recursion.apply(x, W, V, self.c, 8 if x.device.type == "cpu" else 64) + b

    def _log_prob(self, x: Tensor) -> Tensor:
        x = x.flatten(1)[:, self.order]
        return -binary_cross_entropy_with_logits(self.logits(x), x, reduction="none").sum(1)

    def _conditionals(self, x: Tensor) -> Tensor:
        p = torch.empty_like(x).flatten(1)
        p[:, self.order] = torch.sigmoid(self.logits(x.flatten(1)[:, self.order]))
        return p.view_as(x)

    @property
    def order(self) -> Tensor:
        """The order in which pixels are visited, ``(D,)``."""
        return self.permutation

    def reordered(self, order: Sequence[int]) -> "NADE":
        """This model with another order of the pixels: each keeps its own W_i, V_i and b_i, which are shared.

        Another order is another distribution. Trained in many (see ``OrderEnsemble``), the weights serve
        them all: Uria, Murray & Larochelle 2014.
        """
        twin = NADE(self.event_shape, hidden=len(self.c), order=order).to(self.reference.device)
        twin.W, twin.V, twin.b, twin.c = self.W, self.V, self.b, self.c
        return twin.train(self.training)

    def _draw(self, u: Tensor, temperature: float, known: Tensor | None, start: int) -> Tensor:
        W, V, b = (weights[self.order] for weights in (self.W, self.V, self.b))
        x = torch.empty_like(u) if known is None else known.flatten(1)[:, self.order]  # in visiting order
        a = self.c + x[:, :start] @ W[:start]
        for i in range(start, self.dims):
            logit = torch.sigmoid(a) @ V[i] + b[i]
            x[:, i] = u[:, i] < torch.sigmoid(logit / temperature)
            a = a + x[:, i, None] * W[i]
        return x[:, self.order.argsort()].view(-1, *self.event_shape)

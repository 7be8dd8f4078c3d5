"""Any-order autoregression: one network that gives every unknown pixel from any set of known ones."""

from collections.abc import Iterator
from itertools import pairwise
from math import log
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from course_utils.checks import check_count, check_number, check_seed, described
from course_utils.models.nade import NADE
from course_utils.models.pixel_model import choose, log_each, support_of
from course_utils.nets.coders import layers
from course_utils.taxonomy import TractableDensity

ENUMERABLE = 12  # pixels: with 4,096 subsets their recursion is quick
ROWS = 2**12  # that go through the network at once: what they become fits a cache
MASKS = 16  # of each held-out image


class Masked(nn.Module):
    """From the known pixels, and which they are, to K numbers for each pixel: residual linear layers."""

    def __init__(self, dims: int, outputs: int, hidden: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2 * dims, hidden), nn.Linear(hidden, dims * outputs)
        self.blocks = nn.ModuleList(layers([hidden, hidden, hidden], dropout) for _ in range(blocks))
        self.outputs = outputs

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        """x and known ``(B, D)`` to ``(B, D, K)``."""
        known = known.to(x.dtype)
        h = self.first(torch.cat([(2 * x - 1) * known, known], 1))
        for block in self.blocks:
            h = h + block(silu(h))
        return self.last(silu(h)).unflatten(1, (-1, self.outputs))


class AnyOrder(TractableDensity):
    r"""p(x_i | x_known) for every set of known pixels, and so an autoregressive model in each of D! orders.

    NADE's hidden layer grows pixel by pixel in one order. Here the network reads x ∘ m and m, the mask of
    what is known, and one set of weights serves all orders. While it learns, k pixels are known, k and
    which at random:

        loss(θ) = E_{k, m} D/(D − k) Σ_{i unknown} −log p_θ(x_i | x ∘ m, m) = E_order[−log p_order(x)].

    p_M is a mixture: an order is chosen, then pixels are drawn in it. *Probabilities* are averaged,

        p(x) = 1/K Σ_k p_{order k}(x),

    over K random orders, or over all D! of them. Those are counted by sets: with A(S) the probability of
    the pixels in S, averaged over the orders that begin with them,

        A(∅) = 1,   A(S) = 1/|S| Σ_{i ∈ S} A(S∖i) p(x_i | x_{S∖i}),   p(x) = A(all pixels).

    B. Uria, I. Murray and H. Larochelle, *A Deep and Tractable Density Estimator*, ICML 2014; E. Hoogeboom et
    al., *Autoregressive Diffusion Models*, ICLR 2022, where to uncover pixels is to undo noise that absorbs.

    Args:
        event_shape: (C, H, W), or any shape; D is the number of its elements.
        levels: the number of values of a pixel: 2, black and white, or more grey levels k/(L−1).
        orders: how many random orders K are mixed; None: all D!, for up to 12 pixels.
        hidden, blocks, dropout: of the network, residual blocks of two layers.
        seed: of the orders; it touches no other random numbers.

    Shapes: x ``(B, *event_shape)``; ``log_prob`` ``(B,)`` in nats. ``loss``, in nats too, is an upper bound
    of the mixture's −log p(x) in expectation, by Jensen's inequality.

    Raises:
        ValueError: a setting is out of range, or x not of this shape and support.

    >>> model = AnyOrder((1, 2, 2), hidden=8, orders=None)
    >>> x = torch.tensor([[i >> k & 1 for k in range(4)] for i in range(16)]).float().view(16, 1, 2, 2)
    >>> round(model.log_prob(x).exp().sum().item(), 4)
    1.0
    """

    title = "Any-order autoregression"
    about = "p(xᵢ | any known pixels) (2014)"
    on_tree: ClassVar[bool] = False
    descends_from: ClassVar[type] = NADE
    latent = True  # which order was chosen is hidden
    fit_defaults = {"lr": 3e-3, "epochs": 150, "batch_size": 100, "weight_decay": 0.1, "average": 0.99}
    fit_defaults |= {"schedule": "cosine"}
    places: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        levels: int = 2,
        orders: int | None = 8,
        hidden: int = 256,
        blocks: int = 1,
        dropout: float = 0.1,
        seed: int = 0,
    ) -> None:
        super().__init__(event_shape)
        self.levels, self.support = levels, support_of(levels, "AnyOrder")
        if orders is None and self.dims > ENUMERABLE:
            raise ValueError(f"AnyOrder: expected orders, beyond {ENUMERABLE} pixels a number, got None")
        for name, size in (("hidden", hidden), ("blocks", blocks)):
            check_count(size, f"AnyOrder: {name}")
        check_number(dropout, "AnyOrder: dropout", low=0, high=0.99)
        many = 0 if orders is None else check_count(orders, "AnyOrder: orders")
        generator = torch.Generator().manual_seed(check_seed(seed, "AnyOrder"))
        # the place of each pixel in each order, from 0
        places = [torch.randperm(self.dims, generator=generator) for _ in range(many)]
        self.register_buffer("places", torch.stack(places) if many else None)
        self.net = Masked(self.dims, 1 if levels == 2 else levels, hidden, blocks, dropout)

    def _log_each(self, x: Tensor, known: Tensor) -> Tensor:
        """log p(x_i | x_known) of every pixel, ``(B, D)`` each."""
        parts = zip(x.split(ROWS), known.split(ROWS), strict=True)
        return torch.cat([log_each(self.net(part, mask), part) for part, mask in parts])

    def _log_prob(self, x: Tensor) -> Tensor:
        if self.places is None:
            return self._over_all_orders(x.flatten(1))
        log_p = torch.stack([self._in_order(x.flatten(1), place) for place in self.places])  # (K, B)
        return log_p.logsumexp(0) - log(len(log_p))

    def _in_order(self, x: Tensor, place: Tensor) -> Tensor:
        """log p(x) ``(B,)`` of pixels in their places: D passes, each of which gives one pixel."""
        total = x.new_zeros(len(x))
        for step, pixel in enumerate(place.argsort()):
            known = (place < step).expand_as(x)
            total = total + self._log_each(x, known).index_select(1, pixel.view(1))[:, 0]
        return total

    def _over_all_orders(self, x: Tensor) -> Tensor:
        """log p(x) of the mixture over all D! orders, by recursion over subsets: ``(B, D)`` to ``(B,)``."""
        B, D = x.shape
        numbers = torch.arange(2**D, device=x.device)
        subsets = (numbers[:, None] >> torch.arange(D, device=x.device)) & 1  # pixel i is bit i
        log_p = self._log_each(x.repeat_interleave(2**D, 0), subsets.repeat(B, 1)).view(B, 2**D, D)
        log_a = x.new_zeros(B, 2**D)
        sizes = subsets.sum(1)
        for size in range(1, D + 1):
            sets = numbers[sizes == size]  # (N,)
            members = subsets[sets].nonzero()[:, 1].view(-1, size)
            before = sets[:, None] - (1 << members)  # S without i
            terms = log_a[:, before] + log_p[:, before, members]  # (B, N, size)
            log_a = log_a.index_copy(1, sets, terms.logsumexp(2) - log(size))
        return log_a[:, -1]

    def loss(self, x: Tensor) -> Tensor:
        """An unbiased estimate of E_x E_order[−log p_order(x)] in nats, from one set of known pixels each."""
        x = self.check(x).flatten(1)
        x = x if self.training else x.repeat(MASKS, 1)
        u = torch.rand(len(x), dtype=x.dtype, device=x.device)
        steps = (torch.arange(len(x), device=x.device) + u) / len(x)
        k = (steps * self.dims).floor().clamp_max(self.dims - 1)[:, None]  # how many are known
        begun = torch.arange(self.dims, device=x.device) < k  # the places of an order that are known
        known = begun.scatter(1, torch.rand_like(x).argsort(1), begun)
        nats = -log_each(self.net(x, known), x) * ~known
        return (nats.sum(1) * self.dims / (self.dims - k[:, 0])).mean()

    def conditionals(self, x: Tensor, known: Tensor) -> Tensor:
        """p(x_i = 1 | x_known) of every pixel, in the shape of x; of L levels each, with a last axis of L.

        ``known`` is bool, of ``event_shape`` or of the shape of x; what stands elsewhere in x does not
        matter, within the support. In known pixels the answer means nothing.
        """
        x = self.check(x)
        logits = self.net(x.flatten(1), self._check_known(known, x, "conditionals"))
        p = torch.sigmoid(logits[..., 0]) if self.levels == 2 else logits.softmax(-1)
        return p.unflatten(1, self.event_shape)

    def _check_known(self, known: Tensor, x: Tensor, verb: str) -> Tensor:
        shapes = (self.event_shape, tuple(x.shape))
        if not isinstance(known, Tensor) or known.dtype != torch.bool or tuple(known.shape) not in shapes:
            want = f"known as a bool tensor of shape {self.event_shape} or {tuple(x.shape)}"
            raise ValueError(f"AnyOrder.{verb}: expected {want}, got {described(known)}")
        return known.to(x.device).expand_as(x).flatten(1)

    @torch.no_grad()
    def sample(self, n: int, *, steps: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Draw n images, each in one of the orders: ``(n, *event_shape)``.

        None draws pixel by pixel, exactly from p_M. In fewer ``steps`` several pixels are drawn at once, as
        if they were independent given those before: faster, and no longer from p_M.
        """
        self._check_generator(generator)
        n, like = check_count(n, "AnyOrder.sample"), self.reference
        if self.places is None:
            u = torch.rand(n, self.dims, generator=generator, dtype=like.dtype, device=like.device)
            place = u.argsort(1)
        else:
            which = torch.randint(len(self.places), (n,), generator=generator, device=like.device)
            place = self.places.index_select(0, which)
        return self._finish(like.new_zeros(n, self.dims), place, 0, steps, generator)

    def _sample(self, n: int, generator: torch.Generator | None) -> Tensor:
        return self.sample(n, generator=generator)

    @torch.no_grad()
    def complete(
        self, x: Tensor, known: Tensor, *, steps: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw the unknown pixels given *any* known ones, in random orders that begin with those.

        ``known`` is bool, of ``event_shape``; what stands in unknown pixels of x does not matter, within the
        support. For ``steps``, of the unknown pixels alone, see ``sample``.
        """
        self._check_generator(generator)
        x, start = self.check(x), self._check_known(known, self.check(x)[:1], "complete")[0]
        u = torch.rand(len(x), self.dims, generator=generator, dtype=x.dtype, device=x.device)
        place = (u - start.to(u.dtype)).argsort(1).argsort(1)
        return self._finish(x.flatten(1).clone(), place, int(start.sum()), steps, generator)

    def _finish(
        self, x: Tensor, place: Tensor, start: int, steps: int | None, generator: torch.Generator | None
    ) -> Tensor:
        left = self.dims - start
        steps = max(1, left if steps is None else min(check_count(steps, "AnyOrder: steps"), left))
        u = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        was_training = self.training
        self.eval()  # no dropout in a sample
        *_, x = self.uncovered(x, place, u, [start + left * s // steps for s in range(steps + 1)])
        self.train(was_training)
        return x.view(-1, *self.event_shape)

    def uncovered(self, x: Tensor, place: Tensor, u: Tensor, edges: list[int]) -> Iterator[Tensor]:
        """The images ``(B, D)`` after each step: pixels with places from one edge to the next are drawn.

        From x and uniform numbers u, both ``(B, D)``, and the places ``(B, D)`` of pixels in their orders.
        """
        yield x
        for low, high in pairwise(edges):
            drawn = choose(self.net(x, place < low), u, 1.0)
            x = torch.where((place >= low) & (place < high), drawn, x)
            yield x

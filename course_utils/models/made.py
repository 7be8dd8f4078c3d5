"""MADE: a plain network whose masks keep every output from its own pixel and the later ones."""

from bisect import bisect_right
from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from course_utils.checks import check_count, check_permutation, check_seed, check_sizes
from course_utils.nets import MaskedLinear, degree_mask, random_degrees, spread_degrees
from course_utils.taxonomy import Autoregressive, Support


class MADE(Autoregressive):
    r"""Masked autoencoder for distribution estimation, for binary images.

    An autoencoder computes all D conditionals in one pass, if each hidden unit k gets a degree m_k and
    may know the first m_k pixels of the order only:

        h^l = relu(b^l + (W^l ⊙ M^l) h^{l−1}),             M^l_{kj} = 1[m^l_k ≥ m^{l−1}_j],
        p(x_d = 1 | x_{<d}) = σ(c + (V ⊙ M^V) h^L + (A ⊙ M^A) x)_d,   M^V_{dk} = 1[d > m^L_k],

    where h⁰ = x, pixel d of the order has degree d, and A joins inputs to outputs directly. The product of
    the masks is strictly lower triangular in the order. M. Germain, K. Gregor, I. Murray and
    H. Larochelle, *MADE: Masked Autoencoder for Distribution Estimation*, ICML 2015.

    With several masks the same weights make several models: this one is that of mask ``which``, ``members``
    gives all of them, and their mixture, an ``OrderEnsemble``, trains each in turn. With one order this is
    the paper's connectivity-agnostic training, with ``order="random"`` its order-agnostic one.

    Args:
        event_shape: (C, H, W), or any shape; D is the number of its elements.
        hidden: the number of units of each hidden layer.
        order: a permutation of range(D), the order in which pixels are visited; None: row by row;
            "random": another random one for each mask.
        masks: how many masks share the weights. One: degrees are spread evenly; more: drawn at random.
        direct: whether inputs are joined to outputs directly.
        seed: of degrees and random orders; it touches no other random numbers.

    Shapes: x ``(B, *event_shape)`` with values in {0, 1}; ``log_prob`` ``(B,)`` in nats.

    Raises:
        ValueError: an argument is none of the above, x not binary or not of this shape.

    >>> model = MADE((1, 2, 2), hidden=(6, 6))
    >>> x = model.sample(3)
    >>> x.shape, model.log_prob(x).shape
    (torch.Size([3, 1, 2, 2]), torch.Size([3]))
    >>> MADE((1, 1, 3)).connections().int().tolist()  # no output knows its own pixel, or a later one
    [[0, 0, 0], [1, 0, 0], [1, 1, 0]]
    """

    title = "MADE"
    about = "an autoencoder with masks (2015)"
    support: Support = "binary"
    fit_defaults = {"lr": 1e-2, "weight_decay": 0.3, "epochs": 60, "batch_size": 20, "schedule": "cosine"}

    orders: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        hidden: Sequence[int] = (500,),
        order: Sequence[int] | str | None = None,
        masks: int = 1,
        direct: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__(event_shape)
        sizes = check_sizes(hidden, "MADE: hidden", least=1)
        self.count, self.which = check_count(masks, "MADE: masks"), 0
        generator = torch.Generator().manual_seed(check_seed(seed, "MADE"))
        self.register_buffer("orders", self._orders(order, generator))
        for layer, degrees in enumerate(self._degrees(sizes, generator)):
            self.register_buffer(f"degrees_{layer}", degrees)
        pairs = pairwise([self.dims, *sizes, self.dims])
        self.layers: Any = nn.ModuleList(MaskedLinear(*pair) for pair in pairs)
        self.direct = MaskedLinear(self.dims, self.dims, bias=False) if direct else None
        if self.direct is not None:
            nn.init.zeros_(self.direct.weight)
        self.set_masks()
        self.register_load_state_dict_post_hook(MADE.set_masks)

    def set_masks(self, *_: object) -> None:
        """Prepare what follows from orders and degrees: now, and when a ``state_dict`` has brought others."""
        self.hidden_degrees = [getattr(self, f"degrees_{i}").tolist() for i in range(len(self.layers) - 1)]
        if self.count == 1:  # several would take much memory, and are built anew in each call
            for layer, mask in zip(self.layers, self.masks, strict=True):
                layer.keep(mask)
            if self.direct is not None:
                self.direct.keep(self.direct_mask)

    def _orders(self, order: Sequence[int] | str | None, generator: torch.Generator) -> Tensor:
        if isinstance(order, str) and order == "random":
            return torch.stack([torch.randperm(self.dims, generator=generator) for _ in range(self.count)])
        if isinstance(order, str):
            raise ValueError(f"MADE: expected order as a permutation, None or 'random', got {order!r}")
        order = range(self.dims) if order is None else order
        return torch.tensor([check_permutation(order, self.dims, "MADE")] * self.count)

    def _degrees(self, sizes: list[int], generator: torch.Generator) -> list[Tensor]:
        """The degrees of each hidden layer, ``(masks, units)``."""
        if self.count == 1:
            return [spread_degrees(units, self.dims)[None] for units in sizes]
        lowest, layers = [1] * self.count, []
        for units in sizes:
            drawn = [random_degrees(units, self.dims, low, generator) for low in lowest]
            lowest = [int(degrees.min()) for degrees in drawn]
            layers.append(torch.stack(drawn))
        return layers

    @property
    def order(self) -> Tensor:
        """The order in which pixels are visited under the present mask, ``(D,)``."""
        return self.orders[self.which]

    @property
    def degrees(self) -> list[Tensor]:
        """The degree of every unit under the present mask, layer by layer; of pixels, their place 1 … D."""
        hidden = [getattr(self, f"degrees_{layer}")[self.which] for layer in range(len(self.layers) - 1)]
        return [self.order.argsort() + 1, *hidden]

    @property
    def masks(self) -> list[Tensor]:
        """The masks of every layer, bool ``(units above, units below)``, from pixels to outputs."""
        degrees = self.degrees
        return [degree_mask(below, above) for below, above in pairwise([*degrees, degrees[0] - 1])]

    @property
    def direct_mask(self) -> Tensor:
        """The mask of the direct connections, bool ``(D, D)``: pixels before."""
        place = self.degrees[0]
        return degree_mask(place, place - 1)

    def connections(self) -> Tensor:
        """Which pixel (column) can reach which output (row), by any path: bool ``(D, D)``."""
        reach = torch.eye(self.dims, device=self.orders.device)
        for mask in self.masks:
            reach = (mask.float() @ reach).clamp_max(1)
        return reach > 0 if self.direct is None else (reach > 0) | self.direct_mask

    def members(self) -> list["MADE"]:
        """This model under each of its masks: they share all weights and differ in ``which``."""
        twins: list[MADE] = [copy(self) for _ in range(self.count)]
        for which, twin in enumerate(twins):
            twin.which = which
        return twins

    def logits(self, x: Tensor) -> Tensor:
        """The log-odds of every pixel given those before it, pixels row by row: ``(B, D)`` to ``(B, D)``."""
        h, masks = x, [None] * len(self.layers) if self.count == 1 else self.masks
        for layer, mask in zip(self.layers[:-1], masks[:-1], strict=True):
            h = torch.relu(layer(h, mask))
        logits = self.layers[-1](h, masks[-1])
        if self.direct is not None:
            logits = logits + self.direct(x, None if self.count == 1 else self.direct_mask)
        return logits

    def _log_prob(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        return -binary_cross_entropy_with_logits(self.logits(x), x, reduction="none").sum(1)

    def _conditionals(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(x.flatten(1))).view_as(x)

    def _draw(self, u: Tensor, temperature: float, known: Tensor | None, start: int) -> Tensor:
        """Each hidden unit is computed once, as soon as the last pixel that it may know is there.

        With units sorted by degree, those of degree i are a block of rows that reads a block of columns:
        all D steps together cost less than one pass through the network.
        """
        place, *hidden = self.degrees
        sorts = [degrees.argsort(stable=True) for degrees in (place, *hidden, place)]
        weights = [layer.weight * mask for layer, mask in zip(self.layers, self.masks, strict=True)]
        weights = [w[rows][:, columns] for w, (columns, rows) in zip(weights, pairwise(sorts), strict=True)]
        biases = [layer.bias[rows, None] for layer, rows in zip(self.layers, sorts[1:], strict=True)]
        rising = [range(1, self.dims + 1), *(sorted(degrees[self.which]) for degrees in self.hidden_degrees)]
        # i pixels are known: how many units of each layer are, too?
        ends = [[bisect_right(degrees, i) for i in range(self.dims)] for degrees in rising]
        direct = None if self.direct is None else (self.direct.weight * self.direct_mask)[place.argsort()]
        direct = None if direct is None else direct[:, place.argsort()]
        values = [u.new_empty(len(degrees), len(u)) for degrees in (place, *hidden)]
        if known is not None:
            values[0][:] = known.flatten(1)[:, self.order].T
        done = [0] * len(hidden)
        for i in range(start, self.dims):
            for layer in range(len(hidden)):
                new, below = slice(done[layer], ends[layer + 1][i]), slice(0, ends[layer][i])
                if new.stop > new.start:
                    a = torch.addmm(biases[layer][new], weights[layer][new, below], values[layer][below])
                    values[layer + 1][new] = a.relu_()
                    done[layer] = new.stop
            h = values[-1][: ends[-1][i]]
            logit = biases[-1][i] + weights[-1][i, : len(h)] @ h
            if direct is not None:
                logit = logit + direct[i, :i] @ values[0][:i]
            values[0][i] = u[:, i] < torch.sigmoid(logit / temperature)
        return values[0].T[:, place - 1].reshape(-1, *self.event_shape)

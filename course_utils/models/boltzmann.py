"""The Boltzmann machine: binary units with an energy; restricted to two layers, or fully connected."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from course_utils.checks import check_choice, check_count, check_events
from course_utils.runtime import as_double
from course_utils.taxonomy import ExplicitMarkovChain, Support

MOST_HIDDEN = 12  # of a full machine: every p(h | v) is a list of 2^H numbers
LARGEST = 22  # units: four million states are summed in seconds; each unit more doubles the time
BLOCK = 2**21  # numbers held at once


class BoltzmannMachine(ExplicitMarkovChain):
    r"""A Boltzmann machine over binary images x, with hidden units h that explain them.

    Every state of all units has an energy, and low energy is probable:

        p(x, h) = exp(−E(x, h)) / Z,   E(x, h) = −bᵀx − cᵀh − xᵀWh − ½ xᵀLx − ½ hᵀJh.

    The *restricted* machine has no connections within a layer, L = J = 0. Then the hidden units are
    independent given x and the pixels given h, the sum over h has a closed form, and so has

        F(x) = −log Σ_h exp(−E(x, h)) = −bᵀx − Σ_j softplus(c_j + (Wᵀx)_j),   p(x) = exp(−F(x)) / Z.

    The *full* machine learns L and J too (symmetric, zero diagonal) and sums over all 2^H hidden states.
    The gradient of −log p has a positive phase, from data, and a negative phase, from the model:

        ∂(−log p(x))/∂θ = ∂F(x)/∂θ − E_{x′ ∼ p_M}[∂F(x′)/∂θ].

    x′ comes from a chain: contrastive divergence (CD) starts it at the data, persistent CD (PCD) where the
    last update left it; "exact" sums over all states of a small machine. D. Ackley, G. Hinton and
    T. Sejnowski, *A Learning Algorithm for Boltzmann Machines*, 1985; P. Smolensky 1986 (restricted);
    G. Hinton 2002 (CD); T. Tieleman 2008 (PCD).

    Departures: the default is CD-5, not CD-1; the weights start at 0.1 ε, ε ∼ N(0, 1), not 0.01 ε; ``fit``
    steps with Adam and averages the weights, where Hinton's guide (2010) has momentum.

    The full machine is slow by nature: a step draws the D pixels one after another, and F(x) costs 2^H
    terms. On 28×28, 1000 steps of ``sample`` take a minute of one core; of a restricted machine, a second.

    Args:
        event_shape: (C, H, W), or any shape; D is the number of its elements.
        hidden: the number H of hidden units.
        connections: "restricted" or "full"; full takes at most 12 hidden units.
        gradient: "CD", "PCD" or "exact": where the negative phase of ``loss`` comes from.
        k: steps of the chain for an update.
        chains: how many persistent chains there are; they are part of the ``state_dict``.
        mixing: steps of the chain to a sample: from noise, or from persistent chains where there are any. A
            large machine may hold noise in a valley of its own, which no chain leaves in a thousand steps.

    Shapes: x ``(B, *event_shape)`` with values in {0, 1}, h ``(B, H)``; ``free_energy`` ``(B,)`` in nats.

    Raises:
        ValueError: an argument is none of the above, "exact" has too many states to sum over, x is not
        binary.

    >>> model = BoltzmannMachine((1, 2, 2), hidden=3)
    >>> x = model.sample(5)
    >>> log_p = -model.free_energy(x) - model.log_partition()  # small enough for Z
    >>> x.shape, log_p.shape
    (torch.Size([5, 1, 2, 2]), torch.Size([5]))
    """

    title = "Boltzmann machine"
    about = "an energy for every state of its units (1985)"
    support: Support = "binary"
    fit_defaults = {"lr": 4e-2, "epochs": 60, "batch_size": 50, "schedule": "cosine", "average": 0.99}
    fit_defaults |= {"weight_decay": 0.02}

    fantasies: Tensor  # the persistent chains

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        hidden: int = 200,
        connections: str = "restricted",
        gradient: str = "CD",
        k: int = 5,
        chains: int = 100,
        mixing: int = 1000,
    ) -> None:
        super().__init__(event_shape)
        for name, count in {"hidden": hidden, "k": k, "chains": chains, "mixing": mixing}.items():
            check_count(count, f"BoltzmannMachine: {name}")
        check_choice(connections, "BoltzmannMachine: connections", ("restricted", "full"))
        check_choice(gradient, "BoltzmannMachine: gradient", ("CD", "PCD", "exact"))
        if connections == "full" and hidden > MOST_HIDDEN:
            raise ValueError(f"BoltzmannMachine: expected at most {MOST_HIDDEN} hidden if full, got {hidden}")
        self.connections, self.gradient, self.k, self.mixing = connections, gradient, k, mixing
        D = self.dims
        self.W = nn.Parameter(0.1 * torch.randn(D, hidden))
        self.b = nn.Parameter(torch.zeros(D))
        self.c = nn.Parameter(torch.zeros(hidden))
        if connections == "full":
            self.visible_weights = nn.Parameter(0.1 * torch.randn(D * (D - 1) // 2))
            self.hidden_weights = nn.Parameter(0.1 * torch.randn(hidden * (hidden - 1) // 2))
        if gradient == "PCD":
            self.register_buffer("fantasies", torch.rand(chains, *self.event_shape).round())
        if gradient == "exact":
            self._summed_side(None)

    @property
    def L(self) -> Tensor:
        """The weights between pixels, ``(D, D)``: symmetric, zero diagonal; all zero if restricted."""
        D = self.dims
        return symmetric(self.visible_weights, D) if self.connections == "full" else self.b.new_zeros(D, D)

    @property
    def J(self) -> Tensor:
        """The weights between hidden units, ``(H, H)``: symmetric, zero diagonal; all zero if restricted."""
        H = len(self.c)
        return symmetric(self.hidden_weights, H) if self.connections == "full" else self.c.new_zeros(H, H)

    def energy(self, x: Tensor, h: Tensor) -> Tensor:
        """E(x, h) in nats, ``(B,)``: of pixels x ``(B, *event_shape)`` and hidden units h ``(B, H)``.

        Raises:
            ValueError: x is no batch of the model, or h none of binary hidden states for it.
        """
        v = self.check(x).flatten(1)
        h = check_events(h, self.c.shape, "binary", like=self.W, who="BoltzmannMachine.energy: h")
        if len(h) != len(v):
            raise ValueError(f"BoltzmannMachine.energy: expected {len(v)} states h, one an x, got {len(h)}")
        within = ((v @ self.L) * v).sum(1) + ((h @ self.J) * h).sum(1)
        return -v @ self.b - h @ self.c - ((v @ self.W) * h).sum(1) - within / 2

    def _free_energy(self, x: Tensor) -> Tensor:
        v = x.flatten(1)
        if self.connections == "restricted":
            return -v @ self.b - softplus(self.c + v @ self.W).sum(1)
        parts = v.split(max(1, BLOCK // 2 ** len(self.c)))
        over_h = torch.cat([self._hidden_log_weights(part).logsumexp(1) for part in parts])
        return -v @ self.b - ((v @ self.L) * v).sum(1) / 2 - over_h

    def _hidden_log_weights(self, v: Tensor) -> Tensor:
        """hᵀ(c + Wᵀv) + ½ hᵀJh for every hidden state h: ``(B, D)`` to ``(B, 2^H)``."""
        h = binary_states(len(self.c), like=v)
        return (self.c + v @ self.W) @ h.T + ((h @ self.J) * h).sum(1) / 2

    def _step(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        v = x.flatten(1)
        if self.connections == "restricted":
            h = flip_coins(self.c + v @ self.W, generator)
            return flip_coins(self.b + h @ self.W.T, generator).view_as(x)
        p = self._hidden_log_weights(v).softmax(1)  # (B, 2^H)
        h = binary_states(len(self.c), like=v)[torch.multinomial(p, 1, generator=generator)[:, 0]]
        s = scan(torch.cat([v, h], 1), *self.joint(), self.dims, generator)
        return s[:, : self.dims].reshape(x.shape)

    def joint(self) -> tuple[Tensor, Tensor]:
        """The machine as one network of D + H units: biases ``(n,)`` and weights ``(n, n)``, pixels first."""
        rows = torch.cat([self.L, self.W], 1), torch.cat([self.W.T, self.J], 1)
        return torch.cat([self.b, self.c]), torch.cat(rows)

    def _start(self, n: int, generator: torch.Generator | None) -> Tensor:
        if self.gradient != "PCD":
            return super()._start(n, generator)
        many, device = len(self.fantasies), self.W.device
        return self.fantasies[torch.randint(many, (n,), generator=generator, device=device)]

    def loss(self, x: Tensor) -> Tensor:
        """A scalar whose *gradient* is that of training; its value is a likelihood only if it is exact.

        For CD and PCD: mean F(x) − mean F(x′) with x′ from k steps of the chain, held constant. In training
        mode the persistent chains go on from there. For "exact": mean F(x) + log Z, the mean −log p(x).
        """
        positive = self._free_energy(self.check(x)).mean()
        if self.gradient == "exact":
            return positive + self._log_partition(self._summed_side(None)).to(positive)
        fantasy = self.fantasies if self.gradient == "PCD" else x
        with torch.no_grad():
            for _ in range(self.k):
                fantasy = self._step(fantasy, None)
            if self.gradient == "PCD" and self.training:
                self.fantasies.copy_(fantasy)
        return positive - self._free_energy(fantasy).mean()

    @torch.no_grad()
    def held_out(self, x: Tensor) -> Tensor:
        """What early stopping watches: the mean pseudo-likelihood (Besag 1975), or the exact loss."""
        return self.loss(x) if self.gradient == "exact" else -self.log_pseudo_likelihood(x).mean()

    def log_pseudo_likelihood(self, x: Tensor) -> Tensor:
        """Σ_i log p(x_i | all other pixels) in nats, exactly, from D + 1 free energies: ``(B,)``.

        p(x_i | x_{−i}) = σ(F(x with pixel i flipped) − F(x)): Z cancels.
        """
        rows = max(1, BLOCK // (self.dims * max(self.W.shape)))
        parts = self.check(x).flatten(1).split(rows)
        return torch.cat([logsigmoid(self._costs_of_flips(v)).sum(1) for v in parts])

    def _costs_of_flips(self, v: Tensor) -> Tensor:
        """F(x with pixel i flipped) − F(x) for every i: ``(B, D)`` to ``(B, D)``."""
        if self.connections == "full":
            flipped = (v[:, None] - torch.eye(self.dims, dtype=v.dtype, device=v.device)).abs()  # (B, D, D)
            return self._free_energy(flipped.flatten(0, 1)).view_as(v) - self._free_energy(v)[:, None]
        sign, a = 1 - 2 * v, self.c + v @ self.W
        after = softplus(a[:, None] + sign[:, :, None] * self.W).sum(2)  # (B, D, H) to (B, D)
        return softplus(a).sum(1, keepdim=True) - after - sign * self.b

    @torch.no_grad()
    def log_partition(self, side: str | None = None) -> Tensor:
        """log Z in nats, exactly: a scalar in float64.

        A full machine is summed over 2^(D + H) states, a restricted one over those of one ``side``, "visible"
        or "hidden" (None: the smaller), the other layer in closed form.

        Raises:
            ValueError: there are too many states, or no such side.
        """
        return self._log_partition(self._summed_side(side))

    def _summed_side(self, side: str | None) -> str:
        """The layer whose states are summed over: the one asked for, or the cheaper one."""
        who, (D, H) = "BoltzmannMachine.log_partition", self.W.shape
        check_choice(side, f"{who}: side", (None, "visible", "hidden"))
        full = self.connections == "full"
        side = "visible" if full else side or ("visible" if D <= H else "hidden")
        units = D + H if full else D if side == "visible" else H
        if units > LARGEST:
            way_out = "use evaluation.annealed_importance_sampling"
            raise ValueError(f"{who}: expected at most {LARGEST} units to sum over, got {units}: {way_out}")
        return side

    def _log_partition(self, side: str) -> Tensor:
        D, H = self.W.shape
        if side == "visible":
            width = 2**H if self.connections == "full" else H
            return _log_sum(lambda v: -self._free_energy(v), D, width, like=self.W)
        return _log_sum(lambda h: h @ self.c + softplus(self.b + h @ self.W.T).sum(1), H, D, like=self.W)


def symmetric(weights: Tensor, n: int) -> Tensor:
    """The symmetric ``(n, n)`` matrix with zero diagonal whose upper triangle, row by row, is given."""
    row, column = torch.triu_indices(n, n, offset=1, device=weights.device)
    upper = weights.new_zeros(n, n).index_put((row, column), weights)
    return upper + upper.T


def flip_coins(log_odds: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Zeros and ones that are 1 with probability σ(log_odds), in its shape and dtype."""
    u = torch.rand(log_odds.shape, generator=generator, dtype=log_odds.dtype, device=log_odds.device)
    return (u < log_odds.sigmoid()).to(log_odds.dtype)


def scan(
    s: Tensor, bias: Tensor, weights: Tensor, units: int, generator: torch.Generator | None = None
) -> Tensor:
    """Gibbs sampling of the first units, each given all others, from exp(biasᵀs + ½ sᵀ weights s).

    s is the state of all units, ``(B, n)``; the weights ``(n, n)`` are symmetric with zero diagonal.
    """
    s = s.clone()
    for i in range(units):
        s[:, i] = flip_coins(bias[i] + s @ weights[i], generator)
    return s


def binary_states(units: int, first: int = 0, last: int | None = None, *, like: Tensor) -> Tensor:
    """The states numbered first … last − 1, the first unit the most significant bit: a row for each.

    >>> binary_states(3, 5, 7, like=torch.zeros(()))
    tensor([[1., 0., 1.],
            [1., 1., 0.]])
    """
    numbers = torch.arange(first, 2**units if last is None else last, device=like.device)
    bits = torch.arange(units - 1, -1, -1, device=like.device)
    return ((numbers[:, None] >> bits) & 1).to(like.dtype)


def _log_sum(log_weight: Callable[[Tensor], Tensor], units: int, width: int, *, like: Tensor) -> Tensor:
    """log Σ_s exp(log_weight(s)) over all 2^units states s, in float64; ``width``: numbers held for each."""
    total, rows = 2**units, max(1, BLOCK // width)
    blocks = [
        as_double(log_weight(binary_states(units, first, min(first + rows, total), like=like))).logsumexp(0)
        for first in range(0, total, rows)
    ]
    return torch.stack(blocks).logsumexp(0)


def transition_matrix(b: Tensor, c: Tensor, W: Tensor) -> Tensor:
    r"""T(v, v′) = Σ_h p(h | v) p(v′ | h): one step of a small restricted machine between all its images.

    With biases b of the pixels ``(D,)`` and c of the hidden units ``(H,)``: every row of the ``(2^D, 2^D)``
    matrix is a distribution.

    Raises:
        ValueError: there are more than 22 units, or more than 12 visible ones.

    >>> T = transition_matrix(torch.zeros(2), torch.zeros(1), torch.zeros(2, 1))
    >>> T.unique().tolist()  # no weights: from everywhere to everywhere
    [0.25]
    """
    D, H = W.shape
    if D > 12 or D + H > LARGEST:
        most = f"at most 12 visible units, {LARGEST} with the hidden"
        raise ValueError(f"transition_matrix: expected {most}, got {D} + {H}")
    v, h = binary_states(D, like=W), binary_states(H, like=W)
    upward, downward = c + v @ W, b + h @ W.T  # log-odds (S, H) and (2^H, D)
    log_up = upward @ h.T + logsigmoid(-upward).sum(1, keepdim=True)  # log p(h | v)
    log_down = downward @ v.T + logsigmoid(-downward).sum(1, keepdim=True)  # log p(v' | h)
    return log_up.exp() @ log_down.exp()

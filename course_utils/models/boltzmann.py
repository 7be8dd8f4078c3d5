"""The Boltzmann machine: binary units with an energy; restricted to two layers, or fully connected."""

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from course_utils.checks import check_count
from course_utils.models.boltzmann_exact import BLOCK, binary_states, log_sum, summable
from course_utils.models.gibbs import flip_coins, scan
from course_utils.nets.symmetric import symmetric
from course_utils.taxonomy import ExplicitMarkovChain, Support

CONNECTIONS, GRADIENTS = ("restricted", "full"), ("CD", "PCD", "exact")
MOST_HIDDEN = 12  # of a full machine: every p(h | v) is a list of 2^H numbers


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

    Args:
        event_shape: (C, H, W), or any shape; D is the number of its elements.
        hidden: the number H of hidden units.
        connections: "restricted" or "full"; full takes at most 12 hidden units.
        gradient: "CD", "PCD" or "exact": where the negative phase of ``loss`` comes from.
        k: steps of the chain for an update.
        chains: how many persistent chains there are; they are part of the ``state_dict``.
        mixing: steps of the chain from noise to a sample.

    Shapes: x ``(B, *event_shape)`` with values in {0, 1}, h ``(B, H)``; ``free_energy`` ``(B,)`` in nats.

    Raises:
        ValueError: an argument is none of the above, gradient "exact" has too many states to sum over, x
            is not binary or not of this shape.

    >>> model = BoltzmannMachine((1, 2, 2), hidden=3)
    >>> x = model.sample(5)
    >>> log_p = -model.free_energy(x) - model.log_partition()  # small enough for Z
    >>> x.shape, log_p.shape
    (torch.Size([5, 1, 2, 2]), torch.Size([5]))
    """

    title = "Boltzmann machine"
    about = "an energy for every state of its units (1985)"
    support: Support = "binary"
    fit_defaults = {
        "lr": 4e-2,
        "weight_decay": 0.02,
        "epochs": 60,
        "batch_size": 50,
        "schedule": "cosine",
        "average": 0.99,
    }

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
        counts = {"hidden": hidden, "k": k, "chains": chains, "mixing": mixing}
        for name, count in counts.items():
            check_count(count, f"BoltzmannMachine: {name}")
        for name, value, allowed in (
            ("connections", connections, CONNECTIONS),
            ("gradient", gradient, GRADIENTS),
        ):
            if value not in allowed:
                raise ValueError(f"BoltzmannMachine: expected {name} to be one of {allowed}, got {value!r}")
        if connections == "full" and hidden > MOST_HIDDEN:
            raise ValueError(
                f"BoltzmannMachine: expected at most {MOST_HIDDEN} hidden units if full: F(x) sums over "
                f"2**hidden states, got {hidden}"
            )
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
            summable(self.W, connections)

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
        if not isinstance(h, Tensor) or h.shape != (len(v), len(self.c)) or not bool((h * h == h).all()):
            raise ValueError(
                f"BoltzmannMachine.energy: expected h as zeros and ones ({len(v)}, {len(self.c)})"
            )
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
        p = self._hidden_log_weights(v).softmax(1)
        h = binary_states(len(self.c), like=v)[torch.multinomial(p, 1, generator=generator)[:, 0]]
        s = scan(torch.cat([v, h], 1), *self.joint(), self.dims, generator)
        return s[:, : self.dims].reshape(x.shape)

    def joint(self) -> tuple[Tensor, Tensor]:
        """The machine as one network of D + H units: biases ``(n,)`` and weights ``(n, n)``, pixels first."""
        rows = torch.cat([self.L, self.W], 1), torch.cat([self.W.T, self.J], 1)
        return torch.cat([self.b, self.c]), torch.cat(rows)

    def _sample(self, n: int, generator: torch.Generator | None, steps: int) -> Tensor:
        like = {"dtype": self.W.dtype, "device": self.W.device}
        s = torch.rand(n, self.dims + len(self.c), generator=generator, **like).round()
        if self.connections == "full":
            bias, weights = self.joint()
            for _ in range(steps):
                s = scan(s, bias, weights, len(bias), generator)
            return s[:, : self.dims].reshape(n, *self.event_shape)
        x = s[:, : self.dims].reshape(n, *self.event_shape)
        for _ in range(steps):
            x = self._step(x, generator)
        return x

    def loss(self, x: Tensor) -> Tensor:
        """A scalar whose *gradient* is that of training; its value is a likelihood only if it is exact.

        For CD and PCD: mean F(x) − mean F(x′) with x′ from k steps of the chain, held constant. In training
        mode the persistent chains go on from there. For "exact": mean F(x) + log Z, the mean −log p(x).

        Raises:
            ValueError: x has the wrong shape, dtype, device or values.
        """
        positive = self._free_energy(self.check(x)).mean()
        if self.gradient == "exact":
            return positive + self._log_partition(summable(self.W, self.connections)).to(positive)
        fantasy = self.fantasies if self.gradient == "PCD" else x
        with torch.no_grad():
            for _ in range(self.k):
                fantasy = self._step(fantasy, None)
            if self.gradient == "PCD" and self.training:
                self.fantasies.copy_(fantasy)
        return positive - self._free_energy(fantasy).mean()

    @torch.no_grad()
    def held_out(self, x: Tensor) -> Tensor:
        """What early stopping watches: mean −Σ_i log p(x_i | other pixels), or the exact mean −log p(x).

        The loss of CD is no measure of the model; the pseudo-likelihood (Besag 1975) needs no Z.
        """
        return self.loss(x) if self.gradient == "exact" else -self.log_pseudo_likelihood(x).mean()

    def log_pseudo_likelihood(self, x: Tensor) -> Tensor:
        """Σ_i log p(x_i | all other pixels) in nats, exactly, from D + 1 free energies: ``(B,)``.

        p(x_i | x_{−i}) = σ(F(x with pixel i flipped) − F(x)): Z cancels.

        Raises:
            ValueError: x has the wrong shape, dtype, device or values.
        """
        rows = max(1, BLOCK // (self.dims * max(self.W.shape)))
        parts = self.check(x).flatten(1).split(rows)
        return torch.cat([logsigmoid(self._costs_of_flips(v)).sum(1) for v in parts])

    def _costs_of_flips(self, v: Tensor) -> Tensor:
        """F(x with pixel i flipped) − F(x) for every i: ``(B, D)`` to ``(B, D)``."""
        if self.connections == "full":
            flipped = (v[:, None] - torch.eye(self.dims).to(v)).abs()  # (B, D, D)
            return self._free_energy(flipped.flatten(0, 1)).view_as(v) - self._free_energy(v)[:, None]
        sign, a = 1 - 2 * v, self.c + v @ self.W
        after = softplus(a[:, None] + sign[:, :, None] * self.W).sum(2)  # (B, D, H) to (B, D)
        return softplus(a).sum(1, keepdim=True) - after - sign * self.b

    @torch.no_grad()
    def log_partition(self, side: str | None = None) -> Tensor:
        """log Z in nats, exactly: a scalar in float64.

        A restricted machine is summed over the states of one layer, the other in closed form: 2^min(D, H)
        terms. A full one is summed over 2^(D + H).

        Args:
            side: "visible" or "hidden": which layer of a restricted machine to sum over; None: the smaller.

        Raises:
            ValueError: there are too many states, or no such side.
        """
        return self._log_partition(summable(self.W, self.connections, side))

    def _log_partition(self, side: str) -> Tensor:
        D, H = self.W.shape
        if side == "visible":
            width = 2**H if self.connections == "full" else H
            return log_sum(lambda v: -self._free_energy(v), D, width=width, like=self.W)
        return log_sum(lambda h: h @ self.c + softplus(self.b + h @ self.W.T).sum(1), H, width=D, like=self.W)

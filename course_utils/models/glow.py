"""Glow: actnorm, learned permutations of the channels, affine couplings."""

from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from course_utils.checks import check_count, check_number
from course_utils.models.couplings import (
    AffineCoupling,
    CouplingFlow,
    Shape,
    channel_mask,
    check_halvings,
    coupling_net,
)
from course_utils.models.flow_steps import ClassNormal, FactorOut, Squeezed, Step
from course_utils.taxonomy import ClassConditional


class ActNorm(Step):
    """z = (x − μ)·exp(−s) for every channel, log |det| = −h·w·Σ s.

    μ and s are parameters, 0 until ``start`` takes them from a batch, whose channels then have mean 0 and
    variance 1: ``Glow.initialise`` does so, and no verb. Whether it has happened is kept with the weights.
    """

    started: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.log_std = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.register_buffer("started", torch.tensor(False))

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Take mean and standard deviation from a batch; a channel that is constant keeps its scale."""
        mean = x.mean((0, 2, 3), keepdim=True)
        std = x.std((0, 2, 3), keepdim=True, correction=0)
        rounding = 100 * torch.finfo(x.dtype).eps * x.abs().amax((0, 2, 3), keepdim=True)
        self.mean.copy_(mean)
        self.log_std.copy_(torch.where(std > rounding, std, 1.0).log())
        self.started.fill_(True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z, and −h·w·Σ s for every example."""
        log_det = -x.shape[2] * x.shape[3] * self.log_std.sum()
        return (x - self.mean) * (-self.log_std).exp(), log_det.expand(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        """x = z·exp(s) + μ."""
        return z * self.log_std.exp() + self.mean


class InvertibleConv(Step):
    """A 1×1 convolution: every pixel's channels are multiplied by one matrix, a learned permutation.

    The matrix is kept as W = P L (U + diag s), with P a fixed permutation, L lower triangular with ones
    on its diagonal and U strictly upper triangular, so that log |det| = h·w·Σ log |s| costs O(C) and not
    O(C³). It starts as a random rotation (section 3.2 of the paper).
    """

    P: Tensor
    sign: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        rotation = torch.linalg.qr(torch.randn(channels, channels, dtype=torch.double))[0]
        P, L, U = torch.linalg.lu(rotation)
        s = U.diagonal()
        self.register_buffer("P", P.float())
        self.register_buffer("sign", s.sign().float())
        self.log_s = nn.Parameter(s.abs().log().float())
        self.lower = nn.Parameter(L.tril(-1).float())
        self.upper = nn.Parameter(U.triu(1).float())

    def factors(self) -> tuple[Tensor, Tensor]:
        """L and U + diag s."""
        L = self.lower.tril(-1) + torch.eye(len(self.lower), dtype=self.lower.dtype, device=self.lower.device)
        return L, self.upper.triu(1) + torch.diag(self.sign * self.log_s.exp())

    @property
    def weight(self) -> Tensor:
        """W = P L (U + diag s), ``(C, C)``."""
        L, U = self.factors()
        return self.P @ L @ U

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """W x at every pixel, and h·w·Σ log |s|."""
        z = torch.einsum("ij,bjhw->bihw", self.weight, x)
        return z, (x.shape[2] * x.shape[3] * self.log_s.sum()).expand(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        """W⁻¹ z: the permutation undone, then two triangular systems."""
        L, U = self.factors()
        y = self.P.T @ z.movedim(1, 0).flatten(1)
        y = torch.linalg.solve_triangular(L, y, upper=False, unitriangular=True)
        x = torch.linalg.solve_triangular(U, y, upper=True)
        return x.unflatten(1, (len(z), *z.shape[2:])).movedim(0, 1)


class Glow(CouplingFlow, ClassConditional):
    r"""Generative flow with invertible 1×1 convolutions.

    A step of flow is: actnorm (each channel shifted and scaled), a 1×1 convolution (the channels
    multiplied by one matrix W, a learned permutation), and an affine coupling of two halves of the
    channels that starts as the identity. Each scale squeezes 2×2 blocks into channels, takes K steps and
    factors half of the channels out; their prior N(μ(h), σ(h)²) depends on the half h that goes on, which
    is one affine coupling more, to standard normal. Then, with h, w the size at each step,

        log p(x) = log N(z; 0, I) + Σ over steps of (Σ s_coupling − h·w·Σ s_actnorm + h·w·log |det W|)
                   (+ the logit's log |det| on images).

    With classes the prior of z is N(μ_y, diag σ_y²), learned for every class y. Actnorms are the identity
    until ``initialise`` starts them from data, which ``fit`` does before its first step. D. P. Kingma and
    P. Dhariwal, *Glow: Generative Flow with Invertible 1×1 Convolutions*, NeurIPS 2018.

    Departures: a coupling scales by exp(s), s bounded by a tanh, which can stretch as well as shrink (the
    authors' code: σ(s + 2)). No actnorms inside the networks, which are two layers deep. Dense networks, 2
    scales and 4 steps suit 8×8 pixels (theirs: 3 to 6 scales of 32 to 48 steps). Class means serve likelihood
    alone; theirs also a classifier's loss.

    Args:
        event_shape: (C, H, W) for grey values in [0, 1], or (D,) for vectors of any real numbers.
        scales: how many (the paper's L); single pixels and vectors have one, without a squeeze.
        steps: steps of flow in each (the paper's K).
        hidden: width of the networks.
        depth: hidden layers of each (dense), or residual blocks (conv).
        net: "dense", best on small images and vectors, or "conv".
        classes: the number of classes; None: no classes.

    Shapes: x and z ``(B, *event_shape)``; y integers ``(B,)``; ``log_prob``, ``log_det`` ``(B,)`` in nats.

    Raises:
        ValueError: a setting is out of range, a squeeze cannot halve the image, x or y is not what it should
        be.

    >>> model = Glow((1, 4, 4), hidden=8, classes=10)
    >>> x = model.sample(3, y=torch.tensor([7, 7, 7]))
    >>> model.log_prob(x).shape, model.class_log_probs(x).shape
    (torch.Size([3]), torch.Size([3, 10]))
    """

    title = "Glow"
    about = "learned permutations between affine couplings (2018)"
    fit_defaults = {"lr": 2e-3, "epochs": 40, "batch_size": 100, "schedule": "cosine", "patience": 10}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        scales: int = 2,
        steps: int = 4,
        hidden: int = 128,
        depth: int = 2,
        net: str = "dense",
        classes: int | None = None,
    ) -> None:
        check_count(scales, "Glow: scales")
        check_count(steps, "Glow: steps")
        network = partial(coupling_net, net, hidden=hidden, depth=depth, who="Glow")

        def coupling(shape: Shape) -> Step:
            return AffineCoupling(channel_mask(shape, 0), network(shape, 2))

        def flow(shape: Shape) -> list[Step]:
            C = shape[0]
            return [s for _ in range(steps) for s in (ActNorm(C), InvertibleConv(C), coupling(shape))]

        def scale(shape: Shape, left: int) -> Step:
            C, H, W = 4 * shape[0], shape[1] // 2, shape[2] // 2
            inner = flow((C, H, W))
            if left > 1:
                inner += [coupling((C, H, W)), FactorOut(scale((C // 2, H, W), left - 1))]
            return Squeezed(*inner)

        def whole(shape: Shape) -> list[Step]:
            if shape[1:] == (1, 1):
                return flow(shape)
            check_halvings(shape, scales, "Glow")
            return [scale(shape, scales)]

        super().__init__(event_shape, whole)
        if classes is not None:
            self.classes = check_count(classes, "Glow: classes")
            self.prior = ClassNormal(self.event_shape, classes)

    @torch.no_grad()
    def initialise(self, x: Tensor, y: Tensor | None = None) -> None:
        """Start every actnorm that has not been from a batch, one after the other; y does not matter."""
        norms = [norm for norm in self.modules() if isinstance(norm, ActNorm) and not norm.started]

        def start(norm: nn.Module, given: tuple[Tensor]) -> None:
            cast(ActNorm, norm).start(*given)

        hooks = [norm.register_forward_pre_hook(start) for norm in norms]
        try:
            self._encode(self.check(x))
        finally:
            for hook in hooks:
                hook.remove()

    def log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The exact log p(x), or log p(x | y) for classes y ``(B,)``, in nats: ``(B,)``."""
        return self._log_prob(self.check(x), self._check_classes(y, len(x)))

    def _log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        z, log_det = self._encode(x)
        prior = self.prior
        return (prior.log_prob(z, y) if isinstance(prior, ClassNormal) else prior.log_prob(z)) + log_det

    def class_log_probs(self, x: Tensor) -> Tensor:
        """log p(x | y) in nats for every class y, in a model with K classes: ``(B, K)``."""
        if not isinstance(self.prior, ClassNormal):
            raise ValueError("Glow.class_log_probs: expected a model with classes, such as classes=10")
        z, log_det = self._encode(self.check(x))
        return self.prior.by_class(z) + log_det[:, None]

    def loss(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """E[−log p(x)] over the batch in nats; in a model with classes E[−log p(x | y)]."""
        return -self._log_prob(*self._check_pair(x, y)).mean()

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        y: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw n samples, of classes y or of any class: ``(n, *event_shape)``.

        Every standard deviation of the prior is multiplied by the temperature: p_M is that of 1.
        """
        check_number(temperature, "Glow.sample: temperature", low=1e-6)
        y = self._classes_of_samples(y, check_count(n, "Glow.sample"), generator)
        shape, like = (n, *self.event_shape), self.reference
        if isinstance(self.prior, ClassNormal):
            return self._decode(self.prior.sample(shape, like, generator, y, temperature))
        return self._decode(temperature * self.prior.sample(shape, like, generator))

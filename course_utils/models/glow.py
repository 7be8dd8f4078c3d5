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
from course_utils.models.glow_steps import ActNorm, InvertibleConv
from course_utils.taxonomy import ClassConditional


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

    Departures: a coupling scales by exp(s), s bounded by a tanh, so that it starts as the identity and can
    stretch as well as shrink (the authors' code: σ(s + 2), which only shrinks). No actnorms inside the
    networks, which are two layers deep. Dense networks, 2 scales and 4 steps suit 8×8 pixels (theirs: 3 to
    6 scales of 32 to 48 steps). Class means serve likelihood alone; theirs also a classifier's loss.

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
        ValueError: a setting is out of range, a squeeze cannot halve the height or width, x is not of this
            shape and support, or y are no classes.

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
        """Start every actnorm that has not been from a batch, one after the other; y does not matter.

        Raises:
            ValueError: x has the wrong shape, dtype, device or values.
        """
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
        """The exact log p(x), or log p(x | y) for classes y ``(B,)``, in nats: ``(B,)``.

        Raises:
            ValueError: x or y has the wrong shape, dtype, device or values.
        """
        return self._log_prob(self.check(x), self._check_classes(y, len(x)))

    def _log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        z, log_det = self._encode(x)
        prior = self.prior
        return (prior.log_prob(z, y) if isinstance(prior, ClassNormal) else prior.log_prob(z)) + log_det

    def class_log_probs(self, x: Tensor) -> Tensor:
        """log p(x | y) in nats for every class y: ``(B, *event_shape)`` to ``(B, K)``.

        Raises:
            ValueError: the model has no classes, or x has the wrong shape, dtype, device or values.
        """
        if not isinstance(self.prior, ClassNormal):
            raise ValueError("Glow.class_log_probs: expected a model with classes, such as classes=10")
        z, log_det = self._encode(self.check(x))
        return self.prior.by_class(z) + log_det[:, None]

    def loss(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """E[−log p(x)] over the batch in nats; in a model with classes E[−log p(x | y)].

        Raises:
            ValueError: x is no batch of the model, or y is not what it should be.
        """
        x = self.check(x)
        return -self._log_prob(x, self._check_classes(y, len(x), needed=True)).mean()

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        y: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw n samples, exactly from p_M at temperature 1: ``(n, *event_shape)``.

        Args:
            n: how many.
            y: classes ``(n,)`` of a model with classes; None: any class, all equally likely.
            temperature: every standard deviation of the prior is multiplied by it.
            generator: the random numbers to use (on the model's device); None: torch's own.

        Raises:
            ValueError: n is not a positive integer, temperature is not positive, or y or generator is not
                what it should be.
        """
        self._check_generator(generator)
        check_number(temperature, "Glow.sample: temperature", low=1e-6)
        y = self._classes_of_samples(y, check_count(n, "Glow.sample"), generator)
        shape, like = (n, *self.event_shape), self.reference
        if isinstance(self.prior, ClassNormal):
            return self._decode(self.prior.sample(shape, like, generator, y, temperature))
        return self._decode(temperature * self.prior.sample(shape, like, generator))

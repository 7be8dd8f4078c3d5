"""Glow: actnorm, learned permutations of the channels, affine couplings."""

import torch
from torch import Tensor

from course_utils.checks import check_count, check_events, check_number
from course_utils.models.couplings import (
    AffineCoupling,
    Shape,
    as_image,
    channel_mask,
    check_halvings,
    coupling_net,
)
from course_utils.models.flow_steps import (
    Chain,
    ClassNormal,
    FactorOut,
    Inverse,
    Normal,
    Reshape,
    Squeeze,
    Step,
    to_real,
)
from course_utils.models.glow_steps import ActNorm, InvertibleConv
from course_utils.taxonomy import Flow


class Glow(Flow):
    r"""Generative flow with invertible 1×1 convolutions.

    A step of flow is: actnorm (each channel shifted and scaled), a 1×1 convolution (the channels
    multiplied by one matrix W, a learned permutation), and an affine coupling of two halves of the
    channels that starts as the identity. Each scale squeezes 2×2 blocks into channels, takes K steps and
    factors half of the channels out; their prior N(μ(h), σ(h)²) depends on the half h that goes on, which
    is one affine coupling more, to standard normal. Then, with h, w the size at each step,

        log p(x) = log N(z; 0, I) + Σ over steps of (Σ s_coupling − h·w·Σ s_actnorm + h·w·log |det W|)
                   (+ the logit's log |det| on images).

    With classes the prior of z is N(μ_y, diag σ_y²), learned for every class y, and log p(x) is that of
    the mixture of the classes in equal parts. D. P. Kingma and P. Dhariwal, *Glow: Generative Flow with
    Invertible 1×1 Convolutions*, NeurIPS 2018.

    Args:
        event_shape: (C, H, W) for grey values in [0, 1], or (D,) for vectors of any real numbers.
        scales: how many (the paper's L); single pixels and vectors have one, without a squeeze.
        steps: steps of flow in each (the paper's K).
        hidden: width of the networks.
        depth: hidden layers of each (dense), or residual blocks (conv).
        net: "dense", best on small images and vectors, or "conv".
        classes: the number of classes; None: no classes.

    Shapes: x and z ``(B, *event_shape)``; labels int64 ``(B,)``; ``log_prob``, ``log_det`` ``(B,)`` in nats.

    Raises:
        ValueError: a setting is out of range, a squeeze cannot halve the height or width, x is not of this
            shape and support, or labels are no classes.

    >>> model = Glow((1, 4, 4), hidden=8, classes=10)
    >>> x = model.sample(3, labels=torch.tensor([7, 7, 7]))
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
        super().__init__(event_shape)
        check_count(scales, "Glow: scales")
        check_count(steps, "Glow: steps")
        self.support, enter = to_real(self.event_shape)
        shape = as_image(self.event_shape, "Glow")
        one_pixel = shape[1:] == (1, 1)
        check_halvings(shape, 0 if one_pixel else scales, "Glow")

        def coupling(shape: Shape, parity: int = 0) -> Step:
            return AffineCoupling(
                channel_mask(shape, parity), coupling_net(net, shape, 2, hidden, depth, "Glow")
            )

        def flow(shape: Shape) -> list[Step]:
            C = shape[0]
            return [s for _ in range(steps) for s in (ActNorm(C), InvertibleConv(C), coupling(shape))]

        def scale(shape: Shape, left: int) -> Step:
            C, H, W = 4 * shape[0], shape[1] // 2, shape[2] // 2
            inner = flow((C, H, W))
            if left > 1:
                inner += [coupling((C, H, W)), FactorOut(scale((C // 2, H, W), left - 1))]
            return Chain(Squeeze(), *inner, Inverse(Squeeze()))

        view = Reshape(self.event_shape, shape)
        inside = Chain(*flow(shape)) if one_pixel else scale(shape, scales)
        self.flow = Chain(enter, view, inside, Inverse(view))
        self.classes = None if classes is None else check_count(classes, "Glow: classes")
        self.prior = Normal() if classes is None else ClassNormal(self.event_shape, classes)

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.flow(x)

    def decode(self, z: Tensor) -> Tensor:
        """x = f⁻¹(z): ``(B, *event_shape)`` to the same.

        Raises:
            ValueError: z has the wrong shape, dtype or device, or is not finite.
        """
        z = check_events(z, self.event_shape, "real", like=self.reference, who="Glow.decode")
        return self.flow.inverse(z)

    def _log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self.flow(x)
        return self.prior.log_prob(z) + log_det

    def class_log_probs(self, x: Tensor) -> Tensor:
        """log p(x | y) in nats for every class y: ``(B, *event_shape)`` to ``(B, K)``.

        Raises:
            ValueError: the model has no classes, or x has the wrong shape, dtype, device or values.
        """
        if self.classes is None:
            raise ValueError("Glow.class_log_probs: expected a model with classes, such as classes=10")
        z, log_det = self.flow(self.check(x))
        return self.prior.by_class(z) + log_det[:, None]

    def loss(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """E[−log p(x | labels)] over the batch in nats; without labels E[−log p(x)].

        Raises:
            ValueError: x is no batch of the model, or labels are no classes.
        """
        if labels is None:
            return super().loss(x)
        by_class = self.class_log_probs(x)
        return -by_class.gather(1, self.check_labels(labels, len(x))[:, None]).mean()

    def check_labels(self, labels: Tensor, n: int) -> Tensor:
        """Return labels if they are n classes of the model.

        Raises:
            ValueError: they are not, or the model has no classes.
        """
        expected = f"Glow: expected labels as an int64 tensor ({n},) of classes below {self.classes}"
        if self.classes is None:
            raise ValueError("Glow: expected no labels: this model has no classes")
        if not isinstance(labels, Tensor) or labels.dtype != torch.int64 or labels.shape != (n,):
            came = f"{labels.dtype} {tuple(labels.shape)}" if isinstance(labels, Tensor) else repr(labels)
            raise ValueError(f"{expected}, got {came}")
        if not bool(((labels >= 0) & (labels < self.classes)).all()):
            raise ValueError(f"{expected}, got one of {labels.min()} to {labels.max()}")
        return labels

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        temperature: float = 1.0,
        labels: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw n samples, exactly from p_M at temperature 1: ``(n, *event_shape)``.

        Args:
            n: how many.
            temperature: every standard deviation of the prior is multiplied by it; 0 gives the middle.
            labels: the class of each, int64 ``(n,)``; None: from all classes in equal parts.
            generator: the random numbers to use (on the model's device).

        Raises:
            ValueError: n is not a positive integer, temperature is negative, or labels are no classes.
        """
        check_count(n, "Glow.sample")
        check_number(temperature, "Glow.sample: temperature", low=0)
        if labels is not None:
            labels = self.check_labels(labels, n).to(self.reference.device)
        return self._sample(n, generator, temperature, labels)

    def _sample(
        self,
        n: int,
        generator: torch.Generator | None,
        temperature: float = 1.0,
        labels: Tensor | None = None,
    ) -> Tensor:
        shape, like = (n, *self.event_shape), self.reference
        if self.classes is None:
            return self.decode(temperature * self.prior.sample(shape, like, generator))
        return self.decode(self.prior.sample(shape, like, generator, labels, temperature))

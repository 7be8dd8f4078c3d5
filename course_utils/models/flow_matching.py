"""Flow matching: FFJORD's ODE, learned by regression instead of by likelihood."""

from collections.abc import Callable
from math import prod
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from course_utils.checks import check_count, check_events, check_number, check_sizes
from course_utils.models.ffjord import FFJORD, hollow
from course_utils.nets.ode import Time
from course_utils.nets.timed import GROUPS, TimedUNet, TimedVelocity
from course_utils.taxonomy import ClassConditional

Traced = tuple[Tensor, Tensor]


class FlowMatching(ClassConditional, FFJORD):
    r"""A continuous flow that is told where to go: noise x₀ and data x₁ are joined by a straight line.

        x_t = (1 − t) x₀ + t x₁,    loss(θ) = E ½ ‖v_θ(t, x_t) − (x₁ − x₀)‖²,    x₀ ∼ N(0, I), t ∼ U(0, 1).

    Many lines cross at a point. The best v is the mean direction of those that do, E[x₁ − x₀ | x_t], and the
    ODE dx/dt = v(t, x) carries N(0, I) to p_D: at every time its points are distributed as x_t is. No ODE is
    solved in training. The likelihood is FFJORD's, by the same ODE and the exact trace. Y. Lipman, R. Chen,
    H. Ben-Hamu, M. Nickel and M. Le, *Flow Matching for Generative Modeling*, ICLR 2023; X. Liu, C. Gong and
    Q. Liu, *Flow Straight and Fast*, ICLR 2023.

    With ``classes`` the velocity is told the class y, and now and then, while it learns, none. The difference
    of the two points to what is typical of y, and ``guidance`` w goes further that way (J. Ho and T.
    Salimans, *Classifier-Free Diffusion Guidance*, 2022):

        v = v(t, x, y) + w (v(t, x, y) − v(t, x)).

    Departure: times of a batch are spread evenly, which leaves the loss unbiased, and lowers its variance.

    Args:
        event_shape: (C, H, W) for grey values in [0, 1], or (D,) for vectors of any real numbers.
        network: "dense" (see `TimedVelocity`) or, for images, "hollow" (see `HollowVelocity`), whose exact
            trace is cheap; or "convolutional" (see `TimedUNet`), where it takes D vector-Jacobian products.
        hidden: the width of layers, or the channels at each size; None: 512, 48, or (24, 40, 64).
        patch: p×p pixels are one place of a convolutional network: what large images need.
        preconditioned: the convolutional network learns what is not Gaussian in the data (see `TimedUNet`).
        dropout: of dense layers.
        classes: the number of classes y; None: no classes.
        guidance: w, of samples and of the density alike, which is that of the guided flow. May be set later.
        solver, steps, tolerance: from noise to data and back (see `Solver`). May be set later: ``solver``.
        alpha: of the logit that images pass (see `Logit`).

    Shapes: x and z ``(B, *event_shape)``, y ``(B,)``; ``log_prob`` ``(B,)`` in nats. ``loss`` is the negative
    log-likelihood of a unit Gaussian around v in nats, up to a constant: no likelihood of x.

    Raises:
        ValueError: a setting is out of range, or x not of this shape and support.

    >>> model = FlowMatching((2,), hidden=8)
    >>> x = model.sample(3)
    >>> model.loss(x).shape, model.log_prob(x).shape, model.nfe
    (torch.Size([]), torch.Size([3]), 32)
    """

    title = "Flow matching"
    about = "an ODE learned by regression (2023)"
    on_tree: ClassVar[bool] = False
    descends_from: ClassVar[type] = FFJORD
    fit_defaults = {"lr": 2e-3, "epochs": 150, "batch_size": 200, "clip": 50.0, "average": 0.995}
    fit_defaults |= {"schedule": "cosine"}
    unasked = 0.15  # the share of examples whose class is kept back in training

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        network: str = "dense",
        hidden: int | tuple[int, ...] | None = None,
        patch: int = 1,
        preconditioned: bool = False,
        dropout: float = 0.0,
        classes: int | None = None,
        guidance: float = 0.0,
        solver: str = "rk4",
        steps: int = 8,
        tolerance: float = 1e-5,
        alpha: float = 0.01,
    ) -> None:
        super().__init__(
            event_shape,
            dynamics=velocity(event_shape, network, hidden, patch, preconditioned, dropout, classes, alpha),
            solver=solver,
            steps=steps,
            tolerance=tolerance,
            alpha=alpha,
        )
        self.classes = classes
        self.guidance = check_number(guidance, "FlowMatching: guidance")

    def loss(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """E ½ ‖v(t, x_t) − (x₁ − x₀)‖² over the batch, summed over dimensions."""
        x, y = self._check_pair(x, y)
        data = self.enter(x)[0].flatten(1)
        noise, t = torch.randn_like(data), spread_times(data)
        if y is not None and self.training:
            y = y.masked_fill(torch.rand_like(t) < self.unasked, cast(int, self.classes))
        here = torch.lerp(noise, data, t[:, None])
        v = self.dynamics(t, here) if y is None else self.dynamics(t, here, y)
        return 0.5 * (v - (data - noise)).square().sum(1).mean()

    def log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The exact log p(x), or log p(x | y), in nats; with classes and no y the mixture's: ``(B,)``."""
        x = self.check(x)
        y = self._check_classes(y, len(x))
        return self._over_classes(lambda y: self._log_prob(x, y), len(x), y)

    def _log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        z, log_det = self._encode(x, y=y)
        return self.prior.log_prob(z) + log_det

    def encode(self, x: Tensor, y: Tensor | None = None) -> Traced:
        """z at time 0 of the flow through x, of class y, and log |det ∂z/∂x| as ``(B,)`` in nats."""
        x, y = self._check_pair(x, y)
        return self._encode(x, y=y)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """x at time 1 of the flow through z, of class y: ``(B, *event_shape)`` to the same."""
        z = check_events(z, self.event_shape, "real", like=self.reference, who="FlowMatching.decode")
        return self._decode(z, y=self._check_classes(y, len(z), needed=True))

    def way(self, z: Tensor, moments: int, y: Tensor | None = None) -> Tensor:
        """What z passes on its way to data of class y (see `FFJORD.way`)."""
        z = check_events(z, self.event_shape, "real", like=self.reference, who="FlowMatching.way")
        return super().way(z, moments, y=self._check_classes(y, len(z), needed=True))

    def _sample(self, n: int, generator: torch.Generator | None, y: Tensor | None = None) -> Tensor:
        return self._decode(self.prior.sample((n, *self.event_shape), self.reference, generator), y=y)

    def _velocity(self, t: Time, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self._guided(lambda y: (super(FlowMatching, self)._velocity(t, z, **asked(y)),), y)[0]

    def _exact(self, t: Time, z: Tensor, y: Tensor | None = None) -> Traced:
        f, trace = self._guided(lambda y: super(FlowMatching, self)._exact(t, z, **asked(y)), y)
        return f, trace

    def _guided(
        self, of: Callable[[Tensor | None], tuple[Tensor, ...]], y: Tensor | None
    ) -> tuple[Tensor, ...]:
        """What holds for y, and w times further from what holds for any class: velocity and trace alike."""
        if y is None or self.guidance == 0:
            return of(y)
        w, both = self.guidance, zip(of(y), of(None), strict=True)
        return tuple(own + w * (own - any_class) for own, any_class in both)


def asked(y: Tensor | None) -> dict[str, Tensor | None]:
    """The class as an argument of a velocity, which need not know any."""
    return {} if y is None else {"y": y}


def spread_times(like: Tensor) -> Tensor:
    """A time for each example, uniform on [0, 1], one in each of B equal parts: ``(B,)``.

    The mean over a batch varies less than with independent times. Their order means nothing, since that of
    the examples is random.
    """
    start = torch.rand(len(like), dtype=like.dtype, device=like.device)
    return (torch.arange(len(like), dtype=like.dtype, device=like.device) + start) / len(like)


def velocity(
    event_shape: tuple[int, ...],
    network: str,
    hidden: int | tuple[int, ...] | None,
    patch: int,
    preconditioned: bool,
    dropout: float,
    classes: int | None,
    alpha: float,
) -> nn.Module:
    """The network of a flow on this shape; a ValueError where there is none."""
    who = "FlowMatching"
    if classes is not None:
        check_count(classes, f"{who}: classes")
    check_count(patch, f"{who}: patch")
    if network == "convolutional" and len(event_shape) == 3:
        if event_shape[1] % patch or event_shape[2] % patch:
            want = "patch to divide height and width"
            raise ValueError(f"{who}: expected {want}, got {patch} on {event_shape}")
        widths = (24, 40, 64) if hidden is None else tuple(check_sizes(hidden, f"{who}: hidden", least=1))
        if any(width % GROUPS for width in widths):
            raise ValueError(f"{who}: expected hidden as multiples of {GROUPS}, got {hidden!r}")
        how = {"classes": classes, "patch": patch, "preconditioned": preconditioned}
        return TimedUNet(event_shape, widths=widths, **how)
    if network not in ("dense", "hollow"):
        want = "'dense' or, for images (C, H, W), 'hollow' or 'convolutional'"
        raise ValueError(f"{who}: expected network as {want}, got {network!r} on {event_shape}")
    usual = 512 if network == "dense" else 48
    width = check_count(usual if hidden is None else hidden, f"{who}: hidden")
    if network == "hollow":
        return hollow(event_shape, width, alpha, who, classes)
    rate = check_number(dropout, f"{who}: dropout", low=0, high=0.99)
    return TimedVelocity(prod(event_shape), hidden=width, dropout=rate, classes=classes)

"""FFJORD: a continuous normalising flow, an ordinary differential equation that carries noise to data."""

from collections.abc import Callable
from functools import partial
from math import log

import torch
from torch import Tensor, nn

from course_utils.checks import check_choice, check_count, check_events, check_number
from course_utils.models.flow_steps import Normal, to_real
from course_utils.nets.hollow import HollowVelocity
from course_utils.nets.ode import Field, Solver, Time
from course_utils.nets.velocity import Velocity, hutchinson, with_trace
from course_utils.taxonomy import Flow

Traced = Callable[[Time, Tensor], tuple[Tensor, Tensor]]


class FFJORD(Flow):
    r"""Free-form Jacobian of reversible dynamics: points flow, and their log-density with them.

    A network f says with which velocity a point moves. From time 0, where z ∼ N(0, I), to time 1, where
    it is data (or the logit of an image), point and log-density obey

        dz/dt = f(t, z),    d log p(z(t))/dt = −Tr ∂f/∂z.

    No coupling, no mask: f may be *any* smooth network, since only the trace of its Jacobian is needed.
    In training ``loss`` estimates it by Hutchinson's εᵀ(∂f/∂z)ε with one ε for the whole solve, which is
    unbiased, and backpropagates through every step of the solver. ``log_prob``, ``encode`` and, in eval
    mode, ``loss`` take the *exact* trace: the same x gives the same number, right up to the solver's
    error. T. Q. Chen et al., *Neural Ordinary Differential Equations*, NeurIPS 2018; W. Grathwohl et al.,
    *FFJORD: Free-form Continuous Dynamics for Scalable Reversible Generative Models*, ICLR 2019.

    Departure: equal steps in training, and no adjoint method, which saves memory.

    Args:
        event_shape: (C, H, W) for grey values in [0, 1], or (D,) for vectors of any real numbers.
        network: "dense" (see `Velocity`) or, for images, "hollow" (see `HollowVelocity`): the exact trace of
            both is cheap.
        hidden: width of the two hidden layers of f.
        dynamics: another network f(t, z), ``(B, D)`` to ``(B, D)``, one example not reading another; its
            exact trace takes D vector-Jacobian products unless it has a method ``with_trace``.
        trace: in training: "rademacher" or "gaussian" noise for Hutchinson's estimate, or "exact".
        solver: "rk4", "midpoint", "euler", or the adaptive "dopri5" (see `Solver`).
        steps: equal steps from noise to data, of every verb but ``loss`` in training.
        training_steps: equal steps of ``loss`` in training. Fewer cost less memory and time; too few, and
            training finds flows that so coarse a solver misjudges, as the held-out loss shows.
        tolerance: of "dopri5".
        alpha: of the logit that images pass (see `Logit`); 0.01 keeps black pixels near the rest.

    ``nfe`` is the number of evaluations of f in the last solve.

    Shapes: x and z ``(B, *event_shape)``; ``log_prob`` and ``log_det`` ``(B,)`` in nats.

    Raises:
        ValueError: a setting is out of range, or x not of this shape and support.

    >>> model = FFJORD((2,), hidden=8)
    >>> x = model.sample(3)
    >>> z, log_det = model.encode(x)
    >>> z.shape, bool((model.decode(z) - x).abs().max() < 1e-4), model.nfe
    (torch.Size([3, 2]), True, 32)
    """

    title = "FFJORD"
    about = "an ODE moves points, and density with them (2019)"
    fit_defaults = {"lr": 5e-3, "epochs": 60, "schedule": "cosine", "clip": 5.0}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        network: str = "dense",
        hidden: int = 128,
        dynamics: nn.Module | None = None,
        trace: str = "rademacher",
        solver: str = "rk4",
        steps: int = 8,
        training_steps: int = 2,
        tolerance: float = 1e-5,
        alpha: float = 0.01,
    ) -> None:
        super().__init__(event_shape)
        check_choice(trace, "FFJORD: trace", ("rademacher", "gaussian", "exact"))
        if dynamics is not None and not isinstance(dynamics, nn.Module):
            raise ValueError(f"FFJORD: expected dynamics as a module f(t, z), got {type(dynamics).__name__}")
        self.support, self.enter = to_real(self.event_shape, alpha)
        check_count(hidden, "FFJORD: hidden")
        check_choice(network, "FFJORD: network", ("dense", "hollow"))
        if dynamics is None and network == "hollow":
            dynamics = hollow(event_shape, hidden, alpha, "FFJORD")
        self.dynamics = Velocity(self.dims, hidden=hidden) if dynamics is None else dynamics
        self.trace, self.prior, self.nfe = trace, Normal(), 0
        self.solver = Solver(solver, steps=steps, tolerance=tolerance)
        self.training_solver = Solver(solver, steps=training_steps, tolerance=tolerance)

    def transport(
        self, z: Tensor, start: float, end: float, **condition: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Points carried from one time of the flow, 0 for noise and 1 for data, to another: the exact trace.

        With them comes log |det ∂z(end)/∂z(start)|, ``(B,)`` in nats: the density at time t is p_t(z) =
        p_0(z(0)) · exp(log_det) with z(0) and log_det from ``transport(z, t, 0)``. Images stand here behind
        the logit, on the whole line. The condition is what a conditional flow takes.
        """
        check_events(z, self.event_shape, "real", like=self.reference, who="FFJORD.transport")
        for time in (start, end):
            check_number(time, "FFJORD.transport: time", low=0, high=1)
        return self._solve(z, start, end, partial(self._exact, **condition), self.solver)

    @torch.no_grad()
    def way(self, z: Tensor, moments: int, **condition: Tensor | None) -> Tensor:
        """What z passes on its way to data, behind the logit for images, at equal times: one step of the
        solver from each moment to the next, and no density. ``(moments + 1, B, *event_shape)``.
        """
        who = f"{type(self).__name__}.way"
        z = check_events(z, self.event_shape, "real", like=self.reference, who=who)
        k, points = check_count(moments, f"{who}: moments"), [z.flatten(1)]
        step = Solver(self.solver.method, steps=1, tolerance=self.solver.tolerance)
        for i in range(k):
            points += step(self._field(**condition), (points[-1],), i / k, (i + 1) / k)
        return torch.stack(points).view(k + 1, *z.shape)

    def _solve(
        self, z: Tensor, start: float, end: float, traced: Traced, solver: Solver
    ) -> tuple[Tensor, Tensor]:
        state = (z.flatten(1), z.new_zeros(len(z)))
        moved, log_det = solver(lambda t, state: traced(t, state[0]), state, start, end)
        self.nfe = solver.nfe
        return moved.view_as(z), log_det

    def _field(self, **condition: Tensor | None) -> Field:
        """The velocity as what a solver takes, without a density."""
        return lambda t, state: (self._velocity(t, state[0], **condition),)

    def _velocity(self, t: Time, z: Tensor, **condition: Tensor | None) -> Tensor:
        return self.dynamics(t, z, **condition)

    def _exact(self, t: Time, z: Tensor, **condition: Tensor | None) -> tuple[Tensor, Tensor]:
        own = getattr(self.dynamics, "with_trace", None)
        if own is not None:
            return own(t, z, **condition)
        return with_trace(lambda z: self.dynamics(t, z, **condition), z)

    def noise(self, z: Tensor) -> Tensor:
        """ε for Hutchinson's estimate, in the shape of z: signs ±1, or standard normal numbers."""
        normal = torch.randn_like(z)
        return normal if self.trace == "gaussian" else torch.where(normal < 0, -1.0, 1.0).to(z)

    def loss(self, x: Tensor) -> Tensor:
        """E_x[−log p(x)] in nats; in training an unbiased estimate of it (see the class)."""
        if not self.training:
            return super().loss(x)
        y, log_det = self.enter(self.check(x))
        traced = self._exact
        if self.trace != "exact":
            noise = self.noise(y.flatten(1))  # one for the whole solve: the field must not jump

            def traced(t: Time, z: Tensor) -> tuple[Tensor, Tensor]:
                return hutchinson(partial(self.dynamics, t), z, noise)

        z, change = self._solve(y, 1.0, 0.0, traced, self.training_solver)
        return -(self.prior.log_prob(z) + change + log_det).mean()

    def _encode(self, x: Tensor, **condition: Tensor | None) -> tuple[Tensor, Tensor]:
        data, log_det = self.enter(x)
        z, change = self._solve(data, 1.0, 0.0, partial(self._exact, **condition), self.solver)
        return z, log_det + change

    def _decode(self, z: Tensor, **condition: Tensor | None) -> Tensor:
        (y,) = self.solver(self._field(**condition), (z.flatten(1),), 0.0, 1.0)
        self.nfe = self.solver.nfe
        return self.enter.inverse(y.view_as(z))


def hollow(
    event_shape: tuple[int, ...], width: int, alpha: float, who: str, classes: int | None = None
) -> HollowVelocity:
    """A velocity of images behind their logit, which reads them in units of half of its range."""
    p = HollowVelocity.block
    if len(event_shape) != 3 or event_shape[1] % p or event_shape[2] % p:
        want = f"images whose sides are multiples of {p} for network 'hollow'"
        raise ValueError(f"{who}: expected {want}, got {event_shape}")
    check_number(alpha, f"{who}: alpha", low=1e-9, high=0.49)
    return HollowVelocity(event_shape, width=width, scale=log(1 / alpha - 1) / 2, classes=classes)

"""Solvers of dy/dt = f(t, y): explicit Runge–Kutta methods with fixed steps, and an adaptive one."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.checks import check_choice, check_count, check_number

State = tuple[Tensor, ...]
Time = float | Tensor
Field = Callable[[Time, State], State]


def moved(y: State, slope: State, h: float) -> State:
    """y + h·slope."""
    return tuple(torch.add(part, k, alpha=h) for part, k in zip(y, slope, strict=True))


def euler(f: Field, t: float, y: State, h: float) -> State:
    """One step of length h along the slope at its start: order 1."""
    return moved(y, f(t, y), h)


def midpoint(f: Field, t: float, y: State, h: float) -> State:
    """One step of length h along the slope half-way, which an Euler step finds: order 2."""
    return moved(y, f(t + h / 2, euler(f, t, y, h / 2)), h)


def rk4(f: Field, t: float, y: State, h: float) -> State:
    """One step of length h by the classic method of Runge and Kutta, four slopes mixed 1:2:2:1: order 4."""
    k1 = f(t, y)
    k2 = f(t + h / 2, moved(y, k1, h / 2))
    k3 = f(t + h / 2, moved(y, k2, h / 2))
    k4 = f(t + h, moved(y, k3, h))
    for slope, weight in ((k1, 1 / 6), (k2, 1 / 3), (k3, 1 / 3), (k4, 1 / 6)):
        y = moved(y, slope, h * weight)
    return y


FIXED = {"euler": euler, "midpoint": midpoint, "rk4": rk4}
ADAPTIVE = "dopri5"


class Solver:
    """Carries y from one time to another along dy/dt = f(t, y).

    "euler", "midpoint" and "rk4" take equal steps; the gradient flows back through every one of them.
    "dopri5" is the adaptive method of order 5 (Dormand & Prince 1980) of torchdiffeq: it chooses its
    steps such that the estimated error *of the whole batch* stays below ``tolerance``, relative and
    absolute, so that an example's result depends, within the tolerance, on the batch it stands in.

    Attributes:
        nfe: the number of evaluations of f in the last solve: what time and memory grow with.

    Raises:
        ValueError: another method, steps not a positive integer, or a tolerance out of [1e-14, 1].

    >>> solver = Solver("rk4", steps=10)
    >>> (y,) = solver(lambda t, y: (y[0],), (torch.ones(1).double(),), 0.0, 1.0)  # dy/dt = y
    >>> bool((y - torch.e).abs() < 1e-5), solver.nfe
    (True, 40)
    """

    def __init__(self, method: str = "rk4", *, steps: int = 8, tolerance: float = 1e-5) -> None:
        check_choice(method, "Solver: method", (*FIXED, ADAPTIVE))
        self.method = method
        self.steps = check_count(steps, "Solver: steps")
        self.tolerance = check_number(tolerance, "Solver: tolerance", low=1e-14, high=1)
        self.nfe = 0

    def __call__(self, field: Field, state: State, start: float, end: float) -> State:
        """The state at time ``end`` that was ``state`` at time ``start``; time may run backwards."""
        self.nfe = 0

        def counted(t: Time, y: State) -> State:
            self.nfe += 1
            return field(t, y)

        if start == end:
            return state
        if self.method == ADAPTIVE:
            from torchdiffeq import odeint  # with SciPy behind it: only who asks for it waits

            times = torch.tensor([start, end], dtype=state[0].dtype, device=state[0].device)
            path = odeint(counted, state, times, rtol=self.tolerance, atol=self.tolerance, method=ADAPTIVE)
            return tuple(part[-1] for part in path)
        step, h = FIXED[self.method], (end - start) / self.steps
        for i in range(self.steps):
            state = step(counted, start + i * h, state, h)
        return state

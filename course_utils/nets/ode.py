"""Solvers of dy/dt = f(t, y): explicit Runge–Kutta methods with fixed steps, and an adaptive one."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.checks import check_count, check_number

State = tuple[Tensor, ...]
Time = float | Tensor
Field = Callable[[Time, State], State]


@dataclass(frozen=True)
class Tableau:
    """An explicit Runge–Kutta method (Butcher 1964).

        k_i = f(t + c_i h, y + h Σ_{j<i} a_ij k_j),   y(t + h) ≈ y + h Σ_i b_i k_i.

    Attributes:
        nodes: c, where in the step each slope is taken.
        rows: a, how each of them is reached.
        weights: b, how the slopes are mixed.
        order: p; the error over a fixed time is proportional to h^p.
    """

    nodes: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]
    order: int


TABLEAUS: dict[str, Tableau] = {
    "euler": Tableau((0,), ((),), (1,), 1),
    "midpoint": Tableau((0, 1 / 2), ((), (1 / 2,)), (0, 1), 2),
    "rk4": Tableau(
        (0, 1 / 2, 1 / 2, 1), ((), (1 / 2,), (0, 1 / 2), (0, 0, 1)), (1 / 6, 1 / 3, 1 / 3, 1 / 6), 4
    ),
}
ADAPTIVE = "dopri5"
METHODS = (*TABLEAUS, ADAPTIVE)


class Solver:
    """Carries y from one time to another along dy/dt = f(t, y).

    "euler", "midpoint" and "rk4" take equal steps; the gradient flows back through every one of them.
    "dopri5" is the adaptive method of order 5 (Dormand & Prince 1980) of torchdiffeq: it chooses its
    steps such that the estimated error *of the whole batch* stays below ``tolerance``, relative and
    absolute, so that an example's result depends, within the tolerance, on the batch it stands in.

    Args:
        method: "euler", "midpoint", "rk4" or "dopri5".
        steps: how many equal steps; "dopri5" does not use it.
        tolerance: of "dopri5" alone.

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
        if method not in METHODS:
            raise ValueError(f"Solver: expected one of {', '.join(METHODS)}, got {method!r}")
        self.method = method
        self.steps = check_count(steps, "Solver: steps")
        self.tolerance = check_number(tolerance, "Solver: tolerance", low=1e-14, high=1)
        self.nfe = 0

    def __repr__(self) -> str:
        how = f"tolerance={self.tolerance:g}" if self.method == ADAPTIVE else f"steps={self.steps}"
        return f"Solver({self.method!r}, {how})"

    def __call__(self, field: Field, state: State, start: float, end: float) -> State:
        """The state at time ``end`` that was ``state`` at time ``start``; time may run backwards.

        Args:
            field: f(t, y): a time and a tuple of tensors to a tuple of the same shapes.
            state: y at ``start``, a tuple of tensors.
            start, end: the two times; where they are equal nothing moves.
        """
        self.nfe = 0

        def counted(t: Time, y: State) -> State:
            self.nfe += 1
            return field(t, y)

        if start == end:
            return state
        if self.method == ADAPTIVE:
            return self._adaptive(counted, state, start, end)
        tableau, h = TABLEAUS[self.method], (end - start) / self.steps
        for i in range(self.steps):
            state = runge_kutta_step(counted, start + i * h, state, h, tableau)
        return state

    def _adaptive(self, field: Field, state: State, start: float, end: float) -> State:
        from torchdiffeq import odeint  # with SciPy behind it: only who asks for it waits

        times = torch.tensor([start, end], dtype=state[0].dtype, device=state[0].device)
        path = odeint(field, state, times, rtol=self.tolerance, atol=self.tolerance, method=ADAPTIVE)
        return tuple(part[-1] for part in path)


def runge_kutta_step(field: Field, t: float, state: State, h: float, tableau: Tableau) -> State:
    """One step of length h from time t.

    >>> decay = lambda t, y: (-y[0],)
    >>> runge_kutta_step(decay, 0.0, (torch.ones(1),), 0.5, TABLEAUS["euler"])
    (tensor([0.5000]),)
    """
    slopes: list[State] = []
    for node, row in zip(tableau.nodes, tableau.rows, strict=True):
        slopes.append(field(t + node * h, _along(state, slopes, row, h)))
    return _along(state, slopes, tableau.weights, h)


def _along(state: State, slopes: list[State], weights: tuple[float, ...], h: float) -> State:
    """y + h Σ_i w_i k_i."""
    for weight, slope in zip(weights, slopes, strict=True):
        if weight:
            state = tuple(torch.add(y, k, alpha=h * weight) for y, k in zip(state, slope, strict=True))
    return state

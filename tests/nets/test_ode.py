"""Solvers against exact solutions and order conditions; traces against all sign vectors and autograd."""

from functools import partial
from math import exp, log2, sin

import pytest
import torch
from pixels import pushed

from course_utils.nets import velocity
from course_utils.nets.ode import ADAPTIVE, FIXED, Solver
from course_utils.nets.velocity import Velocity, hutchinson, with_trace
from course_utils.universe import all_images

ORDER = {"euler": 1, "midpoint": 2, "rk4": 4}


def wave(t, y):
    """dy/dt = y cos t, so that y(t) = y(0) exp(sin t)."""
    return (y[0] * torch.cos(torch.as_tensor(t, dtype=torch.double)),)


def error(method: str, steps: int) -> float:
    (y,) = Solver(method, steps=steps)(wave, (torch.ones(1).double(),), 0.0, 2.0)
    return abs(y.item() - exp(sin(2)))


@pytest.mark.parametrize("method", FIXED)
def test_the_error_falls_with_the_order_of_the_method(method):
    """B10: halving the step divides the error by 2^p: 2 for Euler, 4 for midpoint, 16 for RK4."""
    slope = log2(error(method, 64) / error(method, 128))
    assert slope == pytest.approx(ORDER[method], abs=0.1)


@pytest.mark.parametrize("method", [*FIXED, ADAPTIVE])
def test_evaluations_are_counted_afresh_in_every_solve(method):
    calls = []

    def field(t, y):
        calls.append(float(t))
        return (y[0] * t,)

    solver = Solver(method, steps=5, tolerance=1e-4)
    for _ in range(2):
        calls.clear()
        solver(field, (torch.ones(3).double(),), 0.0, 1.0)
        assert solver.nfe == len(calls)
        assert method == ADAPTIVE or solver.nfe == 5 * ORDER[method]  # a slope an order
    (still,) = solver(field, (torch.ones(3),), 0.5, 0.5)
    assert solver.nfe == 0 and torch.equal(still, torch.ones(3))


@pytest.mark.parametrize("method", [*FIXED, ADAPTIVE])
def test_time_runs_backwards_too(method):
    """∫ from 1 to 0 of 2t dt = −1; and there and back is the identity up to the error."""
    solver = Solver(method, steps=400, tolerance=1e-10)
    (y,) = solver(lambda t, y: (torch.ones_like(y[0]) * 2 * t,), (torch.zeros(1).double(),), 1.0, 0.0)
    assert y.item() == pytest.approx(-1, abs=0.003 if method == "euler" else 1e-6)
    start = torch.linspace(-2, 2, 5).double()
    (back,) = solver(wave, solver(wave, (start,), 0.0, 1.5), 1.5, 0.0)
    assert (back - start).abs().max() < (0.05 if method == "euler" else 1e-4)


def test_a_linear_equation_against_the_matrix_exponential():
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(4, 4, generator=generator, dtype=torch.double)
    y = torch.randn(3, 4, generator=generator, dtype=torch.double, requires_grad=True)
    for solver in (Solver("rk4", steps=200), Solver(ADAPTIVE, tolerance=1e-10)):
        (end,) = solver(lambda t, y: (y[0] @ A.T,), (y,), 0.0, 1.0)
        torch.testing.assert_close(end, y @ torch.matrix_exp(A).T, rtol=0, atol=1e-7)
        (gradient,) = torch.autograd.grad(end[:, 0].sum(), y)
        through = torch.matrix_exp(A)[0].expand(3, -1)  # every step
        torch.testing.assert_close(gradient, through, rtol=0, atol=1e-7)


def test_fixed_steps_against_adaptive_ones_and_the_price_of_tolerance():
    """Two tensors in one state, a field that depends on time and couples them."""

    def field(t, y):
        return y[1], -y[0] * (1 + t)

    state = (torch.ones(2).double(), torch.zeros(2).double())
    fine = Solver("rk4", steps=500)(field, state, 0.0, 3.0)
    before = None
    for tolerance in (1e-3, 1e-6, 1e-9):
        solver = Solver(ADAPTIVE, tolerance=tolerance)
        found = solver(field, state, 0.0, 3.0)
        off = max((a - b).abs().max().item() for a, b in zip(found, fine, strict=True))
        assert off < 100 * tolerance
        assert before is None or (solver.nfe > before[0] and off < before[1])
        before = solver.nfe, off


@pytest.mark.parametrize(
    "bad", [{"method": "rk5"}, {"steps": 0}, {"steps": 2.0}, {"tolerance": 0}, {"tolerance": "1e-5"}]
)
def test_bad_settings_are_named(bad):
    with pytest.raises(ValueError, match="Solver"):
        Solver(**bad)


def network(dims: int = 6, hidden: int = 9) -> Velocity:
    """Random weights, in float64, none of them zero."""
    torch.manual_seed(0)
    return pushed(Velocity(dims, hidden=hidden), 0.6, seed=None)


def jacobians(net: Velocity, t: float, z: torch.Tensor) -> torch.Tensor:
    return torch.stack([torch.autograd.functional.jacobian(lambda p: net(t, p[None])[0], one) for one in z])


@pytest.mark.parametrize("dims", [1, 6, velocity.CHUNK + 3])
def test_exact_traces_are_the_trace_of_the_jacobian(dims):
    """By the bilinear form and by D vector-Jacobian products, also across the chunks."""
    net, z = network(dims), torch.randn(3, dims, dtype=torch.double)
    due = jacobians(net, 0.7, z).diagonal(dim1=1, dim2=2).sum(1)
    for f, trace in (net.with_trace(0.7, z), with_trace(partial(net, 0.7), z)):
        torch.testing.assert_close(trace, due, rtol=0, atol=1e-12)
        torch.testing.assert_close(f, net(0.7, z), rtol=0, atol=1e-13)


def test_a_narrow_net_leaves_directions_as_they_are():
    """The rank of the Jacobian is the width at most, so that some directions neither shrink nor grow."""
    net, z = network(hidden=2), torch.randn(1, 6, dtype=torch.double)
    assert torch.linalg.matrix_rank(jacobians(net, 0.4, z)[0]) == 2


def test_gradients_of_all_traces_agree():
    net, z = network(3), torch.randn(2, 3, dtype=torch.double)
    signs = (2 * all_images(1, 3) - 1).double().view(8, 1, 3)
    traces = [
        net.with_trace(0.2, z)[1],
        with_trace(partial(net, 0.2), z)[1],
        torch.stack([hutchinson(partial(net, 0.2), z, s.expand_as(z))[1] for s in signs]).mean(0),
    ]
    weights = [layer.weight for layer in net.layers]
    first, *others = (torch.autograd.grad(trace.sum(), weights) for trace in traces)
    for other in others:
        for g, w in zip(first, other, strict=True):
            torch.testing.assert_close(g, w, rtol=0, atol=1e-12)


def test_the_velocity_depends_on_time_in_every_layer():
    net, z = network(), torch.randn(2, 6, dtype=torch.double)
    for clock in net.clocks:
        kept = clock.detach().clone()
        change = (net(0.0, z) - net(1.0, z)).abs().max()
        clock.data.zero_()
        assert (change - (net(0.0, z) - net(1.0, z)).abs().max()).abs() > 1e-3
        clock.data.copy_(kept)


def test_the_mean_over_all_sign_vectors_is_exactly_the_trace():
    """B10: 2^D Rademacher vectors; and their variance is 2 Σ_{i≠j} S_ij², S the symmetric part."""
    net, z = network(), torch.randn(1, 6, dtype=torch.double)
    signs = (2 * all_images(1, 6) - 1).double().view(64, 6)
    _, estimates = hutchinson(partial(net, 0.3), z.expand(64, -1), signs)
    jacobian = jacobians(net, 0.3, z)[0]
    symmetric = (jacobian + jacobian.T) / 2
    off = symmetric - symmetric.diag().diag()
    assert estimates.mean().item() == pytest.approx(jacobian.trace().item(), abs=1e-12)
    assert estimates.var(correction=0).item() == pytest.approx(2 * off.square().sum().item(), abs=1e-12)


def test_an_untrained_velocity_is_zero():
    assert Velocity(3)(0.5, torch.randn(2, 3)).abs().max() == 0

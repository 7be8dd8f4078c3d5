"""FFJORD against closed forms: linear flows, autograd Jacobians, quadrature, all sign vectors."""

from functools import partial

import pytest
import torch
from pixels import multiplications, random_model

from course_utils.models.ffjord import FFJORD
from course_utils.nets.velocity import hutchinson
from course_utils.universe import all_images

SHAPES = [(2,), (1, 3, 3)]


class Linear(torch.nn.Module):
    """f(t, z) = (1 + t) A z: matrices that commute over time, so that the flow is a matrix exponential."""

    def __init__(self, A: torch.Tensor) -> None:
        super().__init__()
        self.A = torch.nn.Parameter(A)

    def forward(self, t, z):
        return (1 + t) * z @ self.A.T


def flow(shape=(2,), **settings) -> FFJORD:
    """A flow with random weights in float64, far from the identity."""
    return random_model(FFJORD, shape, 0.4, **{"hidden": 10, "steps": 40, **settings})


def events(model: FFJORD, n: int = 4) -> torch.Tensor:
    """A batch the model lives on."""
    draw = torch.randn if model.support == "real" else torch.rand
    return draw(n, *model.event_shape, dtype=torch.double)


@pytest.mark.slow
def test_a_linear_flow_against_the_matrix_exponential():
    """B10: z = exp(−1.5 A) x, log-det = −∫ Tr (1 + t) A dt = −1.5 Tr A, and x is Gaussian."""
    A = 0.5 * torch.randn(3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    model = FFJORD((3,), dynamics=Linear(A), steps=200).double()
    x = events(model)
    z, log_det = model.encode(x)
    torch.testing.assert_close(z, x @ torch.matrix_exp(-1.5 * A).T, rtol=0, atol=1e-8)
    torch.testing.assert_close(log_det, torch.full((4,), -1.5 * A.trace().item()).double(), rtol=0, atol=1e-8)
    root = torch.matrix_exp(1.5 * A)
    distribution = torch.distributions.MultivariateNormal(torch.zeros(3).double(), root @ root.T)
    torch.testing.assert_close(model.log_prob(x), distribution.log_prob(x), rtol=0, atol=1e-7)
    torch.testing.assert_close(model.decode(z), x, rtol=0, atol=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
def test_decoding_undoes_encoding_up_to_the_solver(shape):
    worst = []
    for steps in (20, 40):
        model = flow(shape, steps=steps)
        x = events(model)
        worst.append((model.decode(model.encode(x)[0]) - x).abs().max().item())
    assert worst[1] < 1e-5 and worst[0] / worst[1] > 8
    exact = flow(shape, solver="dopri5", tolerance=1e-10)
    x = events(exact)
    assert (exact.decode(exact.encode(x)[0]) - x).abs().max() < 1e-7
    assert (exact.encode(x)[0] - x).abs().max() > 0.1  # and it does move


def test_the_mean_loss_over_all_sign_vectors_is_the_exact_loss():
    """B10 through the whole solve: with one ε per solve the estimate is linear in ε εᵀ."""
    model, exact = flow((1, 2, 2)).train(), flow((1, 2, 2), trace="exact").train()
    x = events(model, 2)
    losses = []
    for signs in (2 * all_images(1, 4) - 1).double().view(16, 4):
        model.noise = lambda z, signs=signs: signs.expand_as(z)
        losses.append(model.loss(x))
    assert torch.stack(losses).mean().item() == pytest.approx(exact.loss(x).item(), abs=1e-12)
    assert max(losses) - min(losses) > 0.01


@pytest.mark.parametrize("trace", ["rademacher", "gaussian"])
def test_one_noise_serves_the_whole_solve(trace):
    """The loss against Euler steps written out, with the noise that the model drew."""
    model = flow((3,), trace=trace, solver="euler", training_steps=3).train()
    y, x = (events(model),) * 2
    torch.manual_seed(5)
    noise = model.noise(x)
    change = torch.zeros(4).double()
    for t in (1.0, 2 / 3, 1 / 3):
        f, trace_now = hutchinson(partial(model.dynamics, t), y, noise)
        y, change = y - f / 3, change - trace_now / 3
    due = -(model.prior.log_prob(y) + change).mean()
    torch.manual_seed(5)
    assert model.loss(x).item() == pytest.approx(due.item(), abs=1e-12)
    assert model.nfe == 3
    drawn = model.noise(torch.zeros(50_000, 2).double())
    kurtosis = {"rademacher": 1, "gaussian": 3}[trace]  # E ε⁴
    assert drawn.pow(4).mean().item() == pytest.approx(kurtosis, abs=0.15)
    assert abs(drawn.mean().item()) < 0.02 and drawn.var().item() == pytest.approx(1, abs=0.02)


def test_log_prob_is_exact_and_the_same_in_training():
    model = flow((1, 2, 2))
    x = events(model)
    first = model.log_prob(x)
    torch.testing.assert_close(model.loss(x), -first.mean())
    model.train()
    torch.testing.assert_close(model.log_prob(x), first)
    assert model.loss(x).item() != model.loss(x).item()  # an estimate: new noise, new number
    exact = flow((1, 2, 2), trace="exact", training_steps=model.solver.steps).train()
    assert exact.loss(x).item() == pytest.approx(-first.mean().item(), abs=1e-12)


def test_evaluations_are_reported():
    stages, model = 2, flow(solver="midpoint", steps=6, training_steps=3)
    calls = []
    model.dynamics.register_forward_hook(lambda *_: calls.append(1))
    model.sample(2)
    assert model.nfe == len(calls) == 6 * stages
    model.log_prob(events(model))
    assert model.nfe == 6 * stages
    calls.clear()
    model.train().loss(events(model))
    assert model.nfe == len(calls) == 3 * stages


def test_an_exact_log_prob_costs_no_more_than_two_samples():
    """Of 64 dimensions, counted in multiplications: the trace needs no D vector-Jacobian products."""
    model = FFJORD((1, 8, 8))
    x = torch.rand(300, 1, 8, 8)
    assert multiplications(lambda: model.log_prob(x)) < 2 * multiplications(lambda: model.decode(x))


def test_transport_composes_and_gives_the_density_at_every_time():
    model = flow()
    x = events(model)
    half, first = model.transport(x, 1.0, 0.5)
    z, second = model.transport(half, 0.5, 0.0)
    due, log_det = model.encode(x)
    torch.testing.assert_close(z, due, rtol=0, atol=1e-6)
    torch.testing.assert_close(first + second, log_det, rtol=0, atol=1e-6)
    still, nothing = model.transport(x, 0.3, 0.3)
    assert torch.equal(still, x) and nothing.abs().max() == 0
    assert (half - (x + z) / 2).abs().max() > 1e-3  # time matters: no straight line


def test_bad_journeys_are_named():
    model, z = FFJORD((2,), steps=1), torch.zeros(3, 2)
    for point, start, end in ((z[0], 0, 1), (z + torch.inf, 0, 1), (z, 0, 1.5), (z, None, 1), (z, 1, -0.1)):
        with pytest.raises(ValueError, match="FFJORD.transport"):
            model.transport(point, start, end)

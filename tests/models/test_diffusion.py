"""Diffusion against closed forms: scores of points, Gaussians, a bound that is one, the ODE beside it."""

import pytest
import torch
from test_flow_matching import shaken
from torch import nn

from course_utils.models.diffusion import Diffusion
from course_utils.training import fit

MEAN, DEVIATION = torch.tensor([1.0, -0.5]).double(), torch.tensor([0.3, 1.5]).double()
LAW = torch.distributions.Independent(torch.distributions.Normal(MEAN, DEVIATION), 1)


class Known(nn.Module):
    """A velocity that is known, with a weight, so that the model is one of float64."""

    def __init__(self, levels) -> None:
        super().__init__()
        self.levels, self.weight = levels, nn.Parameter(torch.zeros(1).double())


class Gaussian(Known):
    """The exact v of data N(μ, diag s²): E[y | z] = μ + α s²/(α² s² + σ²) (z − α μ), and v = (α z − ŷ)/σ."""

    def forward(self, t, z):
        signal, noise = self.levels(t)
        variance = signal**2 * DEVIATION**2 + noise**2
        guess = MEAN + signal * DEVIATION**2 / variance * (z - signal * MEAN)
        return (signal * z - guess) / noise

    def with_trace(self, t, z):
        signal, noise = self.levels(t)
        variance = signal**2 * DEVIATION**2 + noise**2
        slope = (signal - signal * DEVIATION**2 / variance) / noise
        return self(t, z), slope.sum().expand(len(z))


class Points(Known):
    """The exact v of data that are a few points: ŷ is their mean, weighted by how likely each is given z."""

    def __init__(self, levels, points: torch.Tensor) -> None:
        super().__init__(levels)
        self.points = points

    def forward(self, t, z):
        signal, noise = self.levels(t)
        offsets = z[:, None] - signal[..., None] * self.points
        weights = (-offsets.square().sum(2) / (2 * noise**2)).softmax(1)
        return (signal * z - weights @ self.points) / noise


def exact(**settings) -> Diffusion:
    model = Diffusion((2,), hidden=4, lowest=-12.0, highest=8.0, **settings).double()
    model.net = Gaussian(model.levels)
    return model


def test_signal_and_noise_keep_the_variance_and_their_ratio_rises_evenly():
    model = Diffusion((2,), hidden=4).double()
    t = torch.linspace(0, 1, 7).double()
    signal, noise = (level[:, 0] for level in model.levels(t))
    torch.testing.assert_close(signal**2 + noise**2, torch.ones(7).double())
    torch.testing.assert_close((signal / noise).log() * 2, -8 + 15 * t)
    one = model.levels(0.5)
    assert torch.equal(one[0], model.levels(torch.tensor(0.5).double())[0])


def test_the_best_denoiser_gives_the_score():
    """B17: (α E[y | z] − z)/σ² = ∇ log p(z), of a point set, by autograd of the mixture's log-density."""
    points = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).double()
    model = Diffusion((3,), hidden=4).double()
    model.net = Points(model.levels, points)
    for t in (0.2, 0.5, 0.7):
        signal, noise = model.levels(t)
        z = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)).double().requires_grad_()
        log_p = (-(z[:, None] - signal * points).square().sum(2) / (2 * noise**2)).logsumexp(1)
        (due,) = torch.autograd.grad(log_p.sum(), z)
        torch.testing.assert_close(model.score(z.detach(), t), due)
        guess, noise_guess = model.guesses(z.detach(), t)
        torch.testing.assert_close(signal * guess + noise * noise_guess, z.detach())
        torch.testing.assert_close((signal * guess - z.detach()) / noise**2, due)


@pytest.mark.slow
def test_with_the_exact_denoiser_the_bound_tends_to_the_truth_from_below():
    torch.manual_seed(0)
    model, x = exact(), LAW.sample((400,))
    truth, bounds = LAW.log_prob(x).mean().item(), []
    for steps in (20, 100, 1000, 100_000):
        seeds = [torch.Generator().manual_seed(k) for k in range(6)]
        with torch.no_grad():
            drawn = torch.stack([model.elbo(x, steps=steps, generator=seed).mean() for seed in seeds])
        bounds.append(drawn.mean().item())
    assert bounds[0] < bounds[1] < bounds[2] < bounds[3] < truth + 0.05
    assert bounds[3] > truth - 0.15
    with torch.no_grad():
        loss = torch.stack([model.loss(x) for _ in range(300)]).mean().item()
    assert loss == pytest.approx(-bounds[3], abs=0.12)


def test_the_bound_is_below_the_exact_likelihood_of_the_chain():
    """One step, and a linear v: p(y) is an integral over z_0 and z_1, which is done by quadrature."""
    model = Diffusion((1,), hidden=4, lowest=-1.0, highest=2.0, steps=1).double()

    class Linear(Known):
        def forward(self, t, z):
            return 0.3 * z - 0.2

    model.net = Linear(model.levels)
    grid = torch.linspace(-8, 8, 2001).double()[:, None]
    step = 16 / 2000
    start, end = (model.levels(t) for t in (0.0, 1.0))
    added = 1 - (start[0] / end[0] * end[1] / start[1]) ** 2
    mean = start[0] / end[0] * (end[1] / start[1]) ** 2 * grid + end[0] * added * model.guesses(grid, 0.0)[0]
    to_end = torch.distributions.Normal(mean, end[1] * added.sqrt())  # p(z_1 | z_0), rows z_0
    joint = torch.distributions.Normal(0.0, 1.0).log_prob(grid) + to_end.log_prob(grid.T)
    p_end = joint.exp().sum(0) * step
    y = torch.linspace(-2, 2, 5).double()[:, None]
    decoder = torch.distributions.Normal(grid.T / end[0], end[1] / end[0])
    log_p = (decoder.log_prob(y).exp() * p_end).sum(1).mul(step).log()
    many = y.repeat_interleave(4000, 0)
    bound = model.elbo(many, generator=torch.Generator().manual_seed(0)).view(5, 4000)
    error = bound.std(1) / 4000**0.5
    assert (bound.mean(1) < log_p + 4 * error).all() and (bound.mean(1) - log_p).max() > -1


def test_samples_and_the_ode_have_the_distribution_of_the_data():
    model = exact(steps=200)
    x = model.sample(8000, generator=torch.Generator().manual_seed(0))
    assert (x.mean(0) - MEAN).abs().max() < 0.08 and (x.std(0) / DEVIATION - 1).abs().max() < 0.05
    flow, data = model.flow(steps=100), LAW.sample((50,))
    torch.testing.assert_close(flow.log_prob(data), LAW.log_prob(data), rtol=0, atol=0.05)
    drawn = flow.sample(8000, generator=torch.Generator().manual_seed(0))
    assert (drawn.mean(0) - MEAN).abs().max() < 0.08 and (drawn.std(0) / DEVIATION - 1).abs().max() < 0.05


def test_a_step_leaves_the_marginals_of_the_data_as_they_are():
    """z_t ∼ N(α_t μ, α_t² s² + σ_t²) becomes z_s of the same form, when the steps are small."""
    model, t, s = exact(), 0.5, 0.501
    signal, noise = model.levels(t)
    generator = torch.Generator().manual_seed(0)
    z = signal * LAW.sample((200_000,)) + noise * torch.randn(200_000, 2).double()
    after = model._step(z, t, s, generator)
    cleaner, less = model.levels(s)
    assert (after.mean(0) - cleaner * MEAN).abs().max() < 0.01
    assert (after.var(0) / (cleaner**2 * DEVIATION**2 + less**2) - 1).abs().max() < 0.01


def test_the_flow_shares_the_weights_and_its_trace_is_exact():
    model = shaken(Diffusion((1, 2, 2), hidden=6), 1.0)
    flow = model.flow(steps=3)
    assert flow.dynamics.net is model.net and flow.support == "unit"
    z = torch.randn(3, 4).double()
    jacobian = torch.func.vmap(torch.func.jacrev(lambda one: flow.dynamics(0.4, one[None])[0]))(z)
    velocity, trace = flow.dynamics.with_trace(0.4, z)
    torch.testing.assert_close(trace, jacobian.diagonal(dim1=1, dim2=2).sum(1))
    torch.testing.assert_close(velocity, flow.dynamics(0.4, z))
    signal, noise = model.levels(0.4)
    data, e = model.guesses(z, 0.4)
    torch.testing.assert_close(velocity, 0.5 * model.span * signal * noise * (noise * data - signal * e))


@pytest.mark.slow
def test_it_learns():
    x = LAW.sample((2000,)).float()
    torch.manual_seed(0)
    model = Diffusion((2,), hidden=32)
    fit(model, x, epochs=15, lr=1e-2, progress=False, device="cpu")
    with torch.no_grad():
        bound, ode = -model.elbo(x).mean().item(), -model.flow().log_prob(x).mean().item()
    truth = -LAW.log_prob(x.double()).mean().item()
    assert truth - 0.1 < ode < truth + 0.3 and truth - 0.1 < bound < truth + 0.6


def test_bad_input_is_named_and_there_is_no_exact_density():
    model = Diffusion((1, 2, 2), hidden=4)
    assert not hasattr(model, "log_prob")
    with pytest.raises(ValueError, match="Diffusion"):
        model.elbo(torch.full((2, 1, 2, 2), 2.0))
    with pytest.raises(ValueError, match=r"Diffusion\.score"):
        model.score(torch.zeros(2, 3), 0.5)
    for bad in (0, 1.5):
        with pytest.raises(ValueError, match="Diffusion"):
            model.sample(2, steps=bad)
        with pytest.raises(ValueError, match="Diffusion"):
            model.elbo(torch.zeros(2, 1, 2, 2), steps=bad)

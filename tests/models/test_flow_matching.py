"""Flow matching against closed forms: Gaussians, single points, classes, and the mass of its density."""

import pytest
import torch
from torch import nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from course_utils.models.flow_matching import FlowMatching, spread_times
from course_utils.nets.timed import TimedUNet, TimedVelocity
from course_utils.nets.velocity import with_trace
from course_utils.training import fit

SHAPE = (1, 2, 3)


class Exact(nn.Module):
    """E[x₁ − x₀ | x_t = z] for data N(μ, Σ) and noise N(0, I): a regression of one Gaussian on another.

    x_t is N(t μ, S) with S = t² Σ + (1 − t)² I, and the covariance of x₁ − x₀ with it is t Σ − (1 − t) I.
    """

    def __init__(self, mean: torch.Tensor, covariance: torch.Tensor) -> None:
        super().__init__()
        self.mean, self.covariance = nn.Parameter(mean), nn.Parameter(covariance)

    def forward(self, t, z):
        t = torch.as_tensor(t, dtype=z.dtype).view(-1, 1, 1)
        one = torch.eye(z.shape[1], dtype=z.dtype)
        S = t**2 * self.covariance + (1 - t) ** 2 * one
        gain = (t * self.covariance - (1 - t) * one) @ torch.linalg.inv(S)
        return self.mean + (gain @ (z - t[..., 0] * self.mean)[..., None])[..., 0]


def gaussian() -> tuple[torch.Tensor, torch.Tensor]:
    mean = torch.tensor([1.0, -0.5, 2.0]).double()
    root = torch.randn(3, 3, generator=torch.Generator().manual_seed(0)).double()
    return mean, root @ root.T + 0.1 * torch.eye(3).double()


def exact(steps: int = 30) -> FlowMatching:
    model = FlowMatching((3,), hidden=4, steps=steps).double()
    model.dynamics = Exact(*gaussian())
    return model


def shaken(model: nn.Module, size: float = 0.4) -> nn.Module:
    torch.manual_seed(0)
    for parameter in model.double().parameters():
        parameter.data.add_(size * torch.randn_like(parameter) / parameter[0].numel() ** 0.5)
    return model.eval()


@pytest.mark.slow
def test_the_exact_field_of_a_gaussian_carries_noise_to_it():
    """The mean direction of all lines through a point makes an ODE whose end is p_D, density and samples."""
    model, law = exact(), torch.distributions.MultivariateNormal(*gaussian())
    x = law.sample((10,))
    torch.testing.assert_close(model.log_prob(x), law.log_prob(x), rtol=0, atol=1e-5)
    drawn = model.sample(10_000, generator=torch.Generator().manual_seed(0))
    assert (drawn.mean(0) - law.mean).abs().max() < 0.09
    assert (torch.cov(drawn.T) / law.covariance_matrix - 1).abs().max() < 0.2
    half, log_det = model.transport(x, 1.0, 0.4)  # p_t is the distribution of x_t at every time
    z, rest = model.transport(half, 0.4, 0.0)
    mean, covariance = gaussian()
    there = torch.distributions.MultivariateNormal(0.4 * mean, 0.16 * covariance + 0.36 * torch.eye(3))
    torch.testing.assert_close(model.prior.log_prob(z) + rest, there.log_prob(half), rtol=0, atol=1e-5)
    assert log_det.abs().max() > 0.1


def test_the_exact_field_minimises_the_loss():
    """Any other field costs more, by its mean squared distance: a regression."""
    model, law = exact(), torch.distributions.MultivariateNormal(*gaussian())
    x = law.sample((4000,))

    def loss():
        torch.manual_seed(1)
        return model.loss(x)

    best, inner = loss(), model.dynamics
    for change in (0.5, -0.5):
        model.dynamics = Shifted(inner, change)
        assert loss().item() == pytest.approx(best.item() + 0.5 * 3 * change**2, abs=0.15)
    for name in ("mean", "covariance"):
        for factor in (0.8, 1.25):
            model.dynamics = Exact(*gaussian())
            getattr(model.dynamics, name).data.mul_(factor)
            assert loss() > best  # on the same random numbers


class Shifted(nn.Module):
    def __init__(self, field: nn.Module, by: float) -> None:
        super().__init__()
        self.field, self.by = field, by

    def forward(self, t, z):
        return self.field(t, z) + self.by


def test_a_single_point_is_reached_on_a_straight_line():
    """With data in one point c the best field is (c − x)/(1 − t): one step is as good as many."""
    centre = torch.tensor([2.0, -1.0]).double()

    class ToThePoint(nn.Module):
        def forward(self, t, z):
            return (centre - z) / (1 - t)

    for steps in (1, 7):
        model = FlowMatching((2,), hidden=4, solver="euler", steps=steps).double()
        model.dynamics = ToThePoint()
        assert (model.sample(5) - centre).abs().max() < 1e-12


def test_the_density_integrates_to_one():
    model = shaken(FlowMatching((2,), hidden=16, steps=10))
    side = torch.linspace(-9, 9, 91).double()
    with torch.no_grad():
        mass = model.log_prob(torch.cartesian_prod(side, side)).exp().sum() * 0.2**2
    assert mass.item() == pytest.approx(1, abs=2e-3)
    assert (model.sample(500).std(0) - 1).abs().max() > 0.05  # and it is not the noise itself


@pytest.mark.parametrize("classes", [None, 3])
def test_the_trace_of_the_dense_velocity_is_that_of_its_jacobian(classes):
    net = shaken(TimedVelocity(4, hidden=7, classes=classes), 1.0)
    z, t = torch.randn(5, 4).double(), torch.rand(5).double()
    y = torch.tensor([0, 1, 2, 3, 0]) if classes else None
    f, trace = net.with_trace(t, z, y)
    for k in range(5):
        one = None if y is None else y[k : k + 1]
        due, whole = with_trace(lambda z, k=k, one=one: net(t[k : k + 1], z, one), z[k : k + 1])
        torch.testing.assert_close(f[k : k + 1], due)
        torch.testing.assert_close(trace[k : k + 1], whole)
    torch.testing.assert_close(net(t, z, y), f)
    constant = net(torch.full((5,), 0.3, dtype=torch.double), z, y)
    torch.testing.assert_close(net(0.3, z, y), constant)
    assert (net(0.8, z, y) - constant).abs().max() > 0.01  # it reads the time


@pytest.mark.slow
def test_decoding_undoes_encoding_for_images_of_each_class():
    model = shaken(FlowMatching(SHAPE, hidden=8, classes=3, guidance=0.7, steps=15), 0.5)
    x, y = torch.rand(4, *SHAPE).double(), torch.tensor([0, 1, 2, 2])
    z, log_det = model.encode(x, y)
    torch.testing.assert_close(model.decode(z, y), x, rtol=0, atol=1e-5)
    torch.testing.assert_close(model.log_prob(x, y), model.prior.log_prob(z) + log_det)
    each = torch.stack([model.log_prob(x, torch.full((4,), k)) for k in range(3)])
    torch.testing.assert_close(model.log_prob(x), each.logsumexp(0) - torch.tensor(3.0).log())
    assert (each[0] - each[1]).abs().max() > 1e-3


@pytest.mark.slow
def test_guidance_goes_further_from_any_class_to_one():
    model = shaken(FlowMatching((3,), hidden=8, classes=2), 1.0)
    z, y = torch.randn(4, 3).double(), torch.tensor([0, 1, 1, 0])
    plain, free = model._exact(0.3, z, y), model._exact(0.3, z)
    for w in (-1.0, 0.0, 2.0):
        model.guidance = w
        for found, own, any_class in zip(model._exact(0.3, z, y), plain, free, strict=True):
            torch.testing.assert_close(found, own + w * (own - any_class))
        torch.testing.assert_close(model._velocity(0.3, z, y), model._exact(0.3, z, y)[0])
    with torch.no_grad():  # the log-density is that of the guided flow, from the Jacobian of its map
        x = model.sample(2, y=y[:2])
        model.solver.steps = 40
        jacobian = torch.func.jacrev(lambda v: model.encode(v[None], y[:1])[0][0])(x[0])
    log_det = torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close(model.encode(x[:1], y[:1])[1][0], log_det, rtol=0, atol=1e-4)


def test_the_way_ends_where_decoding_does():
    model = shaken(FlowMatching(SHAPE, hidden=8, classes=3, guidance=0.7, steps=24), 0.5)
    z, y = torch.randn(4, *SHAPE).double(), torch.tensor([0, 1, 2, 2])
    way = model.way(z, 24, y)
    assert torch.equal(way[0], z) and way.shape == (25, 4, *SHAPE)
    torch.testing.assert_close(model.enter.inverse(way[-1]), model.decode(z, y))
    torch.testing.assert_close(way[12], model.transport(z, 0.0, 0.5, y=y)[0], rtol=0, atol=1e-3)


def test_a_class_is_kept_back_now_and_then_in_training_alone():
    model = FlowMatching((2,), hidden=4, classes=5)
    seen = []
    model.dynamics.register_forward_hook(lambda _, given, out: seen.append(given[2]))
    x, y = torch.randn(4000, 2), torch.arange(4000) % 5
    model.train().loss(x, y)
    model.eval().loss(x, y)
    kept = seen[0] == 5
    assert kept.double().mean().item() == pytest.approx(model.unasked, abs=0.03)
    assert torch.equal(seen[0][~kept], y[~kept]) and torch.equal(seen[1], y)


def test_times_are_spread_and_uniform():
    torch.manual_seed(0)
    t = torch.stack([spread_times(torch.zeros(10)) for _ in range(2000)])
    assert torch.equal((t * 10).floor(), torch.arange(10.0).expand_as(t))
    assert (t.mean(0) * 10 - torch.arange(10) - 0.5).abs().max() < 0.03


@pytest.mark.parametrize("shape", [(1, 5, 6), (2, 4, 4)])
def test_a_convolutional_flow_keeps_shapes_and_starts_at_rest(shape):
    model = FlowMatching(shape, network="convolutional", hidden=(4, 8), classes=2, steps=2)
    assert isinstance(model.dynamics, TimedUNet)
    x, y = torch.rand(3, *shape), torch.tensor([0, 1, 0])
    assert (model.encode(x, y)[0] - model.enter(x)[0]).abs().max() == 0
    net = shaken(model).dynamics
    z = torch.randn(2, x[0].numel()).double()
    both = net(torch.tensor([0.2, 0.9]).double(), z, y[:2])
    torch.testing.assert_close(both[:1], net(0.2, z[:1], y[:1]))  # no example reads another
    assert (both[1:] - net(0.2, z[1:], y[1:2])).abs().max() > 1e-4
    assert model.log_prob(x.double(), y).isfinite().all()


def test_patches_are_channels_of_fewer_places():
    """A network on 2×2 patches of (2, 4, 6) is one on the image (8, 2, 3) that they make."""
    settings = {"network": "convolutional", "hidden": (4, 8), "classes": 2}
    model = shaken(FlowMatching((2, 4, 6), patch=2, **settings))
    small = FlowMatching((8, 2, 3), **settings).double()
    small.load_state_dict(model.state_dict())
    z, y = torch.randn(3, 2, 4, 6).double(), torch.tensor([0, 1, 1])
    places = pixel_unshuffle(z, 2).flatten(1)
    v, due = model.dynamics(0.3, z.flatten(1), y), small.dynamics(0.3, places, y).view(3, 8, 2, 3)
    torch.testing.assert_close(v, pixel_shuffle(due, 2).flatten(1))
    assert v.abs().max() > 0.01


@pytest.mark.slow
def test_a_preconditioned_velocity_is_the_gaussian_s_and_what_was_learned():
    """Untrained it is the exact field of N(0, I) data; what the network adds has the size of the rest."""
    settings = {"network": "convolutional", "hidden": (4, 8), "patch": 2, "preconditioned": True}
    model = FlowMatching((1, 4, 6), steps=20, **settings).double()
    z, x = torch.randn(4, 24).double(), torch.rand(2, 1, 4, 6).double()
    gaussian = Exact(torch.zeros(24).double(), torch.eye(24).double())
    for t in (0.0, 0.3, 0.9):
        torch.testing.assert_close(model.dynamics(t, z), gaussian(t, z))
    data, log_det = model.enter(x)
    torch.testing.assert_close(model.log_prob(x), model.prior.log_prob(data) + log_det, rtol=0, atol=1e-3)
    net = shaken(model).dynamics
    t = torch.tensor([0.0, 0.2, 0.5, 1.0]).double()
    p = (t**2 + (1 - t) ** 2)[:, None]
    due = gaussian(t, z) + net._forward(t, z / p.sqrt(), None) / p.sqrt()
    torch.testing.assert_close(net(t, z), due)
    assert (net(t, z) - gaussian(t, z)).abs().max() > 0.01


def test_it_learns():
    torch.manual_seed(0)
    x = torch.randn(2000, 2) * torch.tensor([0.5, 2.0]) + torch.tensor([2.0, 0.0])
    model = FlowMatching((2,), hidden=32)
    before = -model.log_prob(x).mean().item()
    fit(model, x, epochs=12, lr=1e-2, progress=False, device="cpu")
    after, best = -model.log_prob(x).mean().item(), 1 + torch.tensor(2 * torch.pi).log().item()
    assert best - 0.1 < after < best + 0.15 < before


def test_bad_input_is_named():
    model, x = FlowMatching((2,), hidden=4, classes=3), torch.zeros(2, 2)
    for y in (None, torch.tensor([0, 3]), torch.tensor([0.0, 1.0])):
        with pytest.raises(ValueError, match="FlowMatching"):
            model.loss(x, y)
        with pytest.raises(ValueError, match="FlowMatching"):
            model.decode(x, y)

"""The hollow velocity: its trace against the Jacobian, who sees whom, and what it starts from."""

import pytest
import torch
from pixels import multiplications

from course_utils.models import FFJORD
from course_utils.models.flow_matching import FlowMatching
from course_utils.nets.hollow import HollowVelocity

SHAPES = [(1, 8, 12), (2, 8, 4)]


def network(shape=SHAPES[0], *, seed=0, **settings) -> HollowVelocity:
    """Random weights in float64, none of them zero."""
    torch.manual_seed(seed)
    net = HollowVelocity(shape, **{"width": 8, "scale": 2.0, **settings}).double()
    for parameter in net.parameters():
        parameter.data.add_(torch.randn_like(parameter) / parameter[0].numel() ** 0.5)
    return net


def points(net: HollowVelocity, n: int = 3) -> torch.Tensor:
    return torch.randn(n, net.place.shape[0] * net.block**2 * net.event_shape[0]).double()


def jacobian(f, z: torch.Tensor) -> torch.Tensor:
    """∂f/∂z of every example, which none reads of another: ``(B, D, D)``."""
    return torch.func.jacrev(lambda z: f(z).sum(0))(z).transpose(0, 1)


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_trace_is_that_of_the_jacobian(shape, classes):
    net = network(shape, classes=classes)
    z, y = points(net), torch.tensor([2, 3, 0]) if classes else None
    for t in (0.3, torch.rand(3).double()):
        due = jacobian(lambda z, t=t: net(t, z, y), z)
        f, trace = net.with_trace(t, z, y)
        torch.testing.assert_close(trace, due.diagonal(dim1=1, dim2=2).sum(1), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(f, net(t, z, y))
        assert due.abs().amax(0).gt(0).double().mean() > 0.5  # and pixels do hear of each other


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_said_of_a_pixel_never_depends_on_it(shape):
    """The context's Jacobian is hollow; its window sees the near pixels, its blocks all others."""
    net = network(shape)
    _, H, W = shape
    x, moment = points(net, 1).view(1, *shape), net.moment(0.4, points(net, 1), None)
    for context, reach in ((net._near, "a window"), (lambda x: net._far(x, moment), "all blocks but one")):
        seen = torch.func.jacrev(lambda x, of=context: of(x).sum(3))(x)[0, :, :, 0].abs().sum(2) > 0
        assert not seen.flatten(0, 1).flatten(1).diagonal().any()
        rows, columns = torch.arange(H), torch.arange(W)
        down, across = (side[:, None] - side for side in (rows, columns))
        near = (down.abs() <= 4)[:, None, :, None] & (across.abs() <= 4)[None, :, None, :]
        here = (down == 0)[:, None, :, None] & (across == 0)[None, :, None, :]
        same = (rows[:, None] // 4 == rows // 4)[:, None, :, None]
        same = same & (columns[:, None] // 4 == columns // 4)[None, :, None, :]
        assert torch.equal(seen, near & ~here if reach == "a window" else ~same)


def test_untrained_it_is_the_velocity_of_gaussian_data():
    """For x₀ and x₁ from N(0, I): E[x₁ − x₀ | x_t] = (2t − 1) x_t / (t² + (1 − t)²)."""
    net = HollowVelocity((1, 4, 8), width=8, scale=3.0).double()
    z = points(net)
    for t in (0.0, 0.5, 0.8):
        rate = (2 * t - 1) / (t**2 + (1 - t) ** 2)
        f, trace = net.with_trace(t, z)
        torch.testing.assert_close(f, rate * z)
        torch.testing.assert_close(trace, torch.full((3,), 32 * rate).double())


@pytest.mark.parametrize("system", [FFJORD, FlowMatching])
def test_log_prob_of_a_flow_is_exact_and_costs_little_more_than_a_sample(system):
    """As by D vector-Jacobian products a step, and counted in multiplications."""
    settings = {"alpha": 1e-3, "steps": 6}
    model = system((1, 4, 8), network="hollow", hidden=8, **settings).double()
    model.dynamics = network((1, 4, 8))
    plain, x = FFJORD((1, 4, 8), dynamics=Plain(model.dynamics), **settings), torch.rand(2, 1, 4, 8).double()
    torch.testing.assert_close(model.log_prob(x), plain.log_prob(x))
    with torch.no_grad():
        assert multiplications(lambda: model.log_prob(x)) < 1.5 * multiplications(lambda: model.decode(x))


class Plain(torch.nn.Module):
    """The same velocity, which keeps its trace to itself."""

    def __init__(self, inner: HollowVelocity) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, t, z):
        return self.inner(t, z)


def test_images_it_cannot_divide_are_named():
    for system in (FFJORD, FlowMatching):
        for shape in ((1, 6, 8), (1, 8, 6), (32,)):
            with pytest.raises(ValueError, match=rf"{system.__name__}: expected images.*got"):
                system(shape, network="hollow")
        with pytest.raises(ValueError, match="alpha"):
            system((1, 8, 8), network="hollow", alpha=0)

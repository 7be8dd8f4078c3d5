"""Continuous flows to test: with random weights, linear, or free in form."""

import torch

from course_utils.models.ffjord import FFJORD


class Linear(torch.nn.Module):
    """f(t, z) = (1 + t) A z: matrices that commute over time, so that the flow is a matrix exponential."""

    def __init__(self, A: torch.Tensor) -> None:
        super().__init__()
        self.A = torch.nn.Parameter(A)

    def forward(self, t, z):
        return (1 + t) * z @ self.A.T


class Free(torch.nn.Module):
    """A network without a trace of its own: the velocity of another model."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, t, z):
        return self.net(t, z)


def flow(shape=(2,), *, spread=0.4, seed=0, **settings) -> FFJORD:
    """A flow with random weights in float64, far from the identity."""
    torch.manual_seed(seed)
    model = FFJORD(shape, **{"hidden": 10, "steps": 40, **settings}).double().eval()
    for parameter in model.parameters():
        parameter.data.add_(spread * torch.randn_like(parameter))
    return model


def events(model: FFJORD, n: int = 4) -> torch.Tensor:
    """A batch the model lives on."""
    draw = torch.randn if model.support == "real" else torch.rand
    return draw(n, *model.event_shape, dtype=torch.double)

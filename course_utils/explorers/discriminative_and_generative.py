"""The explorer of notebook 08: two densities, a prior, and the boundary that follows from them."""

from functools import partial

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.distributions import MultivariateNormal

from course_utils.checks import check_number
from course_utils.explorers.engine import Explorer, slider
from course_utils.plots.canvas import BLACK, BLUE, VERMILLION

RESOLUTION = 80
LEVELS = (0.1, 0.4, 0.8)  # of each density, as parts of its peak


def boundary(x: Tensor, y: Tensor, *, prior: float = 0.5, names: tuple[str, str] = ("0", "1")) -> Explorer:
    """Where p(y = 1 | x) = ½, when each class is a Gaussian of the plane and p(y = 1) is dragged.

    Args:
        x: points of the plane, ``(N, 2)``.
        y: their classes, 0 or 1, ``(N,)``.
        prior: where p(y = 1) starts.
        names: of the two classes.

    Raises:
        ValueError: x is no batch of points, y is none of classes 0 and 1 for it, a class has fewer than 3
            points, or the prior lies outside its slider.
    """
    check_number(prior, "boundary: prior", low=0.01, high=0.99)
    if x.dim() != 2 or x.shape[1] != 2 or y.shape != x.shape[:1]:
        raise ValueError(f"boundary: expected x (N, 2) and y (N,), got {tuple(x.shape)} and {tuple(y.shape)}")
    counts = [int((y == c).sum()) for c in (0, 1)]
    if min(counts) < 3 or sum(counts) != len(y):
        raise ValueError(f"boundary: expected classes 0 and 1 with at least 3 points each, got {counts}")
    x = x.cpu().double()
    laws = [gaussian(x[y.cpu() == c]) for c in (0, 1)]
    low, high = x.min(0).values, x.max(0).values
    axes = [
        torch.linspace(a - 0.1 * (b - a), b + 0.1 * (b - a), RESOLUTION)
        for a, b in zip(low, high, strict=True)
    ]
    grid = torch.stack(torch.meshgrid(*axes, indexing="xy"), -1).double()
    densities = torch.stack([law.log_prob(grid) for law in laws])
    points = torch.stack([law.log_prob(x) for law in laws])
    return Explorer(
        partial(draw_boundary, y.cpu(), axes, densities, points, names),
        title="Two classes as Gaussians, and the boundary between them for a prior",
        size=(7, 4.6),
        frame=partial(frame_boundary, x, y.cpu(), axes, densities, names),
        prior=slider(0.01, 0.99, value=prior, step=0.01, name="p(y = 1)", tooltip="How frequent class 1 is"),
    )


def gaussian(x: Tensor) -> MultivariateNormal:
    """The Gaussian with mean and covariance of points ``(N, 2)``."""
    return MultivariateNormal(x.mean(0), torch.cov(x.T) + 1e-6 * torch.eye(2, dtype=x.dtype))


def frame_boundary(
    x: Tensor, y: Tensor, axes: list[Tensor], densities: Tensor, names: tuple[str, str], figure: Figure
) -> None:
    """Draw the points, and three levels of each density."""
    ax = figure.add_axes((0.1, 0.14, 0.87, 0.74))
    for c, colour, marker, sign in ((0, BLUE, "o", "●"), (1, VERMILLION, "^", "▲")):
        ax.scatter(*x[y == c].T, s=14, color=colour, marker=marker, alpha=0.6, linewidths=0)
        p = (densities[c] - densities[c].max()).exp()
        ax.contour(*axes, p, levels=LEVELS, colors=colour, linewidths=1.2)
        figure.text(0.12 + 0.12 * c, 0.9, f"{sign} {names[c]}", color=colour)
    ax.set(xticks=[], yticks=[], xlabel="first principal component", ylabel="second principal component")


def draw_boundary(
    y: Tensor,
    axes: list[Tensor],
    densities: Tensor,
    points: Tensor,
    names: tuple[str, str],
    figure: Figure,
    *,
    prior: float,
) -> None:
    """Draw the line where both classes are as probable, and say how often each is missed."""
    odds = torch.tensor(prior / (1 - prior)).log()
    said = (points[1] - points[0] + odds > 0).to(y.dtype)
    missed = [(said != y)[y == c].double().mean() for c in (0, 1)]
    (ax,) = figure.axes
    ax.contour(*axes, densities[1] - densities[0] + odds, levels=[0.0], colors=BLACK, linewidths=3)
    shares = [f"{100 * miss:.0f} % of the {name}s" for miss, name in zip(missed, names, strict=True)]
    figure.text(0.97, 0.9, f"training errors: {shares[0]}, {shares[1]}", ha="right")

"""The explorers of notebook 15: a density that flows through time, and the noise of an estimated trace."""

from functools import partial
from math import sqrt

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.checks import check_count
from course_utils.explorers.engine import Explorer, slider, switch
from course_utils.models import FFJORD
from course_utils.plots.canvas import BLACK, BLUE, ORANGE, VERMILLION

MOMENTS = 20  # between noise and data
RESOLUTION = 70
TRAILS = 40
WINDOW = 24.0  # half of what is seen around the exact trace
ESTIMATES, MOST = 2000, 32  # how many, and of how many vectors each at most
KINDS, SPREADS = ("normal", "signs ±1"), (0.246, 0.565)  # the noise, and where its σ is written


def time_of_a_flow(model: FFJORD, *, n: int = 300, extent: float = 4.0, seed: int = 0) -> Explorer:
    """Points and density on the plane at every time of a continuous flow, from noise to data.

    Args:
        model: a flow on the plane.
        n: how many points.
        extent: half the side of the window.
        seed: of the points.

    Raises:
        ValueError: the model is no FFJORD on the plane, or n is not a positive integer.
    """
    if not isinstance(model, FFJORD) or model.event_shape != (2,):
        raise ValueError(f"time_of_a_flow: expected FFJORD((2,)), got {type(model).__name__}")
    check_count(n, "time_of_a_flow: n")
    return Explorer(
        partial(draw_time, *film(model, n, extent, seed), extent),
        title="Points and their density while a flow carries noise to data",
        size=(9.5, 4.6),
        frame=partial(frame_time, extent),
        time=slider(0.0, 1.0, value=0.5, step=1 / MOMENTS, tooltip="From 0, noise, to 1, data"),
        trails=switch(True, tooltip="Show the ways of some points"),
    )


@torch.no_grad()
def film(model: FFJORD, n: int, extent: float, seed: int) -> tuple[Tensor, Tensor]:
    """Points ``(T + 1, n, 2)`` and densities ``(T + 1, R, R)``, rows from below, at equal times in [0, 1]."""
    like = model.reference
    z = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed)).to(like)
    side = torch.linspace(-extent, extent, RESOLUTION).to(like)
    grid = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1).reshape(-1, 2)
    points, densities = [], []
    for i in range(MOMENTS + 1):
        points.append(model.transport(z, 0.0, i / MOMENTS)[0])
        start, log_det = model.transport(grid, i / MOMENTS, 0.0)
        densities.append((model.prior.log_prob(start) + log_det).exp().view(RESOLUTION, RESOLUTION))
    return torch.stack(points).cpu(), torch.stack(densities).cpu()


def frame_time(extent: float, figure: Figure) -> None:
    """The window of the plane, twice."""
    ticks = [-int(extent), 0, int(extent)]
    for left in (0.08, 0.57):
        ax = figure.add_axes((left, 0.16, 0.38, 0.74), aspect="equal", xlabel="x₁", ylabel="x₂")
        ax.set(xlim=(-extent, extent), ylim=(-extent, extent), xticks=ticks, yticks=ticks)


def draw_time(
    points: Tensor, densities: Tensor, extent: float, figure: Figure, *, time: float, trails: bool
) -> None:
    """Draw the points on the left and the density on the right, of one moment."""
    moment = round(time * MOMENTS)
    left, right = figure.axes
    if trails:
        ways = points[: moment + 1, :TRAILS].transpose(0, 1)
        gap = torch.full((len(ways), 1, 2), torch.nan)  # one polyline, broken between the ways, draws fastest
        left.plot(*torch.cat([ways, gap], 1).flatten(0, 1).T.numpy(), color=ORANGE, lw=1.2, ls="-")
    left.scatter(*points[moment].T.numpy(), s=9, color=BLUE, zorder=3)
    right.imshow(
        densities[moment].numpy(),
        extent=(-extent, extent, -extent, extent),
        origin="lower",
        cmap="viridis",
        interpolation="bilinear",
        vmin=0,
    )
    left.set_title(f"points at time {time:.2f}")
    right.set_title(f"density at time {time:.2f}")


def trace_noise(*, dims: int = 8, seed: int = 0) -> Explorer:
    """Hutchinson's estimates of one trace: signs against normal numbers, and means of several of them.

    Args:
        dims: D of the matrix.
        seed: of the matrix and of the noise.

    Raises:
        ValueError: dims is not a positive integer.
    """
    check_count(dims, "trace_noise: dims")
    A = matrix(dims, 1.0, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    normal = torch.randn(ESTIMATES, MOST, dims, generator=generator, dtype=torch.double)
    forms = [quadratic_forms(noise, A) for noise in (normal, normal.sign())]
    return Explorer(
        partial(draw_trace_noise, A, forms),
        title="The spread of estimated traces around the exact one, for two kinds of noise",
        size=(8.5, 4.4),
        frame=partial(frame_trace_noise, A.trace().item()),
        probes=slider(1, MOST, value=1, tooltip="How many vectors ε each estimate is the mean of"),
        off_diagonal=slider(0.0, 1.0, value=0.5, step=0.05, tooltip="How large A is beside its diagonal"),
    )


def matrix(dims: int, off_diagonal: float, seed: int) -> Tensor:
    """A random matrix, ``(D, D)`` float64: a diagonal of size 1, and the rest of the given size.

    >>> matrix(3, 0.0, seed=0).count_nonzero().item()
    3
    """
    noise = torch.randn(dims, dims, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    diagonal = noise.diagonal().diag()
    return diagonal + off_diagonal * (noise - diagonal)


def quadratic_forms(noise: Tensor, A: Tensor) -> Tensor:
    """Sums of εᵀDε and of εᵀ(A − D)ε over the first 1, 2, … of the vectors ε, D the diagonal of A.

    Args:
        noise: ``(N, K, D)``.
        A: ``(D, D)``.

    Returns:
        ``(2, K, N)``: a mean of estimates for any size of the rest of A is a sum of two rows, over K.
    """
    diagonal = noise.square() @ A.diagonal()
    return torch.stack([diagonal, ((noise @ A) * noise).sum(2) - diagonal]).cumsum(2).mT.contiguous()


def frame_trace_noise(exact: float, figure: Figure) -> None:
    """Draw the axis around the exact trace, and what the colours are."""
    ax = figure.add_axes((0.1, 0.17, 0.87, 0.66), xlim=(exact - WINDOW, exact + WINDOW), ylim=(0, 1.05))
    ax.set(xlabel="estimate of Tr A", ylabel="share of estimates", yticks=(0, 1), yticklabels=("0", ""))
    ax.locator_params(axis="x", nbins=4)
    for row, (name, colour) in enumerate(zip(KINDS, (BLUE, VERMILLION), strict=True)):
        figure.text(0.1 + 0.3 * row, 0.9, f"{name}: σ =", color=colour)
    figure.text(0.7, 0.9, f"dashed: exact, {exact:.2f}".replace("-", "−"))


def draw_trace_noise(
    A: Tensor, forms: list[Tensor], figure: Figure, *, probes: int, off_diagonal: float
) -> None:
    """Draw both histograms of 2,000 estimates, and their standard deviations by formula."""
    (ax,) = figure.axes
    exact = A.trace().item()
    A = A.diagonal().diag() + off_diagonal * (A - A.diagonal().diag())
    edges = torch.linspace(-WINDOW, WINDOW, 61, dtype=torch.double) + exact
    means = [(form[0, probes - 1] + off_diagonal * form[1, probes - 1]) / probes for form in forms]
    shares = [torch.histogram(estimates, edges).hist / ESTIMATES for estimates in means]
    top = max(share.max().item() for share in shares)  # the axis stands, so heights are parts of the highest
    for row, (name, share) in enumerate(zip(KINDS, shares, strict=True)):
        colour = (BLUE, VERMILLION)[row]
        ax.stairs(share.numpy() / top, edges.numpy(), fill=True, color=colour, alpha=0.55)
        spread = sqrt(variance(A, signs=name != "normal") / probes)
        figure.text(SPREADS[row], 0.9, f"{spread:.2f}", color=colour)
    ax.text(-0.012, 1, f"{top:.2f}", size=12, ha="right", va="center", transform=ax.get_yaxis_transform())
    ax.axvline(exact, color=BLACK, ls="--")


def variance(A: Tensor, *, signs: bool) -> float:
    """Var εᵀAε: 2 ‖S‖² for normal ε, S the symmetric part of A; for signs without the diagonal of S.

    >>> variance(torch.eye(3), signs=True), variance(torch.eye(3), signs=False)
    (0.0, 6.0)
    """
    symmetric = (A + A.T) / 2
    squares = symmetric.square().sum() - (symmetric.diagonal().square().sum() if signs else 0)
    return 2 * squares.item()

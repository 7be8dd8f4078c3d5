"""The explorers of notebook 15: a density and images that flow through time, and the noise of a trace."""

from copy import copy
from functools import cache
from math import sqrt

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.explorers.engine import Explorer, bare, slider, switch
from course_utils.models import FFJORD
from course_utils.nets.ode import Solver
from course_utils.plots.canvas import BLACK, BLUE, ORANGE, VERMILLION

MOMENTS = 20  # between noise and data
POINTS, TRAILS = 300, 40  # how many points, and of how many one sees the way
EXTENT, RESOLUTION = 4, 70  # half the side of the window, and the side of the map of densities
LOWEST = -4  # log₁₀ of the density at the dark end: thin parts are to be seen as well
IMAGES, ACROSS = 20, 10  # on their way, and how many stand in a row
DIMS, ESTIMATES, MOST = 8, 2000, 32  # of the matrix; how many estimates, of how many vectors each at most
WINDOW = 24.0  # half of what is seen around the exact trace


def time_of_a_flow(model: FFJORD) -> Explorer:
    """Points and density on the plane at every time of a continuous flow, from noise to data.

    Raises:
        ValueError: the model is no FFJORD on the plane.
    """
    if not isinstance(model, FFJORD) or model.event_shape != (2,):
        raise ValueError(f"time_of_a_flow: expected FFJORD((2,)), got {type(model).__name__}")
    points, densities = film(model)
    window, ticks = (-EXTENT, EXTENT), (-EXTENT, 0, EXTENT)

    def frame(figure: Figure) -> None:
        for left in (0.08, 0.57):
            ax = figure.add_axes((left, 0.16, 0.38, 0.74), aspect="equal", xlabel="x₁", ylabel="x₂")
            ax.set(xlim=window, ylim=window, xticks=ticks, yticks=ticks)

    def draw(figure: Figure, *, time: float, trails: bool) -> None:
        moment = round(time * MOMENTS)
        left, right = figure.axes
        if trails:
            ways = points[: moment + 1, :TRAILS].transpose(0, 1)
            gap = torch.full((len(ways), 1, 2), torch.nan)  # one polyline, broken between ways: the fastest
            left.plot(*torch.cat([ways, gap], 1).flatten(0, 1).T.numpy(), color=ORANGE, lw=1.2, ls="-")
        left.scatter(*points[moment].T.numpy(), s=9, color=BLUE, zorder=3)
        look = {"cmap": "viridis", "interpolation": "bilinear", "vmin": LOWEST, "vmax": 0}
        density = densities[moment].log10().clamp_min(LOWEST).numpy()
        right.imshow(density, extent=(*window, *window), origin="lower", **look)
        left.set_title(f"points at time {time:.2f}")
        right.set_title(f"log₁₀ density, {LOWEST} to 0".replace("-", "−"))

    return Explorer(
        draw,
        title="Points and their density while a flow carries noise to data",
        size=(9.5, 4.6),
        frame=frame,
        time=slider(0.0, 1.0, value=1.0, step=1 / MOMENTS, tooltip="From 0, noise, to 1, data"),
        trails=switch(True, tooltip="Show the ways of some points"),
    )


@torch.no_grad()
def film(model: FFJORD) -> tuple[Tensor, Tensor]:
    """Points ``(T + 1, N, 2)`` and densities ``(T + 1, R, R)``, rows from below, at equal times in [0, 1]."""
    like = model.reference
    z = torch.randn(POINTS, 2, generator=torch.Generator().manual_seed(0)).to(like)
    side = torch.linspace(-EXTENT, EXTENT, RESOLUTION).to(like)
    grid = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1).reshape(-1, 2)
    timed, whole, densities = copy(model), model.solver, []  # the same weights, and a solver of its own
    for i in range(MOMENTS + 1):  # steps as long as on the whole way, or a little shorter
        steps = max(1, -(-whole.steps * i // MOMENTS))
        timed.solver = Solver(whole.method, steps=steps, tolerance=whole.tolerance)
        start, log_det = timed.transport(grid, i / MOMENTS, 0.0)
        density = (model.prior.log_prob(start) + log_det).exp()
        density = density.nan_to_num(0.0)  # so far out that the way back to noise overflows: no mass
        densities.append(density.view(RESOLUTION, RESOLUTION))
    return model.way(z, MOMENTS).cpu(), torch.stack(densities).cpu()


def digits_in_time(model: FFJORD) -> Explorer:
    """Images at every time of a continuous flow, from noise to samples.

    Raises:
        ValueError: the model is no FFJORD of images.
    """
    if not isinstance(model, FFJORD) or model.support != "unit":
        raise ValueError(f"digits_in_time: expected FFJORD of images, got {model!r:.40}")

    @cache
    @torch.no_grad()
    def ways(seed: int) -> list[Tensor]:
        like, noise = model.reference, torch.Generator().manual_seed(seed)
        z = torch.randn(IMAGES, *model.event_shape, generator=noise).to(like)
        return [model.enter.inverse(y).cpu() for y in model.way(z, MOMENTS)]

    def draw(figure: Figure, *, time: float, seed: int) -> None:
        x = ways(seed)[round(time * MOMENTS)]
        plots.images(x, columns=ACROSS, title=f"images at time {time:.2f}", ax=figure.axes[0])

    return Explorer(
        draw,
        title="Images while a flow carries noise to samples",
        size=(10, 2.6),
        frame=bare((0.01, 0.01, 0.98, 0.85)),
        time=slider(0.0, 1.0, value=0.5, step=1 / MOMENTS, tooltip="From 0, noise, to 1, samples"),
        seed=slider(0, 20, value=0, tooltip="Which noise the images start from"),
    )


def trace_noise() -> Explorer:
    """Hutchinson's estimates of one trace: signs against normal numbers, and means of several of them."""
    generator = torch.Generator().manual_seed(0)
    whole = torch.randn(DIMS, DIMS, generator=generator, dtype=torch.double)
    normal = torch.randn(ESTIMATES, MOST, DIMS, generator=generator, dtype=torch.double)
    kinds = {"normal": (normal, BLUE), "signs ±1": (normal.sign(), VERMILLION)}
    exact = whole.trace().item()
    edges = torch.linspace(exact - WINDOW, exact + WINDOW, 61, dtype=torch.double)

    def frame(figure: Figure) -> None:
        ax = figure.add_axes((0.1, 0.17, 0.87, 0.66), xlim=(exact - WINDOW, exact + WINDOW), ylim=(0, 1.05))
        ax.set(xlabel="estimate of Tr A", ylabel="estimates (tallest bar: 1)", yticks=(0, 1))
        ax.locator_params(axis="x", nbins=4)
        figure.text(0.7, 0.9, f"dashed: exact, {exact:.2f}".replace("-", "−"))

    def draw(figure: Figure, *, probes: int, off_diagonal: float) -> None:
        (ax,) = figure.axes
        A = torch.lerp(whole.diagonal().diag(), whole, off_diagonal)
        noises = [noise[:, :probes] for noise, _ in kinds.values()]
        means = [((noise @ A) * noise).sum((1, 2)) / probes for noise in noises]
        counts = [torch.histogram(estimates, edges).hist for estimates in means]
        tallest = max(count.max() for count in counts)
        for i, (kind, (_, colour)) in enumerate(kinds.items()):
            ax.stairs((counts[i] / tallest).numpy(), edges.numpy(), fill=True, color=colour, alpha=0.55)
            spread = sqrt(variance(A, signs=i == 1) / probes)
            figure.text(0.1 + 0.3 * i, 0.9, f"{kind}: σ = {spread:.2f}", color=colour)
        ax.axvline(exact, color=BLACK, ls="--")

    return Explorer(
        draw,
        title="The spread of estimated traces around the exact one, for two kinds of noise",
        size=(8.5, 4.0),
        frame=frame,
        probes=slider(1, MOST, value=1, tooltip="How many vectors ε each estimate is the mean of"),
        off_diagonal=slider(0.0, 1.0, value=0.5, step=0.05, tooltip="How large A is beside its diagonal"),
    )


def variance(A: Tensor, *, signs: bool) -> float:
    """Var εᵀAε: 2 ‖S‖² for normal ε, S the symmetric part of A; for signs without the diagonal of S.

    >>> variance(torch.eye(3), signs=True), variance(torch.eye(3), signs=False)
    (0.0, 6.0)
    """
    symmetric = (A + A.T) / 2
    squares = symmetric.square().sum() - (symmetric.diagonal().square().sum() if signs else 0)
    return 2 * squares.item()

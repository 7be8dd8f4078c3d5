"""The explorers of notebook 13: a coupling bends a grid, a flow carries points."""

from collections.abc import Callable
from functools import partial

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.explorers.engine import Explorer, choice, panels, slider
from course_utils.models import NICE, Glow, RealNVP
from course_utils.models.couplings import AdditiveCoupling, AffineCoupling
from course_utils.models.flow_steps import Step
from course_utils.models.glow import ActNorm, InvertibleConv
from course_utils.models.nice import Scaling
from course_utils.plots.canvas import BLUE, VERMILLION

MOVING = (AdditiveCoupling, AffineCoupling, Scaling, ActNorm, InvertibleConv)
GREY = "0.75"


def coupling() -> Explorer:
    """A grid before and after one coupling of the plane, and what becomes of the area of a square."""
    return Explorer(
        draw_coupling,
        title="A grid of the plane before and after a coupling, with the area of one of its squares",
        size=(7.5, 3.9),
        frame=frame_coupling,
        kind=choice(["additive", "affine"], tooltip="Only shift, or scale and shift"),
        strength=slider(0.0, 1.5, value=1.0, step=0.05, tooltip="How strongly x1 moves x2"),
    )


def couple(x: Tensor, kind: str, strength: float) -> Tensor:
    """z_1 = x_1, z_2 = x_2·exp(s(x_1)) + t(x_1) with t = strength·sin 2x_1, s = strength·x_1/2 or 0."""
    x1, x2 = x.unbind(-1)
    scale = (0.5 * strength * x1).exp() if kind == "affine" else torch.ones_like(x1)
    return torch.stack([x1, x2 * scale + strength * torch.sin(2 * x1)], -1)


def frame_coupling(figure: Figure) -> None:
    """Draw the grid and the square before the coupling, and axes for what becomes of them."""
    for ax, symbol in zip(panels(figure, 2, header=0.5), "xz", strict=True):
        ax.set(xlabel=f"{symbol}₁", ylabel=f"{symbol}₂", xlim=(-2.3, 2.3), ylim=(-4, 4))
        ax.set(xticks=(-2, 0, 2), yticks=(-4, 0, 4))
    draw_square(figure.axes[0], "before", lambda x: x)


def draw_coupling(figure: Figure, *, kind: str, strength: float) -> None:
    """Draw the grid and the square after the coupling."""
    draw_square(figure.axes[1], "after", partial(couple, kind=kind, strength=strength))


def draw_square(ax: Axes, name: str, move: Callable[[Tensor], Tensor]) -> None:
    """Draw a moved grid, a moved square filled, its area in the title."""
    draw_grid(ax, move(lattice(2.0, 13)))
    shape = move(border())
    ax.fill(*shape.T.numpy(), color=BLUE, alpha=0.7)
    ax.set_title(f"{name}: area {area(shape):.2f}")


def area(outline: Tensor) -> float:
    """The area inside a closed polygon ``(n, 2)``, by the shoelace formula.

    >>> area(torch.tensor([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]]))
    2.0
    """
    following = outline.roll(-1, 0)
    cross = outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]
    return abs(cross.sum().item()) / 2


def border(low: float = 0.25, high: float = 1.25, points: int = 60) -> Tensor:
    """The outline of a square, ``(4·points, 2)``."""
    run = torch.linspace(low, high, points + 1)[:-1]
    back, at_low, at_high = low + high - run, torch.full_like(run, low), torch.full_like(run, high)
    sides = ((run, at_low), (at_high, run), (back, at_high), (at_low, back))
    return torch.cat([torch.stack(side, 1) for side in sides])


def lattice(half: float, count: int, points: int = 121) -> Tensor:
    """The lines of a square grid, ``(2·count, points, 2)``."""
    along, across = torch.linspace(-half, half, points), torch.linspace(-half, half, count)
    upright = torch.stack([across[:, None].expand(-1, points), along.expand(count, -1)], -1)
    return torch.cat([upright, upright.flip(-1)])


def draw_grid(ax: Axes, lines: Tensor) -> None:
    """Draw lines ``(n, points, 2)`` in grey."""
    gap = torch.full((len(lines), 1, 2), torch.nan)  # one polyline, broken between the lines, draws fastest
    ax.plot(*torch.cat([lines, gap], 1).flatten(0, 1).T.numpy(), color=GREY, lw=0.8, zorder=0)


def layers(model: NICE | RealNVP | Glow, x: Tensor) -> Explorer:
    """Points of the plane after each step of a flow, from data to noise, on the grid that moves with them.

    Beside it: the negative log-likelihood if the flow stopped there,
    E[−log p_Z(h_k) − Σ log |det| of the first k steps].

    Args:
        model: a flow of the plane, event_shape (2,).
        x: the points, ``(N, 2)``.

    Raises:
        ValueError: the flow is not one of the plane, or x not a batch of points.
    """
    if model.event_shape != (2,):
        raise ValueError(f"layers: expected a flow of the plane, event_shape (2,), got {model.event_shape}")
    points, nats = stages(model, model.check(x))
    extent = float(x.abs().max()) * 1.15
    grid, _ = stages(model, lattice(extent, 11).view(-1, 2).to(x))
    lines = [stage.view(22, -1, 2) for stage in grid]
    last = len(points) - 1
    return Explorer(
        partial(draw_layers, points, lines, nats),
        title="Points and grid after the first steps of a flow, and the likelihood if it stopped there",
        size=(7.5, 3.9),
        frame=partial(frame_layers, nats),
        step=slider(0, last, value=0, tooltip="How many steps of the flow, from data to noise"),
    )


@torch.no_grad()
def stages(model: NICE | RealNVP | Glow, x: Tensor) -> tuple[list[Tensor], list[float]]:
    """Where points ``(N, 2)`` are after 0, 1, …, K steps, and the mean nats if the flow stopped there."""
    steps: list[Step] = [module for module in model.flow.modules() if isinstance(module, MOVING)]
    h, total = x.view(-1, 2, 1, 1), torch.zeros(len(x)).to(x)
    points, nats = [x.cpu()], [-(model.prior.log_prob(h)).mean().item()]
    for step in steps:
        h, log_det = step(h)
        total = total + log_det
        points.append(h.view(-1, 2).cpu())
        nats.append(-(model.prior.log_prob(h) + total).mean().item())
    return points, nats


def frame_layers(nats: list[float], figure: Figure) -> None:
    """Draw the curve, and axes for the points."""
    left, right = panels(figure, 2, header=0.5)
    left.set(xlabel="first coordinate", ylabel="second coordinate", xlim=(-4, 4), ylim=(-4, 4))
    left.set(xticks=(-4, 0, 4), yticks=(-4, 0, 4))
    right.plot(nats, color=BLUE)
    right.set(xlabel="steps of the flow", ylabel="nats if it stopped here")
    right.locator_params(nbins=4)


def draw_layers(
    points: list[Tensor], lines: list[Tensor], nats: list[float], figure: Figure, *, step: int
) -> None:
    """Draw the points on the grid after some steps, and that moment on the curve."""
    left, right = figure.axes
    draw_grid(left, lines[step])
    left.scatter(*points[step].T.numpy(), s=6, color=BLUE, alpha=0.6, linewidths=0)
    left.set_title("data" if step == 0 else f"after {step} of {len(points) - 1} steps")
    right.plot(step, nats[step], "o", color=VERMILLION, ms=11)
    right.set_title(f"{nats[step]:.2f} nats")

"""The explorers of notebook 13: a coupling bends a grid, a flow carries points."""

from collections.abc import Callable

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.explorers.engine import Explorer, choice, panels, slider
from course_utils.models import NICE, Glow, RealNVP
from course_utils.models.couplings import AdditiveCoupling, AffineCoupling
from course_utils.models.glow import ActNorm, InvertibleConv
from course_utils.models.nice import Scaling
from course_utils.plots.canvas import BLUE, VERMILLION

MOVING = (AdditiveCoupling, AffineCoupling, Scaling, ActNorm, InvertibleConv)
CORNERS = torch.tensor([[0.25, 0.25], [1.25, 0.25], [1.25, 1.25], [0.25, 1.25]])[:, None]
SQUARE = torch.lerp(CORNERS, CORNERS.roll(-1, 0), torch.arange(60)[:, None] / 60).flatten(0, 1)


def coupling() -> Explorer:
    """A grid before and after one coupling of the plane, and what becomes of the area of a square."""

    def show(ax: Axes, name: str, move: Callable[[Tensor], Tensor]) -> None:
        draw_grid(ax, move(lattice(2.0, 13)))
        outline = move(SQUARE)
        ax.fill(*outline.T.numpy(), color=BLUE, alpha=0.7)
        ax.set_title(f"{name}: area {area(outline):.2f}")

    def frame(figure: Figure) -> None:
        for ax, symbol in zip(panels(figure, 2, header=0.5), "xz", strict=True):
            ax.set(xlabel=f"{symbol}₁", ylabel=f"{symbol}₂", xlim=(-2.3, 2.3), ylim=(-4, 4))
            ax.set(xticks=(-2, 0, 2), yticks=(-4, 0, 4))
        show(figure.axes[0], "before", lambda x: x)

    def draw(figure: Figure, *, kind: str, strength: float) -> None:
        show(figure.axes[1], "after", lambda x: couple(x, kind, strength))

    return Explorer(
        draw,
        frame=frame,
        title="A grid of the plane before and after a coupling, with the area of one of its squares",
        size=(7.5, 3.9),
        kind=choice(["additive", "affine"], tooltip="Only shift, or scale and shift"),
        strength=slider(0.0, 1.5, value=1.0, step=0.05, tooltip="How strongly x1 moves x2"),
    )


def couple(x: Tensor, kind: str, strength: float) -> Tensor:
    """z_1 = x_1, z_2 = x_2·exp(s(x_1)) + t(x_1) with t = strength·sin 2x_1, s = strength·x_1/2 or 0."""
    x1, x2 = x.unbind(-1)
    scale = (0.5 * strength * x1).exp() if kind == "affine" else 1
    return torch.stack([x1, x2 * scale + strength * torch.sin(2 * x1)], -1)


def area(outline: Tensor) -> float:
    """The area inside a closed polygon ``(n, 2)``, by the shoelace formula.

    >>> area(torch.tensor([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]]))
    2.0
    """
    (x1, x2), (next1, next2) = outline.T, outline.roll(-1, 0).T
    return abs((x1 * next2 - x2 * next1).sum().item()) / 2


def lattice(half: float, count: int) -> Tensor:
    """The lines of a square grid, ``(2·count, 121, 2)``."""
    along, across = torch.linspace(-half, half, 121), torch.linspace(-half, half, count)
    upright = torch.stack(torch.meshgrid(across, along, indexing="ij"), -1)
    return torch.cat([upright, upright.flip(-1)])


def draw_grid(ax: Axes, lines: Tensor) -> None:
    """Draw lines ``(n, points, 2)`` in grey: as one polyline with gaps, which is fastest."""
    gap = torch.full((len(lines), 1, 2), torch.nan)
    ax.plot(*torch.cat([lines, gap], 1).flatten(0, 1).T.numpy(), color="0.75", lw=0.8, zorder=0)


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
    grid, _ = stages(model, lattice(float(x.abs().max()) * 1.15, 11).view(-1, 2).to(x))
    last = len(nats) - 1

    def frame(figure: Figure) -> None:
        left, right = panels(figure, 2, header=0.5)
        left.set(xlabel="first coordinate", ylabel="second coordinate", xlim=(-4, 4), ylim=(-4, 4))
        left.set(xticks=(-4, 0, 4), yticks=(-4, 0, 4))
        right.plot(nats, color=BLUE)
        right.set(xlabel="steps of the flow", ylabel="nats if it stopped here")
        right.set_xticks(range(0, last + 1, max(1, last // 4)))
        right.locator_params(axis="y", nbins=4)

    def draw(figure: Figure, *, step: int) -> None:
        left, right = figure.axes
        draw_grid(left, grid[step].view(22, -1, 2))
        left.scatter(*points[step].T.numpy(), s=6, color=BLUE, alpha=0.6, linewidths=0)
        left.set_title("data" if step == 0 else f"after {step} of {last} steps")
        right.plot(step, nats[step], "o", color=VERMILLION, ms=11)
        right.set_title(f"{nats[step]:.2f} nats")

    return Explorer(
        draw,
        frame=frame,
        title="Points and grid after the first steps of a flow, and the likelihood if it stopped there",
        size=(7.5, 3.9),
        step=slider(0, last, value=last // 2, tooltip="How many steps of the flow, from data to noise"),
    )


@torch.no_grad()
def stages(model: NICE | RealNVP | Glow, x: Tensor) -> tuple[list[Tensor], list[float]]:
    """Where points ``(N, 2)`` are after 0, 1, …, K steps, and the mean nats if the flow stopped there."""
    h, total = x.view(-1, 2, 1, 1), torch.zeros(len(x)).to(x)
    points, nats = [x.cpu()], [-model.prior.log_prob(h).mean().item()]
    for step in model.flow.modules():
        if isinstance(step, MOVING):
            h, log_det = step(h)
            total = total + log_det
            points.append(h.view(-1, 2).cpu())
            nats.append(-(model.prior.log_prob(h) + total).mean().item())
    return points, nats

"""The explorer of notebook 08: two densities, a prior, and the boundary that follows from them."""

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.distributions import MultivariateNormal

from course_utils.explorers.engine import Explorer, slider
from course_utils.plots.canvas import BLACK, BLUE, VERMILLION

RESOLUTION = 80
LEVELS = (0.1, 0.4, 0.8)  # of each density, as parts of its peak
CLASSES = ((0, BLUE, "o", "●"), (1, VERMILLION, "^", "▲"))


def boundary(x: Tensor, y: Tensor, *, names: tuple[str, str] = ("0", "1")) -> Explorer:
    """Where p(y = 1 | x) = ½, when each class is a Gaussian of the plane and p(y = 1) is dragged.

    Args:
        x: points of the plane, ``(N, 2)``.
        y: their classes, 0 or 1, ``(N,)``.
        names: of the two classes.

    Raises:
        ValueError: x is no batch of points, y is none of classes 0 and 1 for it, or a class has fewer than 3
            points.
    """
    counts = [int((y == c).sum()) for c in (0, 1)]
    if x.shape[1:] != (2,) or y.shape != x.shape[:1] or min(counts) < 3 or sum(counts) != len(y):
        got = f"x {tuple(x.shape)}, y {tuple(y.shape)} and {counts} points"
        raise ValueError(f"boundary: expected x (N, 2), y (N,) of classes 0 and 1, 3 points each, got {got}")
    x, y = x.cpu().double(), y.cpu()
    clouds, tiny = [x[y == c] for c in (0, 1)], 1e-6 * torch.eye(2).double()
    gaussians = [MultivariateNormal(cloud.mean(0), torch.cov(cloud.T) + tiny) for cloud in clouds]
    margin = 0.1 * (x.amax(0) - x.amin(0))
    ends = zip(x.amin(0) - margin, x.amax(0) + margin, strict=True)
    axes = [torch.linspace(low, high, RESOLUTION) for low, high in ends]
    grid = torch.stack(torch.meshgrid(*axes, indexing="xy"), -1).double()
    on_grid, on_points = (torch.stack([g.log_prob(at) for g in gaussians]) for at in (grid, x))

    def frame(figure: Figure) -> None:
        ax = figure.add_axes((0.1, 0.14, 0.87, 0.74))
        for c, colour, marker, sign in CLASSES:
            ax.scatter(*x[y == c].T, s=14, color=colour, marker=marker, alpha=0.6, linewidths=0)
            p = (on_grid[c] - on_grid[c].max()).exp()
            ax.contour(*axes, p, levels=LEVELS, colors=colour, linewidths=1.2)
            figure.text(0.12 + 0.12 * c, 0.9, f"{sign} {names[c]}", color=colour)
        ax.set(xticks=[], yticks=[], xlabel="first principal component", ylabel="second principal component")

    def draw(figure: Figure, *, prior: float) -> None:
        odds = torch.tensor(prior / (1 - prior)).log()
        answers = (on_points[1] - on_points[0] + odds > 0).to(y.dtype)
        missed = [f"{100 * (answers != y)[y == c].double().mean():.0f} % of the {names[c]}s" for c in (0, 1)]
        (ax,) = figure.axes
        ax.contour(*axes, on_grid[1] - on_grid[0] + odds, levels=[0.0], colors=BLACK, linewidths=3)
        figure.text(0.97, 0.9, f"training errors: {', '.join(missed)}", ha="right")

    return Explorer(
        draw,
        frame=frame,
        title="Two classes as Gaussians, and the boundary between them for a prior",
        size=(7, 4.6),
        prior=slider(0.01, 0.99, value=0.5, step=0.01, name="p(y = 1)", tooltip="How frequent class 1 is"),
    )

"""A game on the plane replayed, and two distributions that are pulled apart."""

from collections.abc import Sequence
from math import log

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from course_utils.checks import check_count
from course_utils.divergences import js, wasserstein1_line
from course_utils.explorers.engine import Explorer, panels, slider
from course_utils.plots.canvas import BLACK, BLUE, GREEN, ORANGE, VERMILLION
from course_utils.universe import PlaneDensity, gaussian_on, line

SIDE, NEAR, WIDTH, FARTHEST = 40, 3.0, 0.6, 4.0


def lattice(data: PlaneDensity, side: int = SIDE) -> Tensor:
    """Points of a square lattice over the window of a density, row by row from below: ``(side², 2)``.

    >>> from course_utils.universe import gaussians
    >>> lattice(gaussians(), 2).tolist()
    [[-4.0, -4.0], [4.0, -4.0], [-4.0, 4.0], [4.0, 4.0]]
    """
    places = torch.linspace(-data.extent, data.extent, check_count(side, "lattice: side"))
    return torch.stack(torch.meshgrid(places, places, indexing="xy"), -1).view(-1, 2)


def shares(data: PlaneDensity, x: Tensor) -> Tensor:
    """The share of points x ``(N, 2)`` that lie within three standard deviations of each mode: ``(K,)``.

    What is missing from 1 lies between the modes.

    >>> from course_utils.universe import gaussians
    >>> shares(gaussians(2), torch.tensor([[2.5, 0.0], [2.4, 0.1], [-2.5, 0.0], [0.0, 0.0]])).tolist()
    [0.5, 0.25]
    """
    nearest = torch.cdist(x, data.centres.to(x)).min(1)
    near = nearest.values < NEAR * data.scale
    return torch.bincount(nearest.indices[near], minlength=len(data.centres)) / len(x)


def replay(
    data: PlaneDensity, epochs: Sequence[int], samples: Sequence[Tensor], answers: Sequence[Tensor]
) -> Explorer:
    """A game on the plane from its start to its end: samples over D's answer, and the share of each mode.

    Args:
        data: the true density, a mixture of a few Gaussians.
        epochs: when the game was looked at.
        samples: G's samples then, ``(N, 2)``.
        answers: D's answer then on ``lattice(data)``, ``(1600,)``.

    Raises:
        ValueError: the three are not of the same length, or shorter than 2.
    """
    if not len(epochs) == len(samples) == len(answers) >= 2:
        got = [len(each) for each in (epochs, samples, answers)]
        raise ValueError(f"replay: expected at least two epochs with samples and answers for each, got {got}")
    maps = [colormaps["cividis"](answer.cpu().view(SIDE, SIDE).numpy(), bytes=True) for answer in answers]
    e, modes = data.extent, len(data.centres)
    edge = e + e / (SIDE - 1)

    def frame(figure: Figure) -> None:
        left, right = figure.add_axes((0.08, 0.15, 0.37, 0.76)), figure.add_axes((0.56, 0.15, 0.42, 0.76))
        left.set(xlim=(-e, e), ylim=(-e, e), xticks=[-e, 0, e], yticks=[-e, 0, e], aspect="equal")
        left.set(xlabel="$x_1$", ylabel="$x_2$")
        right.set(ylim=(0, 60), xlim=(0.5, modes + 0.5), xticks=[1, modes], yticks=[0, 20, 40, 60])
        right.set(xlabel="mode", ylabel="% of the samples")

    def draw(figure: Figure, *, moment: int) -> None:
        x, answer, (left, right) = samples[moment].cpu(), answers[moment], figure.axes
        left.imshow(maps[moment], extent=(-edge, edge, -edge, edge), origin="lower")
        # artists of their own, since axes that stand need not learn what reaches how far
        left.add_artist(Line2D(*x.T.numpy(), marker=".", ls="none", color=ORANGE, ms=4))
        left.add_artist(Line2D(*data.centres.T.numpy(), marker="+", ls="none", color="white", ms=9, mew=2))
        left.set_title(f"epoch {epochs[moment]}; D from {answer.min():.2f} to {answer.max():.2f}")
        share = shares(data, x)
        right.stairs((100 * share).numpy(), np.arange(modes + 1) + 0.5, fill=True, color=BLUE)
        right.add_artist(Line2D([0.5, modes + 0.5], [100 / modes] * 2, color=BLACK, lw=1.5, ls="--"))
        right.set_title(f"{100 * share.sum():.0f} % at a mode")

    return Explorer(
        draw,
        frame=frame,
        title="A game on the plane: samples of G over the answers of D, and the share of each mode",
        size=(9, 4.2),
        moment=slider(
            0, len(epochs) - 1, value=len(epochs) // 3, tooltip="Go through the game from start to end"
        ),
    )


def apart() -> Explorer:
    """Two equal bells pulled apart: the best D between them, their JSD in nats and W₁ in units of x."""
    x, top = line(), float(gaussian_on(line(), 0.0, WIDTH).exp().max())
    distances = torch.linspace(0, FARTHEST, 41).tolist()
    pairs = [(gaussian_on(x, -s / 2, WIDTH), gaussian_on(x, s / 2, WIDTH)) for s in distances]
    curves = [
        ("JSD", BLACK, "-", torch.stack([js(p, q) for p, q in pairs]), (2.6, 0.18)),
        ("W₁", GREEN, "--", torch.stack([wasserstein1_line(p, q, x) for p, q in pairs]), (1.7, 2.9)),
    ]

    def frame(figure: Figure) -> None:
        left, right = panels(figure, 2, header=0.55)
        left.text(-3.9, 0.93, "D*", color=BLACK, va="top", size=14)
        left.set(xlim=(-4, 4), ylim=(0, 1.25), xticks=[-4, 0, 4], yticks=[0, 0.5, 1])
        left.set(xlabel="x", ylabel="D*(x)")
        for name, colour, dash, values, place in curves:
            right.plot(distances, values.numpy(), color=colour, linestyle=dash)
            right.text(*place, name, color=colour, size=14)
        right.axhline(log(2), color=BLACK, lw=1, linestyle=":")
        right.text(FARTHEST, log(2) + 0.08, "log 2", ha="right", va="bottom", size=12)
        right.set(xlabel="distance of the means", ylabel="JSD (nats), W₁", ylim=(0, 4.2), xticks=[0, 2, 4])

    def draw(figure: Figure, *, distance: float) -> None:
        k, (left, right) = round(10 * distance), figure.axes
        best = torch.sigmoid(pairs[k][0] - pairs[k][1])
        bells = [torch.stack([x, log_one.exp() / top], 1)[::4].numpy() for log_one in pairs[k]]
        fills = PolyCollection(bells, facecolors=[BLUE, VERMILLION], alpha=0.4, linewidths=0)
        left.add_collection(fills, autolim=False)
        left.add_artist(Line2D(x[::2].numpy(), best[::2].numpy(), color=BLACK))
        left.text(-distance / 2 - 0.1, 1.05, "p_D", color=BLUE, ha="right", va="bottom", size=14)
        left.text(distance / 2 + 0.1, 1.05, "p_g", color=VERMILLION, va="bottom", size=14)
        for _, colour, _, values, _ in curves:
            right.add_artist(Line2D([distance], [values[k]], marker="o", color=colour, ms=9, clip_on=False))

    return Explorer(
        draw,
        frame=frame,
        title="Data and samples pulled apart: the best discriminator, JSD and W₁",
        size=(9, 4.2),
        distance=slider(0.0, FARTHEST, value=3.0, step=0.1, tooltip="How far the samples are from the data"),
    )

"""The explorers of notebook 19: a game on the plane replayed, and two distributions that are pulled apart."""

from collections.abc import Sequence
from functools import partial
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

SIDE, NEAR, WIDTH = 40, 3.0, 0.6
FARTHEST = 4.0


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
        got = f"{len(epochs)}, {len(samples)} and {len(answers)}"
        raise ValueError(f"replay: expected at least two epochs with samples and answers for each, got {got}")
    looks = [(e, x.cpu(), a.cpu().view(SIDE, SIDE)) for e, x, a in zip(epochs, samples, answers, strict=True)]
    maps = [colormaps["cividis"](answer.numpy(), bytes=True) for _, _, answer in looks]
    return Explorer(
        partial(draw_replay, data, looks, maps),
        title="A game on the plane: samples of G over the answers of D, and the share of each mode",
        size=(9, 4.2),
        frame=partial(frame_replay, data.extent, len(data.centres)),
        moment=slider(0, len(looks) - 1, value=0, tooltip="Go through the game from start to end"),
    )


def frame_replay(e: float, modes: int, figure: Figure) -> None:
    """The window of the plane, and axes for the shares."""
    left, right = figure.add_axes((0.08, 0.15, 0.37, 0.76)), figure.add_axes((0.56, 0.15, 0.42, 0.76))
    ticks = [-e, 0, e]
    left.set(xlim=(-e, e), ylim=(-e, e), xticks=ticks, yticks=ticks, xlabel="$x_1$", ylabel="$x_2$")
    left.set_aspect("equal")
    right.set(ylim=(0, 60), xlim=(0.5, modes + 0.5), xticks=[1, modes], yticks=[0, 20, 40, 60])
    right.set(xlabel="mode", ylabel="% of the samples")


def draw_replay(
    data: PlaneDensity,
    looks: list[tuple[int, Tensor, Tensor]],
    maps: list[np.ndarray],
    figure: Figure,
    *,
    moment: int,
) -> None:
    """Draw the samples on the map of D's answers, and how they are shared among the modes."""
    epoch, x, answer = looks[moment]
    left, right = figure.axes
    e = data.extent
    cell = e / (SIDE - 1)
    window = (-e - cell, e + cell, -e - cell, e + cell)
    left.imshow(maps[moment], extent=window, origin="lower")
    # artists of their own, since axes that stand need not learn what reaches how far
    left.add_artist(Line2D(*x.T.numpy(), marker=".", ls="none", color=ORANGE, ms=4))
    left.add_artist(Line2D(*data.centres.T.numpy(), marker="+", ls="none", color="white", ms=9, mew=2))
    left.set_title(f"epoch {epoch}; D from {answer.min():.2f} to {answer.max():.2f}")
    share = shares(data, x)
    count = len(share)
    bars = [[(k - 0.5, 0), (k - 0.5, s), (k + 0.5, s), (k + 0.5, 0)] for k, s in enumerate(100 * share, 1)]
    right.add_collection(PolyCollection([*map(np.array, bars)], color=BLUE), autolim=False)
    right.add_artist(Line2D([0.5, count + 0.5], [100 / count] * 2, color=BLACK, lw=1.5, ls="--"))
    right.set_title(f"{100 * share.sum():.0f} % at a mode")


def apart() -> Explorer:
    """Two equal bells pulled apart: the best D between them, and what each player's distance says."""
    curves = distances_apart()
    return Explorer(
        partial(draw_apart, curves),
        title="Data and samples pulled apart: the best discriminator, JSD and W₁",
        size=(9, 4.2),
        frame=partial(frame_apart, curves),
        distance=slider(0.0, FARTHEST, value=1.0, step=0.1, tooltip="How far the samples are from the data"),
    )


def distances_apart() -> dict[str, Tensor]:
    """JSD in nats and W₁ in units of x of two equal bells, against the distance of their means."""
    x, shift = line(), torch.linspace(0, FARTHEST, 41)
    pairs = [(gaussian_on(x, -s / 2, WIDTH), gaussian_on(x, s / 2, WIDTH)) for s in shift.tolist()]
    return {
        "distance": shift,
        "JSD": torch.stack([js(p, q) for p, q in pairs]),
        "W₁": torch.stack([wasserstein1_line(p, q, x) for p, q in pairs]),
    }


LOOKS = {"JSD": (BLACK, "-"), "W₁": (GREEN, "--")}


def frame_apart(curves: dict[str, Tensor], figure: Figure) -> None:
    """Draw both distances as curves, and axes for the distributions."""
    left, right = panels(figure, 2, header=0.55)
    left.text(-3.9, 0.93, "D*", color=BLACK, va="top", size=14)
    left.set(xlim=(-4, 4), ylim=(0, 1.25), xlabel="x", xticks=[-4, 0, 4], yticks=[0, 0.5, 1], ylabel="D*(x)")
    for name, (colour, dash) in LOOKS.items():
        right.plot(curves["distance"].numpy(), curves[name].numpy(), color=colour, linestyle=dash)
    right.axhline(log(2), color=BLACK, lw=1, linestyle=":")
    right.text(FARTHEST, log(2) + 0.08, "log 2", ha="right", va="bottom", size=12)
    right.text(2.6, 0.18, "JSD", color=BLACK, size=14)
    right.text(2.3, 2.9, "W₁", color=GREEN, ha="right", size=14)
    right.set(xlabel="distance of the means", ylabel="JSD (nats), W₁", ylim=(0, 4.2))
    right.set(xticks=[0, 2, 4], yticks=[0, 2, 4])


def draw_apart(curves: dict[str, Tensor], figure: Figure, *, distance: float) -> None:
    """Draw both distributions with D* on the left, and mark this place on both distances on the right."""
    x = line()
    log_p, log_q = gaussian_on(x, -distance / 2, WIDTH), gaussian_on(x, distance / 2, WIDTH)
    left, right = figure.axes
    top = float(log_p.exp().max())
    bells = [torch.stack([x, log.exp() / top], 1)[::4].numpy() for log in (log_p, log_q)]
    fills = PolyCollection(bells, facecolors=[BLUE, VERMILLION], alpha=0.4, linewidths=0)
    left.add_collection(fills, autolim=False)
    left.add_artist(Line2D(x[::2].numpy(), torch.sigmoid(log_p - log_q)[::2].numpy(), color=BLACK))
    left.text(-distance / 2 - 0.1, 1.05, "p_D", color=BLUE, ha="right", va="bottom", size=14)
    left.text(distance / 2 + 0.1, 1.05, "p_g", color=VERMILLION, va="bottom", size=14)
    for name, (colour, _) in LOOKS.items():
        spot = [distance], [curves[name][round(10 * distance)]]
        right.add_artist(Line2D(*spot, marker="o", color=colour, ms=9, clip_on=False))

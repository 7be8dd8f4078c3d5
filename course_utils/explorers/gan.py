"""The explorers of notebook 19: a game, two distributions pulled apart, noise against class, the ranking."""

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil, floor, log, log10, pi

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from course_utils import plots
from course_utils.checks import check_count
from course_utils.divergences import Estimate, js, wasserstein1_line
from course_utils.evaluation import Row, load, results
from course_utils.evaluation.results import BINARY, C2ST, FRECHET, GREY, UNIVERSES
from course_utils.explorers.engine import Explorer, bare, choice, panels, slider
from course_utils.models import GAN
from course_utils.plots.canvas import BLACK, BLUE, GREEN, ORANGE, PURPLE, TICKS, VERMILLION
from course_utils.taxonomy import leaves
from course_utils.universe import PlaneDensity, gaussian_on, line

SIDE, NEAR, WIDTH, FARTHEST = 40, 3.0, 0.6, 4.0
ROWS = 4  # of noise
COMPUTES = {"exact": "p(x)", "none": "samples only", "lower bound": "a bound", "unnormalised": "p(x) up to Z"}
# as on the tree, implicit densities have the second colour
LOOKS = dict(zip(COMPUTES, ((BLUE, "o"), (VERMILLION, "s"), (GREEN, "^"), (PURPLE, "D")), strict=True))
Read = Callable[[Row], Estimate | None]


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
        moment=slider(0, len(epochs) - 1, value=len(epochs) // 3, tooltip="Go through the game"),
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


def styles(model: GAN) -> Explorer:
    """Each class in a column, one z for all classes in a row, and every z on its way to another.

    Raises:
        ValueError: the model, of images with one channel, knows no classes.
    """
    classes = getattr(model, "classes", None)
    if not classes:
        raise ValueError(f"styles: expected a GAN with classes, got {type(model).__name__} without")
    y = torch.arange(classes, device=model.reference.device)

    def draw(figure: Figure, *, way: float, seed: int) -> None:
        start, end = model.noise(2 * ROWS, torch.Generator(y.device).manual_seed(seed)).chunk(2)
        angle = torch.tensor(way * pi / 2)
        z = angle.cos() * start + angle.sin() * end  # on an arc: everywhere as likely as z itself
        with torch.no_grad():
            x = model.generator(z.repeat_interleave(classes, 0), y.repeat(ROWS)).cpu()
        columns, rows = [str(k) for k in range(classes)], [f"z {k}" for k in range(1, ROWS + 1)]
        title = f"every z has gone {100 * way:.0f} % of its way"
        plots.images(x, columns=columns, rows=rows, title=title, ax=figure.axes[0])

    return Explorer(
        draw,
        title="One z a row, one class a column",
        size=(9, 4.2),
        frame=bare((0.07, 0.01, 0.92, 0.83)),
        way=slider(0.0, 1.0, value=0.5, step=0.05, tooltip="How far each z has gone to another one"),
        seed=slider(0, 20, value=0, tooltip="Which z they are"),
    )


def score(data: str, *names: str) -> Read:
    """How to read the first of some scores on a set; a bound on a cost stands for the cost."""
    return lambda row: next((row[name] for name in names if row.data == data and name in row.scores), None)


def seconds(attribute: str) -> Read:
    """How to read the seconds on black-and-white digits; of the flows, on grey ones."""
    return lambda row: Estimate(getattr(row, attribute), 0.0) if row.data in (BINARY, GREY) else None


def of_digits(name: str) -> dict[str, tuple[Read, str]]:
    """How to read a two-sample score on each set of digits."""
    scale = "log" if name == FRECHET else "linear"
    label = {C2ST: "share recognised as samples (C2ST)", FRECHET: "squared Fréchet distance"}[name]
    thresholded = score(GREY, name + results.BINARISED)
    return {
        f"17 grey levels: {label}": (score(GREY, name), scale),
        f"digits in black and white: {label}": (lambda r: score(BINARY, name)(r) or thresholded(r), scale),
    }


NUMBERS: dict[str, tuple[Read, str]] = {
    **{f"{data}: total variation to p_D": (score(data, results.TV_HISTOGRAM), "log") for data in UNIVERSES},
    "universe 4×4: KL(p_D‖p_M), nats": (score("universe 4×4", results.KL_HISTOGRAM), "log"),
    "universe 4×4: KL(p_M‖p_D), nats": (score("universe 4×4", results.REVERSE_KL), "log"),
    "digits in black and white: nats": (score(BINARY, *results.LIKELIHOODS), "linear"),
    "17 grey levels: bits/dim": (score(GREY, *results.LIKELIHOODS), "linear"),
    **of_digits(C2ST),
    **of_digits(FRECHET),
    "digits: CPU seconds to train": (seconds("seconds"), "log"),
    "digits: CPU seconds for 1,000 samples": (seconds("sampling"), "log"),
}


def numbers(name: str, rows: Sequence[Row]) -> dict[str, Estimate]:
    """One number of every trained system of the tree that has it, the smallest first.

    Of two sets, black and white. What is younger than the tree stands in notebook 20.
    """
    read, known = NUMBERS[name][0], {leaf.__name__ for leaf in leaves()}
    grey_first = sorted(rows, key=lambda row: row.data != GREY)
    trained = [row for row in grey_first if row.parameters and row.model.split(",")[0] in known]
    values = {row.model: one for row in trained if (one := read(row)) is not None}
    return dict(sorted(values.items(), key=lambda item: item[1].value))


def yardstick(name: str, rows: Sequence[Row]) -> tuple[str, float] | None:
    """What the truth itself gets, by name, if it has this number."""
    if "seconds" in name:
        return None
    found = [(row.model, NUMBERS[name][0](row)) for row in rows if row.density == "truth"]
    return next(((model, value.value) for model, value in found if value and value.value > 0), None)


def ticks(low: float, high: float, scale: str) -> tuple[dict[float, str], list[float]]:
    """Places on an axis with what is written there, and places of small ticks; "linear" or "log".

    >>> ticks(0.004, 0.7, "log")[0]
    {0.01: '0.01', 0.1: '0.1'}
    >>> list(ticks(4, 30, "log")[0].values()), list(ticks(0.47, 0.97, "linear")[0].values())
    (['5', '10', '20', '30'], ['0.5', '0.6', '0.7', '0.8', '0.9'])
    """
    if scale == "linear":
        return {x: f"{x:.6g}" for x in MaxNLocator(TICKS).tick_values(low, high) if low <= x <= high}, []
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    every = [(k, float(f"{k}e{decade}")) for decade in decades for k in range(1, 10)]
    inside = [(k, x) for k, x in every if low <= x <= high]
    written = (1,) if sum(k == 1 for k, _ in inside) > 1 else (1, 2, 3, 5)
    return {x: f"{x:,.6g}" for k, x in inside if k in written}, [x for k, x in inside if k not in written]


def axis(numbers: list[float], scale: str) -> tuple[Callable[[float], float], dict[float, str], list[float]]:
    """An axis from 0 to 1 for these numbers: where one stands, what is written where, and small ticks."""
    on, back = (log10, lambda x: 10**x) if scale == "log" else (float, float)
    ends = [on(number) for number in numbers]
    room = 0.05 * (max(ends) - min(ends)) or 0.5
    low, wide = min(ends) - room, max(ends) - min(ends) + 2 * room
    return lambda x: (on(max(x, back(low))) - low) / wide, *ticks(back(low), back(low + wide), scale)


def frame_table(figure: Figure) -> None:
    """What is the same for every number: the axes, and what the dots stand for."""
    ax = figure.add_axes((0.2, 0.13, 0.77, 0.77), xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    for kind, (colour, marker) in LOOKS.items():
        ax.plot([], [], marker, color=colour, ms=9, label=COMPUTES[kind])
    ax.legend(ncols=len(LOOKS), loc="lower center", bbox_to_anchor=(0.45, 1), borderaxespad=0.3)


def table(rows: Sequence[Row] | None = None, *, start: str | None = None) -> Explorer:
    """One number of the table for all systems, best on top: choose which.

    Args:
        rows: of the scoreboard; None: those that the course ships.
        start: the number to begin with; None: the first.

    Raises:
        ValueError: no row is of a trained system, or none has the number to begin with.
    """
    rows = list(load() if rows is None else rows)
    found = [name for name in NUMBERS if numbers(name, rows)]
    if not found or (start is not None and start not in found):
        raise ValueError(f"table: expected rows of trained systems that have {start or 'a number'}, got none")
    density = {row.model: row.density for row in rows if row.parameters}

    def draw(figure: Figure, *, number: str) -> None:
        (ax,) = figure.axes
        values, scale, truth = numbers(number, rows), NUMBERS[number][1], yardstick(number, rows)
        ax.set_label(f"Best first: {', '.join(f'{name} {value:.3g}' for name, (value, _) in values.items())}")
        held = [each.value for each in values.values()] + ([truth[1]] if truth else [])
        place, written, small = axis(held, scale)
        write = partial(figure.text, transform=ax.transAxes, size=12)
        for x, words in written.items():
            write(place(x), -0.018, words, ha="center", va="top")
        write(0.5, -0.075, number, ha="center", va="top", size=14)
        if truth:
            write(place(truth[1]) + 0.012, 0.012, truth[0])
            ax.axvline(place(truth[1]), color=BLACK, ls="--", lw=1.5)
        dots, lines = {kind: [] for kind in LOOKS}, []
        for k, (name, (value, error)) in enumerate(values.items()):
            y, kind = 1 - (k + 0.5) / len(values), density[name]
            write(-0.01, y, name, ha="right", va="center")
            dots[kind].append((place(value), y))
            lines += [([(0, y), (1, y)], "0.9", 0.8)]
            lines += [([(place(value - 2 * error), y), (place(value + 2 * error), y)], LOOKS[kind][0], 2.5)]
        for places, length in ((written, 0.009), (small, 0.005)):
            lines += [([(place(x), -length), (place(x), 0)], BLACK, 0.8) for x in places]
        where, colours, widths = zip(*lines, strict=True)  # one collection: many would take long
        look = {"colors": colours, "linewidths": widths, "clip_on": False, "zorder": 1.5}
        ax.add_collection(LineCollection(where, **look), autolim=False)
        for kind, spots in dots.items():
            if spots:
                ax.plot(*zip(*spots, strict=True), LOOKS[kind][1], color=LOOKS[kind][0], ms=9)

    return Explorer(
        draw,
        frame=frame_table,
        title="The whole tree, ranked by one number at a time, best on top",
        size=(9.0, 5.6),
        number=choice(found, value=start, tooltip="Which number of the table is shown"),
    )

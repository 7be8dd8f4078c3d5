"""Every system of the tree under one number: where it stands in a row, its axis, and the picture."""

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil, floor, log10

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import course_utils.models  # noqa: F401  the systems take their places on the tree
from course_utils.divergences import Estimate
from course_utils.evaluation import Row, load
from course_utils.evaluation.results import (
    BINARISED,
    BINARY,
    C2ST,
    FRECHET,
    GREY,
    KL_HISTOGRAM,
    LIKELIHOODS,
    REVERSE_KL,
    TV_HISTOGRAM,
    UNIVERSES,
)
from course_utils.explorers.engine import Explorer, choice
from course_utils.plots.canvas import BLACK, BLUE, GREEN, PURPLE, TICKS, VERMILLION
from course_utils.taxonomy import leaves

SIZE = (9.0, 5.6)
COMPUTES = {"exact": "p(x)", "none": "samples only", "lower bound": "a bound", "unnormalised": "p(x) up to Z"}
# as on the tree, implicit densities have the second colour
LOOKS = dict(zip(COMPUTES, ((BLUE, "o"), (VERMILLION, "s"), (GREEN, "^"), (PURPLE, "D")), strict=True))
Read = Callable[[Row], Estimate | None]


def score(data: str, *names: str) -> Read:
    """How to read the first of some scores on a set; a bound on a cost stands for the cost."""
    return lambda row: next((row[name] for name in names if row.data == data and name in row.scores), None)


def seconds(attribute: str) -> Read:
    """How to read the seconds on black-and-white digits; of the flows, on grey ones."""
    return lambda row: Estimate(getattr(row, attribute), 0.0) if row.data in (BINARY, GREY) else None


def digits(name: str) -> dict[str, tuple[Read, str]]:
    """How to read a two-sample score on each set of digits."""
    scale = "log" if name == FRECHET else "linear"
    label = {C2ST: "share recognised as samples (C2ST)", FRECHET: "squared Fréchet distance"}[name]
    thresholded = score(GREY, name + BINARISED)
    return {
        f"17 grey levels: {label}": (score(GREY, name), scale),
        f"digits in black and white: {label}": (lambda r: score(BINARY, name)(r) or thresholded(r), scale),
    }


NUMBERS: dict[str, tuple[Read, str]] = {
    **{f"{data}: total variation to p_D": (score(data, TV_HISTOGRAM), "log") for data in UNIVERSES},
    "universe 4×4: KL(p_D‖p_M), nats": (score("universe 4×4", KL_HISTOGRAM), "log"),
    "universe 4×4: KL(p_M‖p_D), nats": (score("universe 4×4", REVERSE_KL), "log"),
    "digits in black and white: nats": (score(BINARY, *LIKELIHOODS), "linear"),
    "17 grey levels: bits/dim": (score(GREY, *LIKELIHOODS), "linear"),
    **digits(C2ST),
    **digits(FRECHET),
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


def frame(figure: Figure) -> None:
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
        frame=frame,
        title="The whole tree, ranked by one number at a time, best on top",
        size=SIZE,
        number=choice(found, value=start, tooltip="Which number of the table is shown"),
    )

"""The explorers of notebook 10: the tree, where a class says what it can compute, and the table of all."""

from collections.abc import Callable, Sequence
from functools import partial
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

import course_utils.models  # noqa: F401  the systems take their places on the tree
from course_utils import plots
from course_utils.divergences import Estimate
from course_utils.evaluation import Row, load
from course_utils.evaluation.rows import (
    BINARY,
    C2ST,
    FRECHET,
    GREY,
    KL_HISTOGRAM,
    LIKELIHOODS,
    MEASURES,
    REVERSE_KL,
    SETS,
    TV_HISTOGRAM,
    UNIVERSES,
)
from course_utils.explorers.base import Explorer
from course_utils.explorers.controls import choice
from course_utils.plots.taxonomy_tree import is_system
from course_utils.taxonomy import GenerativeModel, children, verbs

Node = type[GenerativeModel]
SIZE = (10.4, 6.0)
LARGEST, SHOWN = list(UNIVERSES)[-1], 16
TABLE_SIZE = (9.5, 6.8)
DISTANCES = (TV_HISTOGRAM, KL_HISTOGRAM, REVERSE_KL)
COMPUTES = {"exact": "p(x)", "lower bound": "a bound", "unnormalised": "p(x) up to Z", "none": "samples only"}
SAYS = {
    "exact": "computes p(x)",
    "lower bound": "bounds p(x)",
    "unnormalised": "p(x) up to Z",
    "none": "samples only",
}


def systems(rows: Sequence[Row] | None = None, *, start: str = "NADE") -> Explorer:
    """The tree of slide 14: choose a class, and see its branch, its verbs and, of a system, its row.

    Args:
        rows: of the scoreboard; None: those that the course ships.
        start: the name of the class to begin with.

    Raises:
        ValueError: there is no such class on the tree.
    """
    names = {label(node): node.__name__ for node in nodes()}
    if start not in names.values():
        raise ValueError(f"systems: expected one of {', '.join(names.values())}, got {start!r}")
    return Explorer(
        partial(draw_systems, list(load() if rows is None else rows)),
        title="The tree of slide 14, and what a class of it can compute",
        size=SIZE,
        node=choice(names, value=start, name="class", tooltip="A branch of the tree, or a system on it"),
    )


def nodes(node: Node = GenerativeModel) -> list[Node]:
    """A node and all under it, each before what hangs under it, left to right."""
    return [node] + [found for child in children(node) for found in nodes(child)]


def label(node: Node) -> str:
    """What a node is called in the list: its title, with its parent's where two have the same."""
    depth = len([parent for parent in node.__mro__ if issubclass(parent, GenerativeModel)]) - 1
    parent = next(base for base in node.__mro__[1:] if hasattr(base, "title") or base is object)
    same = [other for other in nodes() if other.title == node.title and other is not node]
    return "\N{EN SPACE}" * depth + node.title + (f" ({parent.title.lower()})" if same else "")


def draw_systems(rows: list[Row], figure: Figure, *, node: str) -> None:
    """Draw the tree with a branch lit and, below, what the class can do and how its system fares."""
    chosen = next(one for one in nodes() if one.__name__ == node)
    plots.tree(figure.add_axes((0.005, 0.36, 0.99, 0.64)), lit=chosen, about=False)
    says = chosen.about if unsure(chosen) else SAYS[chosen.density]
    lines = [fill(f"{chosen.title}: {says}", 72), fill(f"verbs: {', '.join(verbs(chosen))}", 72)]
    pictures = None
    if is_system(chosen):
        lines += facts(chosen.__name__, rows)
        pictures = next((found.pictures for found in of(chosen.__name__, rows) if found.images), None)
    figure.text(0.02, 0.315, "\n".join(lines), size=14, va="top", linespacing=1.45)
    if pictures is not None:
        show(figure.add_axes((0.74, 0.02, 0.25, 0.3)), pictures[:SHOWN])


def show(ax: Axes, x: Tensor) -> None:
    """Show images ``(16, 1, H, W)`` on a sheet, four in a row."""
    height, width = x.shape[2:]
    sheet = x.view(4, 4, height, width).permute(0, 2, 1, 3).reshape(4 * height, 4 * width)
    ax.imshow(sheet.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.hlines([height * k - 0.5 for k in (1, 2, 3)], -0.5, 4 * width - 0.5, color="0.62", lw=1.5)
    ax.vlines([width * k - 0.5 for k in (1, 2, 3)], -0.5, 4 * height - 0.5, color="0.62", lw=1.5)
    ax.set_axis_off()


def unsure(node: Node) -> bool:
    """Whether the systems under a node differ in what they can say about p(x)."""
    below = {one.density for one in nodes(node) if is_system(one)}
    return len(below) > 1 or not below <= {node.density}


def of(model: str, rows: list[Row]) -> list[Row]:
    """The rows of a model on digits, those on binary ones first."""
    return [row for data in (BINARY, GREY) for row in rows if row.model == model and row.data == data]


def facts(model: str, rows: list[Row]) -> list[str]:
    """What the table knows of a system, in a few short lines."""
    found = {row.data: row for row in rows if row.model == model}
    lines = []
    if LARGEST in found:
        row = found[LARGEST]
        tv = row[TV_HISTOGRAM].value
        lines.append(f"{LARGEST}: TV {tv:.3f} to p_D")
    for row in of(model, rows)[:1]:
        name = next((name for name in LIKELIHOODS if name in row.scores), None)
        parts = []
        if name is not None:
            mark = {"bound": "≤ ", "estimate": "≈ ", "exact": ""}[MEASURES[name].kind]
            parts.append(f"{mark}{row[name].value:.2f} {MEASURES[name].unit}")
        told = row.look(C2ST)
        parts += [f"{100 * told.value:.0f} % told from real"] if told else []
        lines += [f"{row.data}: {', '.join(parts)}", f"trained in {row.seconds:.0f} s"]
    return lines or ["no row in the table yet"]


def table(rows: Sequence[Row] | None = None) -> Explorer:
    """One number of the table for all systems, best on top: choose which.

    Args:
        rows: of the scoreboard; None: those that the course ships.

    Raises:
        ValueError: no row is of a trained system.
    """
    rows = list(load() if rows is None else rows)
    found = [name for name in NUMBERS if numbers(name, rows)]
    if not found:
        raise ValueError("table: expected rows of trained systems, got none")
    return Explorer(
        partial(draw_table, rows),
        title="The table of the whole tree, a number at a time",
        size=TABLE_SIZE,
        number=choice(found, tooltip="Which number of the table is shown"),
    )


def of_universe(data: str, name: str) -> Callable[[Row], Estimate | None]:
    """How to read a score on one universe."""
    return lambda row: row[name] if row.data == data and name in row.scores else None


def of_digits(name: str) -> Callable[[Row], Estimate | None]:
    """How to read a two-sample score in black and white."""
    return lambda row: row.look(name) if row.data in (BINARY, GREY) else None


def of_cost(name: str) -> Callable[[Row], Estimate | None]:
    """How to read the seconds on digits."""
    return lambda row: Estimate(getattr(row, name), 0.0) if row.data in (BINARY, GREY) else None


NUMBERS: dict[str, tuple[Callable[[Row], Estimate | None], str]] = {
    **{f"{data}: {name}": (of_universe(data, name), "log") for data in UNIVERSES for name in DISTANCES},
    "digits: told from real images": (of_digits(C2ST), "linear"),
    "digits: Fréchet distance": (of_digits(FRECHET), "log"),
    "digits: CPU seconds to train": (of_cost("seconds"), "log"),
    "digits: CPU seconds for 1,000 samples": (of_cost("sampling"), "log"),
}


def numbers(name: str, rows: Sequence[Row]) -> dict[str, Estimate]:
    """One number of every trained system that has it, the smallest first; of two sets, the binary one."""
    read = NUMBERS[name][0]
    binary_last = sorted(rows, key=lambda row: -SETS.index(row.data))
    values = {row.model: read(row) for row in binary_last if row.parameters and read(row) is not None}
    return dict(sorted(values.items(), key=lambda item: item[1].value))


def yardstick(name: str, rows: Sequence[Row]) -> tuple[str, float] | None:
    """What the truth itself gets, by name, if it has this number."""
    read = NUMBERS[name][0]
    found = [(row.model, read(row)) for row in rows if row.density == "truth"]
    return next(((model, value.value) for model, value in found if value and value.value > 0), None)


def draw_table(rows: list[Row], figure: Figure, *, number: str) -> None:
    """Draw one number of every system as a dot, and that of the truth as a line."""
    values, scale = numbers(number, rows), NUMBERS[number][1]
    trained = [row for row in rows if row.parameters]
    can = {row.model: COMPUTES[kind] for kind in COMPUTES for row in trained if row.density == kind}
    ax = figure.add_axes((0.2, 0.1, 0.77, 0.78))
    line = None if "seconds" in number else yardstick(number, rows)
    plots.dots(values, number, ax, kinds=can, line=line, scale=scale)

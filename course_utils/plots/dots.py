"""Numbers with their errors side by side: a dot for each, a colour for each kind."""

from collections.abc import Mapping
from math import isfinite

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from course_utils.plots.canvas import BLACK, COLOURS, TICKS, axes, legend
from course_utils.plots.description import describe

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
ROW = 0.36  # inches for a dot and its name


def dots(
    values: Mapping[str, tuple[float, float]],
    xlabel: str,
    ax: Axes | None = None,
    *,
    kinds: Mapping[str, str] | None = None,
    bounds: tuple[str, ...] = (),
    line: tuple[str, float] | None = None,
) -> Axes:
    """Draw named numbers as dots with error bars of two standard errors, the first on top.

    Args:
        values: a name, and (value, standard error), for every number.
        xlabel: what they are, with the unit.
        ax: where to draw.
        kinds: a kind for every name, told apart by colour and shape in the order in which they come here: the
            same in every picture with the same kinds.
        bounds: names of numbers that are upper bounds: an arrow points where the truth may lie.
        line: a name and a value to compare with, as a dashed line.

    Raises:
        ValueError: there is no number, one is not finite, a name has no kind, or there are more than
            seven kinds.
    """
    if not values:
        raise ValueError("dots: expected at least one number, got none")
    for name, (value, error) in values.items():
        if not isfinite(value) or not isfinite(error):
            raise ValueError(f"dots: expected finite numbers, got {name}: {value} ± {error}")
    kinds = dict.fromkeys(values, "") if kinds is None else kinds
    without = [name for name in [*values, *bounds] if name not in kinds]
    every = list(dict.fromkeys(kinds.values()))
    if without or len(every) > len(MARKERS):
        raise ValueError(
            f"dots: expected one of at most {len(MARKERS)} kinds for every name, "
            f"got {len(every)} kinds and none for {', '.join(without) or 'none of them'}"
        )
    with axes(ax, (8, 1.5 + ROW * len(values))) as ax:
        place = {name: i for i, name in enumerate(values)}
        for kind, colour, marker in zip(every, COLOURS, MARKERS, strict=False):
            mine = [name for name in values if kinds[name] == kind]
            if not mine:
                continue
            numbers = [values[name][0] for name in mine]
            errors = [2 * values[name][1] for name in mine]
            rows = [place[name] for name in mine]
            look = {"color": colour, "ms": 9, "lw": 0, "elinewidth": 2.5}
            ax.errorbar(numbers, rows, xerr=errors, fmt=marker, label=kind or None, **look)
        for name in bounds:
            arrow = {"arrowstyle": "<-", "lw": 2, "color": COLOURS[every.index(kinds[name])]}
            at = values[name][0], place[name]
            ax.annotate("", at, xytext=(-34, 0), textcoords="offset points", arrowprops=arrow)
        if line is not None:
            ax.axvline(line[1], color=BLACK, ls="--", lw=1.5, label=line[0])
        ax.set(xlabel=xlabel, yticks=range(len(values)), ylim=(len(values) - 0.4, -0.6))
        ax.set_yticklabels(list(values))
        ax.grid(axis="y", color="0.9")
        ax.xaxis.set_major_locator(MaxNLocator(TICKS))
        legend(ax)
        about = {name: " at most" * (name in bounds) for name in values}
        errors = {name: f" ± {error:.2g}" if error else "" for name, (_, error) in values.items()}
        said = (f"{name}{about[name]} {value:.4g}{errors[name]}" for name, (value, _) in values.items())
        describe(ax, f"Values: {', '.join(said)}.")
    return ax

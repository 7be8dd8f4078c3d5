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
    line: tuple[str, float] | None = None,
) -> Axes:
    """Draw named numbers as dots with error bars of two standard errors, the first on top.

    Args:
        values: a name, and (value, standard error), for every number.
        xlabel: what they are, with the unit.
        ax: where to draw.
        kinds: a kind for every name, told apart by colour and shape in the order in which they come here: the
            same in every picture with the same kinds.
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
    without = [name for name in values if name not in kinds]
    every = list(dict.fromkeys(kinds.values()))
    if without or len(every) > len(MARKERS):
        raise ValueError(
            f"dots: expected one of at most {len(MARKERS)} kinds for every name, "
            f"got {len(every)} kinds and none for {', '.join(without) or 'none of them'}"
        )
    with axes(ax, (8, 1.5 + ROW * len(values))) as ax:
        place = {name: i for i, name in enumerate(values)}
        for kind, colour, marker in zip(every, COLOURS, MARKERS, strict=False):
            mine = {place[name]: number for name, number in values.items() if kinds[name] == kind}
            if mine:
                numbers, errors = zip(*mine.values(), strict=True)
                look = {"color": colour, "ms": 9, "lw": 0, "elinewidth": 2.5, "label": kind or None}
                ax.errorbar(numbers, list(mine), xerr=[2 * error for error in errors], fmt=marker, **look)
        if line is not None:
            ax.axvline(line[1], color=BLACK, ls="--", lw=1.5, label=line[0])
        ax.set(xlabel=xlabel, yticks=range(len(values)), ylim=(len(values) - 0.4, -0.6))
        ax.set_yticklabels(list(values))
        ax.grid(axis="y", color="0.9")
        ax.xaxis.set_major_locator(MaxNLocator(TICKS))
        legend(ax)
        errors = {name: f" ± {error:.2g}" if error else "" for name, (_, error) in values.items()}
        said = (f"{name} {value:.4g}{errors[name]}" for name, (value, _) in values.items())
        describe(ax, f"Values: {', '.join(said)}.")
    return ax

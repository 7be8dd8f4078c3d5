"""Small matrices as grids of squares: masks, permutations, triangles."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from torch import Tensor

from course_utils.plots.canvas import BLUE, array, new_axes, style
from course_utils.plots.description import describe

READABLE = 5  # up to so many columns have room for their numbers
SIDE = 2.6  # inches


def matrices(named: Mapping[str, Tensor], *, columns: str = "", rows: str = "") -> list[Axes]:
    """Draw matrices side by side: entries that are not 0 are blue, small matrices show their numbers.

    Args:
        named: a name for each matrix ``(n, m)``.
        columns: what the columns stand for.
        rows: what the rows stand for.

    Raises:
        ValueError: there is no matrix, or one has not two dimensions.

    >>> import torch
    >>> [ax] = matrices({"L": torch.tensor([[1.0, 0.0], [0.5, 1.0]])})
    >>> [text.get_text() for text in ax.texts]
    ['1', '0.5', '1']
    """
    values = {name: array(x, f"matrices: {name}", "(n, m)", 2) for name, x in named.items()}
    if not values:
        raise ValueError("matrices: expected at least one matrix, got none")
    every = new_axes((SIDE * len(values), SIDE + 0.4), len(values))
    with style():
        for ax, (name, x) in zip(every, values.items(), strict=True):
            colours = ListedColormap(["white", BLUE])
            ax.pcolormesh(x != 0, cmap=colours, vmin=0, vmax=1, edgecolor="0.6", lw=1)
            for i, j in np.argwhere(x) if x.shape[1] <= READABLE else ():
                ax.text(j + 0.5, i + 0.5, f"{x[i, j]:.2g}", color="white", size=14, ha="center", va="center")
            ax.set(aspect="equal", xticks=(), yticks=(), ylim=(len(x), 0), title=name)
            ax.set(xlabel=columns, ylabel=rows)
            lines = [" ".join(f"{v:.2g}" for v in row) for row in x]
            describe(ax, f"A matrix of {len(x)} rows, from the top: {'; '.join(lines)}.")
    return every

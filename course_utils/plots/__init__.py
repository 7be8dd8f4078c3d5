"""Figures from tensors, in one style: large letters, colours that everyone can tell apart.

Every function draws on the axes it is given, if it takes some, or on new ones (a notebook then shows them),
and returns the axes. None of them trains, samples or changes what it is given, and the style holds only
while they draw: matplotlib's own settings stay as they are, and those of a user's matplotlibrc play no part.
"""

from course_utils.plots.canvas import COLOURS, style
from course_utils.plots.curves import distributions, game, history, lines
from course_utils.plots.description import describe
from course_utils.plots.diagram import diagram, graph
from course_utils.plots.dots import dots
from course_utils.plots.images import images
from course_utils.plots.matrices import matrices
from course_utils.plots.plane import density, labelled, points
from course_utils.plots.scenes import pointing, scenes
from course_utils.plots.tree import tree

__all__ = [
    "COLOURS",
    "density",
    "describe",
    "diagram",
    "distributions",
    "dots",
    "game",
    "graph",
    "history",
    "images",
    "labelled",
    "lines",
    "matrices",
    "pointing",
    "points",
    "scenes",
    "style",
    "tree",
]

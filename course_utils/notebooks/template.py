"""The command that starts a notebook: one that runs and keeps every rule, to be filled with a lesson."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.notebooks.command import FOLDER, refresh
from course_utils.notebooks.execution import NotebookError

HEADER = """# {title}

Slide 6 of the lecture. *A question that makes one want to know.* Afterwards you will be able to

- say what …,
- compute …,
- judge ….

**Before:** what one needs to know.

**Time:** about 1 minute on 2 CPU cores, from top to bottom.
"""
OPENING = {  # a name and a source for each cell; text begins with # or *
    "title": HEADER,
    "imports": """from course_utils import plots
from course_utils.datasets import digits
from course_utils.exercises import check
from course_utils.explorers import start_here""",
    "question": "## The first idea\n\nThe reason comes before the formula: $p_M(x)$ is to be near $p_D(x)$.",
    "predict": "**Predict:** what will the next picture show?",
    "what-is-seen": "*Below: six digits in a row, drawn as ink on white.*",
    "digits": "x, y = digits().test\nplots.images(x[:6]);",
    "answer-to-it": "*What came, and why: in words, after the cell.*",
    "explore-text": "## An explorer\n\nThe picture shows a digit, grey on the left, two colours on the right.",
    "explore": "start_here.threshold()",
    "claim-text": "## A claim\n\nWhat is claimed is checked by an assert: pixels are 0 or 1.",
    "claim": "assert ((x == 0) | (x == 1)).all()",
}
STEP = {
    "step-{n}": "## Step {n}\n\nOne thought a slide, at most 80 words.",
    "step-{n}-code": "print({n})",
    "step-{n}-seen": "*What this shows, in words.*",
}
CLOSING = {
    "task": "## Exercise\n\n**Exercise.** Write `ink(x)`, the mean $\\frac{1}{D}\\sum_d x_d$ over all pixels.",
    "ink": "def ink(x):\n    ...",
    "ink-checked": "ink = check(ink)",
    "remember": "## Things to remember\n\n- One sentence that stays.",
}
STEPS = 4
UNSEEN = ("imports", "claim")  # on no slide


def template(title: str) -> NotebookNode:
    """A notebook with every part that the tests ask for, not yet run."""
    steps = {name.format(n=n): text.format(n=n) for n in range(1, 1 + STEPS) for name, text in STEP.items()}
    cells = []
    for name, source in {**OPENING, **steps, **CLOSING}.items():
        made = new_markdown_cell if source.startswith(("#", "*")) else new_code_cell
        kind = "slide" if source.startswith("#") else "skip" if name in UNSEEN else "fragment"
        slide = {"slideshow": {"slide_type": kind}}
        cells.append(made(source.replace("{title}", title), id=name, metadata=slide))
        if name == "ink":
            cells[-1].metadata["tags"] = ["exercise"]
    return new_notebook(cells=cells)


def new(number: int, stem: str, folder: Path = FOLDER) -> Path:
    """Write and run the notebook ``NN_stem.ipynb``, to be filled with a lesson; its path.

    Raises:
        ValueError: the number is not in [0, 99] or taken, or the stem is not lower-case words joined by _.
    """
    if not 0 <= number <= 99 or not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", stem):
        raise ValueError(f"new: expected a number up to 99 and a stem such as glow, got {number} {stem!r}")
    if taken := [path.name for path in folder.glob(f"{number:02d}_*.ipynb")]:
        raise ValueError(f"new: expected a number that is free, got {number:02d}, which {taken[0]} has")
    path = folder / f"{number:02d}_{stem}.ipynb"
    nbformat.write(template(stem.replace("_", " ").capitalize()), path)
    try:
        refresh(path)
    except NotebookError:
        path.unlink()
        raise
    return path


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``new NUMBER STEM``; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m course_utils new", description=__doc__)
    parser.add_argument("number", type=int, help="of the notebook, such as 20")
    parser.add_argument("stem", help="its name, such as where_the_tree_has_grown")
    given = parser.parse_args(argv)
    try:
        path = new(given.number, given.stem)
    except (ValueError, OSError, NotebookError) as error:
        parser.error(str(error))
    print(f"{path.name} keeps every rule. Its explorers and its exercises go to explorers/{given.stem}.py and")
    print(f"exercises/{given.stem}.py in course_utils; then name it in README, The map.")
    return 0

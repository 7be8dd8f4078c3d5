"""The picture of the README: samples of every system on the tree, from the weights that ship."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from course_utils import plots, pretrained

PLACE = Path(__file__).resolve().parents[2] / "data" / "shipped" / "picture.png"
COLUMNS, DPI = 14, 110


def draw() -> str:
    """Write the picture; return what it shows, in a sentence."""
    rows = pretrained.gallery(COLUMNS)
    with plots.style():
        ax = plots.images(torch.cat(list(rows.values())), columns=COLUMNS, rows=list(rows))
        figure = ax.get_figure(root=True)
        assert figure is not None
        figure.savefig(PLACE, dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    return f"{COLUMNS} images in each of {len(rows)} rows: {', '.join(rows)}"


def main(argv: Sequence[str]) -> int:
    """The command ``picture``: write the picture to where the README looks for it."""
    parser = argparse.ArgumentParser(prog="python -m course_utils picture", description="Draw the README's.")
    parser.parse_args(argv)
    try:
        print(f"{PLACE.name}: {draw()}")
    except OSError as error:
        parser.error(str(error))
    return 0

"""The picture of the README: samples of every system on the tree, from the weights that ship."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from course_utils import plots, pretrained

PLACE = Path(__file__).resolve().parents[2] / "data" / "shipped" / "picture.png"
COLUMNS, DPI = 14, 110


def draw(path: Path = PLACE) -> str:
    """Write the picture; return what it shows, in a sentence."""
    rows = pretrained.gallery(COLUMNS)
    with plots.style():
        ax = plots.images(torch.cat(list(rows.values())), columns=COLUMNS, rows=list(rows))
        figure = ax.get_figure(root=True)
        assert figure is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    return f"{COLUMNS} samples of each of {len(rows) - 1} systems, below as many real digits"


def main(argv: Sequence[str]) -> int:
    """The command ``picture [PATH]``: write the picture there, or to where the README looks for it."""
    parser = argparse.ArgumentParser(prog="python -m course_utils picture", description="Draw the README's.")
    parser.add_argument("path", nargs="?", type=Path, default=PLACE, help="a PNG file; none: data/shipped")
    path = parser.parse_args(argv).path
    if path.suffix != ".png":
        parser.error(f"expected a path that ends in .png, got {path}")
    try:
        print(f"{path.name}: {draw(path)}")
    except OSError as error:
        parser.error(str(error))
    return 0

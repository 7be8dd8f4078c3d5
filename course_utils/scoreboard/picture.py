"""The picture of the README: slide 14's tree drawn from the classes, and a model that learns the digits."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from course_utils import plots, runtime
from course_utils.datasets import digits
from course_utils.models import NADE
from course_utils.training import fit

PLACE = Path(__file__).resolve().parents[2] / "data" / "shipped" / "picture.png"
SHOWN = 15
DPI = 110
SHAPE = 0.68  # height over width of 3 × 5 digits with their title


def learn(epochs: int | None = None) -> tuple[dict[str, Tensor], float]:
    """Train NADE on the 8×8 digits, on the CPU; keep samples from before, from early on and from the end.

    The same random numbers draw every set of samples, so that one can follow an image as p_M moves. Returns
    titled images ``(15, 1, 8, 8)``, the data first; and the mean −log p_M(x) on the test digits in nats.
    """
    runtime.set_seed(0)
    data = digits()
    model = NADE((1, 8, 8))
    found = {"digits from $p_D$": data.train.x[:SHOWN]}

    def look(epoch: int, _: object = None, last: bool = False) -> None:
        if epoch in (0, 2) or last:
            title = f"$p_M$ after {epoch} epochs" if epoch else "$p_M$ before training"
            found[title] = model.sample(SHOWN, generator=torch.Generator().manual_seed(4))

    history = fit(model, data.train.x, valid=data.valid.x, epochs=epochs, device="cpu", on_epoch=look)
    look(history.best_epoch, last=True)
    with torch.no_grad():
        return found, -model.log_prob(data.test.x).mean().item()


def draw(path: Path = PLACE, epochs: int | None = None) -> str:
    """Write the picture; return what it shows, in a sentence."""
    found, nats = learn(epochs)
    with plots.style():
        top = plots.tree()
        figure = top.get_figure(root=True)
        assert figure is not None
        width, height = figure.get_size_inches()
        below = SHAPE * width / len(found)
        grid = figure.add_gridspec(2, len(found), height_ratios=[height, below])
        figure.set_size_inches(width, height + below)
        top.set_subplotspec(grid[0, :])
        for column, (title, x) in enumerate(found.items()):
            plots.images(x, columns=5, title=title, ax=figure.add_subplot(grid[1, column]))
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=DPI, metadata={"Software": None})
    return f"NADE's samples; −log p on the test digits: {nats:.2f} nats"


def main(argv: Sequence[str]) -> int:
    """The command ``picture [PATH]``: write the picture there, or to where the README looks for it."""
    parser = argparse.ArgumentParser(prog="python -m course_utils picture", description="Draw the README's.")
    parser.add_argument("path", nargs="?", type=Path, default=PLACE, help="a PNG file; none: data/shipped")
    path = parser.parse_args(argv).path
    print(f"{path.name}: {draw(path)}")
    return 0

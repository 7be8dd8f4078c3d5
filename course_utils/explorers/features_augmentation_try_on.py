"""The explorers of notebook 07: how far an image may be warped, what few labels make readable, any shirt."""

from collections.abc import Callable, Mapping
from functools import lru_cache

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.applications.augmentation import warp
from course_utils.applications.features import check_features, label_draws, read_scaled, scaled
from course_utils.applications.try_on import TryOn, inputs
from course_utils.datasets.people import People, dressed
from course_utils.explorers.engine import Explorer, bare, choice, slider

COPIES = 2  # warped, of each image
COUNTS, START, PICKS, ROWS, COLUMNS = (10, 20, 50, 100), 20, 10, 2, 9
STEPS = (
    "the shirt",
    "the person",
    "without shirt",
    "ĉ, warped",
    "M, the mask",
    "r, painted",
    "o = M ĉ + (1−M) r",
    "truth",
)


def warps(x: Tensor, reads: Callable[[Tensor], Tensor]) -> Explorer:
    """Images in the first row, warped copies of each below, over which stands what a classifier reads.

    Args:
        x: up to 12 images with one channel, ``(n, 1, H, W)``.
        reads: the class that a trained classifier gives to images ``(N, 1, H, W)``, ``(N,)``.

    Raises:
        ValueError: there are no such images.
    """
    if x.dim() != 4 or not 1 <= len(x) <= 12 or x.shape[1] != 1:
        raise ValueError(f"warps: expected 1 to 12 images (n, 1, H, W), got {tuple(x.shape)}")
    n, truth = len(x), reads(x)

    def draw(figure: Figure, *, turn: int, shift: int, stretch: float, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        sizes = {"turn": float(turn), "shift": float(shift), "stretch": stretch}
        copies = warp(x.repeat(COPIES, 1, 1, 1), **sizes, generator=generator).clamp(0, 1)
        found = reads(copies)
        share = 100 * (found == truth.repeat(COPIES)).double().mean()
        texts = [*map(str, truth.tolist()), *(str(k) if k < 10 else "none" for k in found.tolist())]
        title = f"{share:.0f} % of the warped copies are read as what they were"
        plots.images(torch.cat([x, copies]), labels=texts, columns=n, title=title, ax=figure.axes[0])

    return Explorer(
        draw,
        title="Digits, copies of them warped at random, and what a classifier reads in each",
        size=(9, 3.4),
        frame=bare((0.01, 0.01, 0.98, 0.9)),
        turn=slider(0, 180, value=10, step=5, tooltip="The largest angle, in degrees"),
        shift=slider(0, 10, value=2, tooltip="The largest shift along each axis, in pixels"),
        stretch=slider(0.0, 0.8, value=0.1, step=0.05, tooltip="By how much an axis may grow or shrink"),
        seed=slider(0, 20, value=0, tooltip="Which warps are drawn"),
    )


def labels(x: Tensor, y: Tensor, features: Mapping[str, Tensor]) -> Explorer:
    """Images that two readers with the same labels read differently, and how many each reads right.

    A reader is a logistic regression on features. Labels are drawn from the first third of the images, and
    the other two thirds are read.

    Args:
        x: images with one channel, ``(N, 1, H, W)``.
        y: their classes, ten, ``(N,)``.
        features: by name, ``(N, K)`` each; the first is what the others are compared with.

    Raises:
        ValueError: there are no two features, or they are not of these images.
    """
    if len(features) < 2 or any(len(f) != len(x) for f in features.values()):
        got = {name: len(f) for name, f in features.items()}
        raise ValueError(f"labels: expected two features or more of {len(x)} images each, got {got}")
    base, pool = next(iter(features)), len(x) // 3
    ready = {name: scaled(check_features(f, y, "labels")) for name, f in features.items()}
    draws = lru_cache(8)(lambda n: label_draws(y[:pool], n))
    truth, shown = y[pool:], x[pool:]

    @lru_cache(256)
    def answers(name: str, n: int, k: int) -> Tensor:
        rows = draws(n)[k]
        return read_scaled(ready[name], y[rows], rows)[pool:]

    def draw(figure: Figure, *, labels: int, seen: str, pick: int) -> None:
        mine, other = answers(base, labels, pick), answers(seen, labels, pick)
        differ = (mine != other).nonzero()[: ROWS * COLUMNS, 0]
        right = [100 * (one == truth).double().mean() for one in (mine, other)]
        texts = [f"{a} → {b}" for a, b in zip(mine[differ].tolist(), other[differ].tolist(), strict=True)]
        texts += [""] * (ROWS * COLUMNS - len(texts))
        blank = shown.new_zeros(ROWS * COLUMNS - len(differ), *shown.shape[1:])
        said = f"{labels} labels. Read right: {right[0]:.1f} % from {base}, {right[1]:.1f} % from {seen}"
        tiles = torch.cat([shown[differ], blank])
        plots.images(tiles, labels=texts, columns=COLUMNS, title=said, ax=figure.axes[0])

    return Explorer(
        draw,
        title=f"Images on which two readers disagree: what is read from {base} → what is read from features",
        size=(9, 3.2),
        frame=bare((0.01, 0.01, 0.98, 0.88)),
        labels=choice(list(COUNTS), value=START, tooltip="How many images have a label"),
        seen=choice(list(features)[1:], tooltip="What the second reader sees of an image"),
        pick=slider(0, PICKS - 1, value=0, tooltip="Which images have a label"),
    )


def fitting_room(systems: Mapping[str, TryOn], some: People) -> Explorer:
    """What one person looks like in the shirt of another, step by step, and what it would truly be.

    Args:
        systems: trained systems to choose from, by name.
        some: at least two people, with their shirts.

    Raises:
        ValueError: there is no system, or fewer than two people.
    """
    if (
        not isinstance(systems, Mapping)
        or not systems
        or not all(isinstance(s, TryOn) for s in systems.values())
    ):
        raise ValueError(f"fitting_room: expected a TryOn or several by name, got {systems!r:.60}")
    if not isinstance(some, People) or len(some) < 2:
        raise ValueError(f"fitting_room: expected two people or more, got {some!r:.60}")
    device = next(iter(systems.values())).weights.device

    def draw(figure: Figure, *, person: int, shirt: int, system: str) -> None:
        now = some[person - 1]
        new = dressed(now.body, some.cloth[shirt - 1 : shirt], side=some.x.shape[-1])
        with torch.no_grad():
            o, mask, r, warp = (part.cpu().clamp(0, 1) for part in systems[system](*inputs(new.to(device))))
        steps = (new.garment, now.x, new.agnostic, warp, mask.expand_as(o), r, o, new.x)
        plots.images(torch.cat(steps), columns=4, labels=STEPS, ink=False, ax=figure.axes[0])

    return Explorer(
        draw,
        title="From a flat shirt and a person to the person in the shirt",
        size=(8.6, 4.9),
        frame=bare((0.0, 0.0, 1.0, 0.97)),
        person=slider(1, len(some), value=1, tooltip="Who tries it on"),
        shirt=slider(1, len(some), value=2, tooltip="Whose shirt it is"),
        system=choice(list(systems), tooltip="Which system composes the picture"),
    )

"""What the colourisers that ship learn from, and what they are measured by."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from course_utils.applications.luma_chroma import saturation
from course_utils.datasets import scenes
from course_utils.datasets.coloured import SHARES, coloured
from course_utils.divergences import Estimate, mean

SIDE, DRAWN, HELD_OUT = 64, 4_000, 200  # of animals, and of cars and shirts
TESTED, BATCH = 300, 100


@cache
def pictures() -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Cats, dogs and ducks, and cars and shirts, of 64×64: to learn from, and held out."""
    sets = []
    for n, seed in ((DRAWN, 1), (HELD_OUT, 2)):
        things = coloured(n, side=SIDE, seed=seed).x
        sets.append((torch.cat([scenes(n, objects=1, side=SIDE, seed=seed).x, things]),))
    return sets[0], sets[1]


@torch.no_grad()
def colours(model: Any) -> dict[str, Estimate]:
    """Of new cars and shirts: one legal colour, how often each; of new animals: nats, and saturation.

    "TV of the colours" is ½ Σ |share of a colour − its p|, over those in a legal one; its error is what as
    many draws from p itself have.
    """
    things, animals = coloured(TESTED, side=SIDE, seed=3), scenes(TESTED, objects=1, side=SIDE, seed=3).x
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(0)

    def made(x: Tensor) -> Tensor:
        parts = model.shown(x).to(device).split(BATCH)
        return torch.cat([model.sample(part, generator=generator).cpu() for part in parts])

    found = things.legal(made(things.x))
    right = found[found >= 0]
    p = torch.tensor(SHARES)
    off = (torch.bincount(right, minlength=len(SHARES)) / max(1, len(right)) - p).abs().sum().item() / 2
    error = (p * (1 - p) / max(1, len(right))).sqrt().sum().item() / 2
    nats = torch.cat([model.nats(part.to(device)).cpu() for part in animals.split(BATCH)])
    share = saturation(made(animals)).flatten(1).mean(1) / saturation(animals).mean()
    return {
        "nats of the coarse colours": mean(nats),
        "in one legal colour, %": mean(100 * (found >= 0).float()),
        "TV of the colours": Estimate(off, error),
        "saturation, % of the true": mean(100 * share),
    }

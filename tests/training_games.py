"""A small game with which the tests look at training."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_utils.models.gan import GAN
from course_utils.training import GameHistory, fit
from course_utils.universe import gaussians

X = gaussians(4).sample(90, generator=torch.Generator().manual_seed(0))
SETTINGS = dict(epochs=6, batch_size=20, lr=0.01, average=0.9, schedule="cosine", weight_decay=0.01, clip=1.0)


def small_game(**settings: Any) -> GAN:
    """The same game every time; the caller's random numbers go on undisturbed."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return GAN((2,), **{"latent": 2, "hidden": 8} | settings)


def play(game: GAN, x: Any = X, **settings: Any) -> GameHistory:
    """Train the game on a few points; an epoch has five batches."""
    return fit(game, x, **SETTINGS | {"progress": False, "device": "cpu"} | settings)


def outcome(history: GameHistory) -> dict[str, Any]:
    """What does not depend on the clock."""
    return {key: getattr(history, key) for key in ("losses", "answers", "lr", "stopped")}


def moved_by(game: Any, player: str, data: Any, **settings: Any) -> set[str]:
    """Train with this player alone, and name the networks that have moved."""
    players = [one for one in game.players() if one.name == player]
    game.players = lambda: players
    before = {key: value.clone() for key, value in game.state_dict().items()}
    fit(game, data, **{"epochs": 1, "progress": False, "device": "cpu"} | settings)
    return {key.split(".")[0] for key, value in game.state_dict().items() if not value.equal(before[key])}


def springs(game: GAN, player: str, at: int | None, spring: Callable[[Tensor], Tensor]) -> GAN:
    """Call spring when this player computes its loss for the n-th time, or every time (None)."""
    verb, count = getattr(game, f"{player}_loss"), [0]

    def loss(*batch: Any) -> Tensor:
        count[0] += 1
        value = verb(*batch)
        return spring(value) if at in (None, count[0]) else value

    setattr(game, f"{player}_loss", loss)
    return game

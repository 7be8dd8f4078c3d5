"""What each of two processes does; what it has found goes to a file of its own. In the end one is killed."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from training_games import outcome, play, small_game
from training_models import noisy_data, noisy_model, quietly, weights

from course_utils import storage
from course_utils.models import NADE
from course_utils.training import TrainingDiverged, ranks

N, BATCH = 85, 20  # batches of 17, of which no two processes get the same number


class Traced(nn.Module):
    """Notes the examples of each training batch, and a random number; springs in one process at its n-th.

    On held-out data each process finds a loss of its own, as other hardware might.
    """

    def __init__(self, spring: Any = None, at: int = 7, rank: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.seen: list[list[float]] = []
        self.noise: list[float] = []
        self.spring, self.at, self.rank = spring, at, rank

    def loss(self, x: Tensor) -> Tensor:
        loss = (self.weight - x).square().mean()
        if self.training:
            self.seen.append(x.tolist())
            self.noise.append(torch.rand(()).item())
            if self.spring and len(self.seen) == self.at and ranks.rank() == self.rank:
                return self.spring(loss)
        return loss if self.training else loss + ranks.rank()


def killed(loss: Tensor) -> Tensor:
    os.kill(os.getpid(), signal.SIGKILL)
    return loss


def plain() -> dict[str, Any]:
    """No random numbers in the loss: several processes do what one does, but for rounding."""
    with torch.random.fork_rng():
        torch.manual_seed(3 + ranks.rank())  # weights at the start are those of the first
        model = NADE((1, 2, 3)).double()
        x = torch.rand(N, 1, 2, 3, dtype=torch.double, generator=torch.Generator().manual_seed(0)).round()
    if ranks.count() == 1:
        assert ranks.rank() == 0
    history = quietly(model, x, valid=x[:30], epochs=4, batch_size=BATCH, average=0.9, clip=0.1)
    return {"weights": weights(model), "train": history.train, "valid": history.valid}


def traced() -> dict[str, Any]:
    model, shown = Traced(), []
    x, settings = torch.arange(float(N)), dict(epochs=2, batch_size=BATCH)
    history = quietly(model, x, valid=x[:1], on_epoch=lambda epoch, _: shown.append(epoch), **settings)
    return {"seen": model.seen, "noise": model.noise, "shown": shown, "valid": history.valid}


def noisy(**settings: Any) -> dict[str, Any]:
    """Dropout, running statistics and noise, of which each process has its own."""
    model = noisy_model()
    given: dict[str, Any] = dict(valid=noisy_data(20), epochs=5, batch_size=BATCH, lr=0.02, average=0.7)
    history = quietly(model, noisy_data(), checkpoint_every=0.0, **given | settings)
    return {"weights": weights(model), "valid": history.valid, "stopped": history.stopped}


def resumed(folder: Path) -> dict[str, Any]:
    """An interrupt reaches one process in the middle of the third epoch; the same call goes on."""
    asked = [0]

    def ask(model: nn.Module, args: Any) -> None:
        asked[0] += model.training
        if asked[0] == 12 and ranks.rank() == 1:
            os.kill(os.getpid(), signal.SIGINT)

    hook = nn.modules.module.register_module_forward_pre_hook(
        lambda module, args: ask(module, args) if isinstance(module, nn.Sequential) else None
    )
    first = noisy(checkpoint=folder / f"noisy{ranks.rank()}.pt")
    hook.remove()
    return {"first": first, "second": noisy(checkpoint=folder / f"noisy{ranks.rank()}.pt")}


def game() -> dict[str, Any]:
    model = small_game(discriminator_steps=2)
    return {"outcome": outcome(play(model)), "weights": weights(model)}


def late() -> dict[str, Any]:
    """Time is up in one process."""
    model = noisy_model()
    seconds = 0.3 if ranks.rank() == 1 else None
    without_end = dict(epochs=10**6, patience=10**6, seconds=seconds)
    history = quietly(model, noisy_data(), valid=noisy_data(20), **without_end)
    return {"stopped": history.stopped, "valid": history.valid, "weights": weights(model)}


def refused(**settings: Any) -> str:
    try:
        quietly(settings.pop("model", None) or Traced(), torch.arange(float(N)), **settings)
    except (ValueError, TrainingDiverged) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def main(folder: Path) -> None:
    found = {
        "plain": plain(),
        "traced": traced(),
        "uninterrupted": noisy(),
        "resumed": resumed(folder),
        "game": game(),
        "late": late(),
        "too small": refused(batch_size=1),
        "diverged": refused(model=Traced(lambda loss: loss * float("nan")), batch_size=BATCH),
    }
    storage.write(folder / f"{ranks.rank()}.pt", found)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with ranks.joined():
        folder = Path(sys.argv[1])
        main(folder)
        try:
            quietly(Traced(killed), torch.arange(float(N)), batch_size=BATCH)
        except RuntimeError as error:
            storage.write(folder / "killed.pt", {"error": type(error).__name__})

"""Small models with which the tests look at training."""

from typing import Any

import torch
from torch import Tensor, nn

from course_utils.training import History, fit


class Noisy(nn.Module):
    """Everything that makes exact resuming hard: dropout, running statistics, noise in the loss."""

    def __init__(self, hidden: int = 6) -> None:
        super().__init__()
        self.hidden = hidden
        self.net = nn.Sequential(
            nn.Linear(4, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.3), nn.Linear(hidden, 4)
        )

    def loss(self, x: Tensor) -> Tensor:
        noisy = x + 0.3 * torch.randn_like(x)
        return (self.net(noisy) - x).square().sum(1).mean()


class Scripted(nn.Module):
    """Follows a script: held-out losses, one an evaluation, and gradients of 1 in training.

    Its one weight counts the steps: lr 1 and a constant gradient make Adam's steps −1 each.
    """

    def __init__(self, held_out: list[float]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.held_out = iter(held_out)

    def loss(self, x: Tensor) -> Tensor:
        return self.weight + x.mean() * 0 if self.training else torch.tensor(next(self.held_out))


class Watched(nn.Module):
    """Notes the examples of every batch, in training and in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.seen: dict[bool, list[list[float]]] = {True: [], False: []}

    def loss(self, x: Tensor) -> Tensor:
        self.seen[self.training].append(x.tolist())
        return (self.weight - x).square().mean()


class Clock:
    """A clock that goes on by one second whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 1.0
        return self.now


class Killed(BaseException):
    """Nothing in the course catches this: it ends a run as the end of a process would."""


def noisy_model(hidden: int = 6) -> Noisy:
    """The same model every time; the caller's random numbers go on undisturbed."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Noisy(hidden)


def noisy_data(n: int = 90) -> Tensor:
    """Four numbers an example, the same every time."""
    return torch.randn(n, 4, generator=torch.Generator().manual_seed(2)) @ torch.tensor(
        [[1.0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0.1]]
    )


def weights(model: nn.Module) -> list[Tensor]:
    """All parameters and buffers, copied."""
    return [value.clone() for value in model.state_dict().values()]


def quietly(model: nn.Module, x: Any, **settings: Any) -> History:
    """``fit`` without a bar, on the CPU."""
    return fit(model, x, progress=False, device="cpu", **settings)


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    """Whether two lists of tensors are equal bit for bit."""
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))

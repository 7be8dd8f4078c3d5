"""One training step against the plain way, turn by turn, so that a machine that slows down slows both.

NADE (500 units) against a loop over its pixels, MADE (2×500) against a network that multiplies its masks,
both for 128 images of 28×28; an epoch of ``fit`` against the bare loop of loss, backward and optimiser.

Run: OMP_NUM_THREADS=1 python tests/benchmarks/steps.py
"""

import time
from collections.abc import Callable
from math import inf
from statistics import median

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from course_utils.models import MADE, NADE
from course_utils.training.fitting import Training
from course_utils.training.settings import Settings


def report(calls: dict[str, Callable[[], object]], rounds: int) -> None:
    """Print the median CPU time of each call, over rounds in which every one has its turn; one warms up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(time.process_time() - start)
    taken = {name: median(each[1:]) for name, each in times.items()}
    for name, seconds in taken.items():
        print(f"{name:40} {1e3 * seconds:9.1f} ms, ratio {seconds / next(iter(taken.values())):.2f}")


def nats(logits: Tensor, x: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).mean()


def pixel_by_pixel(model: NADE, x: Tensor) -> Tensor:
    """The loss by the paper's recursion, one pixel at a time."""
    a, logits = model.c.expand(len(x), -1), []
    for i in range(model.dims):
        logits.append(torch.sigmoid(a) @ model.V[i] + model.b[i])
        a = a + x[:, i : i + 1] * model.W[i]
    return nats(torch.stack(logits, 1), x)


def multiplied(model: MADE, x: Tensor, masks: list[Tensor]) -> Tensor:
    """The loss without direct connections: masks made once, multiplied in every layer."""
    h = x
    for i, (layer, mask) in enumerate(zip(model.layers, masks, strict=True)):
        h = linear(h.relu() if i else h, layer.weight * mask, layer.bias)
    return nats(h, x)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x = (torch.rand(128, 1, 28, 28) < 0.2).float()
    nade, made = NADE((1, 28, 28), hidden=500), MADE((1, 28, 28), hidden=(500, 500), direct=False)
    joined, masks = MADE((1, 28, 28), hidden=(500, 500)), [mask.float() for mask in made.masks]
    losses = {
        "loop over 784 pixels": lambda: pixel_by_pixel(nade, x.flatten(1)),
        "NADE": lambda: nade.loss(x),
        "plain masked network": lambda: multiplied(made, x.flatten(1), masks),
        "MADE": lambda: made.loss(x),
        "MADE with direct connections": lambda: joined.loss(x),
    }
    steps = {name: lambda loss=loss: loss().backward() for name, loss in losses.items()}
    report(dict(list(steps.items())[:2]), rounds=5)
    report(dict(list(steps.items())[2:]), rounds=31)

    small, bare = (torch.rand(2000, 1, 8, 8) < 0.5).float(), MADE((1, 8, 8), hidden=(500,))
    optimiser = torch.optim.Adam(bare.parameters(), lr=1e-3, fused=True)
    training = Training(MADE((1, 8, 8), hidden=(500,)), Settings(), (small,), (small[:100],), None)

    def epoch() -> None:
        for indices in torch.randperm(len(small)).split(100):
            optimiser.zero_grad()
            bare.loss(small.index_select(0, indices)).backward()
            optimiser.step()

    report({"bare loop": epoch, "fit": lambda: training.steps(1, inf, lambda done: None)}, rounds=50)


if __name__ == "__main__":
    main()

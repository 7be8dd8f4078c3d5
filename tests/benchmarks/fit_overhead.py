"""How much longer does a step of ``fit`` take than the bare loop of loss, backward and optimiser step?

    OMP_NUM_THREADS=1 python tests/benchmarks/fit_overhead.py

trains a network of the size of MADE on binary 8×8 images (64 → 500 → 64, batches of 100) in both ways,
turn by turn, and prints the ratio of the processor times a step (those of other processes do not count).
The bare loop selects the same batches and calls the same loss, which includes the model's own check of
its input.
"""

import time
from math import inf
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.taxonomy import TractableDensity
from course_utils.training.fitting import Training
from course_utils.training.settings import Settings

EXAMPLES, BATCH, ROUNDS = 2000, 100, 60


class Network(TractableDensity):
    """The cost of MADE with one hidden layer; what it computes does not matter here."""

    support = "binary"

    def __init__(self, event_shape: tuple[int, ...] = (1, 8, 8), hidden: int = 500) -> None:
        super().__init__(event_shape)
        self.net = nn.Sequential(nn.Linear(self.dims, hidden), nn.ReLU(), nn.Linear(hidden, self.dims))

    def _log_prob(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        return -F.binary_cross_entropy_with_logits(self.net(x), x, reduction="none").sum(1)

    def _sample(self, n: int, generator: torch.Generator | None) -> Tensor:
        raise RuntimeError("a network for timing has no samples")


def bare_epoch(model: Network, optimiser: torch.optim.Optimizer, x: Tensor) -> float:
    """Processor seconds of an epoch of the loop that everybody writes."""
    model.train()
    begin = time.process_time()
    for indices in torch.randperm(len(x)).split(BATCH):
        optimiser.zero_grad()
        loss = model.loss(x.index_select(0, indices))
        loss.backward()
        optimiser.step()
    return time.process_time() - begin


def fit_epoch(training: Training) -> float:
    """Processor seconds of the training part of an epoch of ``fit``."""
    begin = time.process_time()
    training.steps(1, inf, lambda done: None)
    return time.process_time() - begin


def main() -> None:
    """Measure and print."""
    torch.manual_seed(0)
    x = torch.rand(EXAMPLES, 1, 8, 8).round()
    bare = Network()
    optimiser = torch.optim.Adam(bare.parameters(), lr=1e-3, fused=True)
    training = Training(Network(), Settings(batch_size=BATCH), (x,), (x[:100],), None)
    pairs = [(bare_epoch(bare, optimiser, x), fit_epoch(training)) for _ in range(ROUNDS)][ROUNDS // 6 :]
    steps = EXAMPLES // BATCH
    bare_us, fit_us = (1e6 * median(times) / steps for times in zip(*pairs, strict=True))
    ratio = median(fit / bare for bare, fit in pairs)
    print(f"bare loop {bare_us:.0f} µs a step, fit {fit_us:.0f} µs: ratio {ratio:.3f}")


if __name__ == "__main__":
    main()

"""One training step of NADE at 28×28 (B = 128, H = 500): the model against a plain loop over the pixels.

Run: python tests/benchmarks/nade_step.py
"""

import time
from statistics import median

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from course_utils.models import NADE


def plain_loop(model: NADE, x: torch.Tensor) -> torch.Tensor:
    """The mean negative log-likelihood by the paper's recursion, one pixel at a time."""
    x = x.flatten(1)
    a = model.c.expand(len(x), -1)
    logits = []
    for i in range(model.dims):
        logits.append(torch.sigmoid(a) @ model.V[i] + model.b[i])
        a = a + x[:, i : i + 1] * model.W[i]
    return binary_cross_entropy_with_logits(torch.stack(logits, 1), x, reduction="none").sum(1).mean()


def seconds(loss, model: NADE, repeats: int = 7) -> float:
    """The median CPU time of forward and backward."""
    times = []
    for _ in range(repeats):
        model.zero_grad()
        start = time.process_time()
        loss().backward()
        times.append(time.process_time() - start)
    return median(times[1:])


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = NADE((1, 28, 28), hidden=500)
    x = (torch.rand(128, 1, 28, 28) < 0.2).float()
    difference = abs(model.loss(x).item() - plain_loop(model, x).item())
    loop = seconds(lambda: plain_loop(model, x), model)
    print(f"one thread; the two losses differ by {difference:.1e} nats")
    print(f"plain loop over 784 pixels  {1e3 * loop:7.1f} ms a step")
    ours = seconds(lambda: model.loss(x), model)
    print(f"NADE                        {1e3 * ours:7.1f} ms a step, ratio {ours / loop:.2f}")


if __name__ == "__main__":
    main()

"""One training step of NADE at 28×28 (B = 128, H = 500): the model against a plain loop over the pixels.

Run: python tests/benchmarks/nade_step.py
"""

import torch
from timing import report, side_by_side
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


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = NADE((1, 28, 28), hidden=500)
    x = (torch.rand(128, 1, 28, 28) < 0.2).float()
    difference = abs(model.loss(x).item() - plain_loop(model, x).item())
    print(f"one thread; the two losses differ by {difference:.1e} nats")

    def step(loss) -> None:
        model.zero_grad()
        loss().backward()

    calls = {
        "plain loop over 784 pixels": lambda: step(lambda: plain_loop(model, x)),
        "NADE": lambda: step(lambda: model.loss(x)),
    }
    report(side_by_side(calls, rounds=5))


if __name__ == "__main__":
    main()

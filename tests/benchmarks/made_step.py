"""One training step of MADE at 28×28 (B = 128, 2×500 units): the model against a plain masked network.

Run: python tests/benchmarks/made_step.py
"""

import torch
from timing import report, side_by_side
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from course_utils.models import MADE


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = MADE((1, 28, 28), hidden=(500, 500), direct=False)
    joined = MADE((1, 28, 28), hidden=(500, 500))
    masks = [mask.float() for mask in model.masks]
    x = (torch.rand(128, 1, 28, 28) < 0.2).float()

    def plain() -> Tensor:
        """The same network without direct connections: masks made once, multiplied in every layer."""
        h = x.flatten(1)
        for i, (layer, mask) in enumerate(zip(model.layers, masks, strict=True)):
            h = linear(h.relu() if i else h, layer.weight * mask, layer.bias)
        return binary_cross_entropy_with_logits(h, x.flatten(1), reduction="none").sum(1).mean()

    print(f"one thread; the two losses differ by {abs(model.loss(x) - plain()).item():.1e} nats")
    losses = {"plain masked network": plain, "MADE": lambda: model.loss(x)}
    losses["MADE with direct connections"] = lambda: joined.loss(x)

    def step(loss) -> None:
        model.zero_grad()
        joined.zero_grad()
        loss().backward()

    report(side_by_side({name: lambda loss=loss: step(loss) for name, loss in losses.items()}, rounds=31))


if __name__ == "__main__":
    main()

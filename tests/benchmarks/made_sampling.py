"""Sampling 64 images of 28×28 from a MADE (2×500): each hidden unit once, against a full pass per pixel.

Run: python tests/benchmarks/made_sampling.py
"""

import time

import torch

from course_utils.models import MADE


@torch.no_grad()
def full_passes(model: MADE, u: torch.Tensor) -> torch.Tensor:
    """The same samples by a whole forward pass for every pixel."""
    x = torch.zeros_like(u)
    for i, pixel in enumerate(model.order.tolist()):
        x[:, pixel] = (u[:, i] < torch.sigmoid(model.logits(x)[:, pixel])).to(x)
    return x.view(-1, *model.event_shape)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = MADE((1, 28, 28), hidden=(500, 500)).eval()
    for parameter in model.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    u = torch.rand(64, 784)
    start = time.process_time()
    slow = full_passes(model, u)
    full = time.process_time() - start
    times = []
    for _ in range(5):
        start = time.process_time()
        with torch.no_grad():
            fast = model._draw(u, 1.0, None, 0)
        times.append(time.process_time() - start)
    ours = sorted(times)[2]
    same = (fast == slow).flatten(1).all(1).sum().item()
    print(f"one thread; {same} of 64 images are the same to the pixel")
    print(f"a full pass per pixel   {full:7.2f} s")
    print(f"each unit once          {ours:7.2f} s, {full / ours:.0f}× faster")


if __name__ == "__main__":
    main()

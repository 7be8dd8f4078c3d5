"""Sampling 64 images of 28×28 from PixelCNN (15 residual blocks of 32 channels): cached, and a pass a pixel.

The passes are timed for two pixels and multiplied by 784; their last pixel is compared with ours.

Run: python tests/benchmarks/pixelcnn_sampling.py
"""

import time

import torch

from course_utils.models import PixelCNN
from course_utils.models.pixel_model import choose


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for gated in (False, True):
        model = PixelCNN((1, 28, 28), gated=gated, hidden=32, blocks=15).eval()
        u = torch.rand(64, model.dims)
        start = time.process_time()
        x = model._draw(u, 1.0, None, 0)
        ours = time.process_time() - start
        agree, passes = 1.0, 0.0
        for i in (13 * 28 + 14, 783):  # a pass costs the same at every pixel
            start = time.process_time()
            logits = model.logits(x)[:, 0, i // 28, i % 28]
            passes += time.process_time() - start
            again = choose(logits, u[:, i], 1.0)
            agree = min(agree, (again == x.flatten(1)[:, i]).float().mean().item())
        naive = 784 * passes / 2
        print(f"{'gated' if gated else 'residual'} stack, one thread, 64 images of 28×28, CPU seconds")
        print(f"  a full pass for every pixel {naive:8.1f} (784 × the mean of two passes)")
        print(f"  what is new at every pixel  {ours:8.1f}, ratio {naive / ours:.0f}")
        print(f"  pixels of the two that are the same: {100 * agree:.0f} %")


if __name__ == "__main__":
    main()

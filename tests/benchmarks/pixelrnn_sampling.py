"""Sampling 16 images of 28×28 from PixelRNN: what is new at every pixel, against a full pass for every pixel.

The passes are timed for four pixels and multiplied by 196; their last pixel is compared with ours.

Run: python tests/benchmarks/pixelrnn_sampling.py [LAYERS] [HIDDEN]   (default: 1 16)
"""

import sys
import time

import torch

from course_utils.models import PixelRNN
from course_utils.models.pixel_model import choose


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    given = [int(argument) for argument in sys.argv[1:]]
    layers, hidden = given + [1, 16][len(given) :]
    for kind in ("row", "diagonal"):
        torch.manual_seed(0)
        model = PixelRNN((1, 28, 28), kind=kind, layers=layers, hidden=hidden).double().eval()
        u = torch.rand(16, model.dims, dtype=torch.double)
        start = time.process_time()
        x = model._draw(u, 1.0, None, 0)
        ours = time.process_time() - start
        agree, passes = 1.0, 0.0
        for i in (0, 300, 13 * 28 + 14, 783):  # a full pass costs the same at every pixel
            start = time.process_time()
            logits = model.logits(x)[:, 0, i // 28, i % 28]
            passes += time.process_time() - start
            again = choose(logits, u[:, i], 1.0)
            agree = min(agree, (again == x.flatten(1)[:, i]).double().mean().item())
        naive = 196 * passes
        print(f"{kind}, {layers} layers of {hidden}, one thread, float64, 16 images of 28×28, CPU seconds")
        print(f"  a full pass for every pixel {naive:8.1f} (784 × the mean of four passes)")
        print(f"  what is new at every pixel  {ours:8.1f}, ratio {naive / ours:.0f}")
        print(f"  pixels of the two that are the same: {100 * agree:.0f} %")


if __name__ == "__main__":
    main()

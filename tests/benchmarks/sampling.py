"""Sampling images of 28×28: what is new at every pixel against a full pass for every pixel, in CPU seconds.

Passes are timed for four pixels, which cost as much as any, times 196; the pixels they draw are compared.

Run: python tests/benchmarks/sampling.py [NAMES…]
"""

import sys
import time
from functools import partial

import torch

from course_utils.models import MADE, PixelCNN, PixelRNN
from course_utils.models.pixel_model import choose

SHAPE = (1, 28, 28)
MODELS = {
    "PixelCNN": (64, partial(PixelCNN, SHAPE, hidden=32, blocks=15)),
    "gated": (64, partial(PixelCNN, SHAPE, hidden=32, blocks=15, gated=True)),
    "MADE": (64, partial(MADE, SHAPE, hidden=(500, 500))),
    "row": (16, partial(PixelRNN, SHAPE, kind="row", layers=1, hidden=16)),
    "diagonal": (16, partial(PixelRNN, SHAPE, kind="diagonal", layers=1, hidden=16)),
}


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    for name in sys.argv[1:] or MODELS:
        n, build = MODELS[name]
        torch.manual_seed(0)
        model = build().double().eval()
        u = torch.rand(n, model.dims, dtype=torch.double)
        start = time.process_time()
        x = model._draw(u, 1.0, None, 0)
        ours = time.process_time() - start
        agree, passes = 1.0, 0.0
        for i in (0, 300, 13 * 28 + 14, 783):
            start = time.process_time()
            logits = model.logits(x.flatten(1) if name == "MADE" else x).reshape(n, 784, -1)[:, i]
            passes += time.process_time() - start
            agree = min(agree, (choose(logits, u[:, i], 1.0) == x.flatten(1)[:, i]).double().mean().item())
        print(f"{name}: {n} images, a full pass for every pixel {196 * passes:.1f} s, ours {ours:.1f} s,")
        print(f"  ratio {196 * passes / ours:.0f}; pixels that are the same {100 * agree:.0f} %")


if __name__ == "__main__":
    main()

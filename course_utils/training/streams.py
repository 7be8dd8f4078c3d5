"""Random numbers of a training run: one stream for every purpose and epoch, all grown from one seed.

Epoch 7 draws the same numbers whether epochs 1 to 6 ran a moment ago, before the machine was switched
off, or with other callbacks: that is why a resumed run can equal an uninterrupted one bit for bit, and
why looking at a model while it learns changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Literal

import torch
from torch import Tensor

Purpose = Literal["split", "order", "training", "held-out", "callback"]


def derive(seed: int, purpose: Purpose, *which: int) -> int:
    """The seed of one stream, independent of all others; ``which`` counts epochs, say."""
    digest = blake2b(f"{seed} {purpose} {' '.join(map(str, which)) or 0}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def permutation(n: int, seed: int, purpose: Purpose, *which: int) -> Tensor:
    """A random order of 0 … n−1, drawn on the CPU: the same on every device."""
    generator = torch.Generator().manual_seed(derive(seed, purpose, *which))
    return torch.randperm(n, generator=generator)


def start(device: torch.device, seed: int, purpose: Purpose, *which: int) -> None:
    """Set torch's own generators, those of the CPU and of the device, to the start of a stream."""
    value = derive(seed, purpose, *which)
    torch.default_generator.manual_seed(value)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(value)
    elif device.type == "mps":
        torch.mps.manual_seed(value)


@contextmanager
def borrowed(device: torch.device) -> Iterator[None]:
    """Give torch's generators back as they were: the caller's random numbers go on undisturbed."""
    on_mps = torch.mps.get_rng_state() if device.type == "mps" else None
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        if on_mps is not None:
            torch.mps.set_rng_state(on_mps)

"""The exercises of notebook 11: the chain rule, a mask, and how far layers reach."""

from math import inf

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds, within

U, V = torch.rand(2, 4, 9, generator=torch.Generator().manual_seed(0))
IMAGES: Cases = {
    "three certain-ish pixels": (torch.tensor([[0.9, 0.8, 0.1]]), torch.tensor([[1.0, 0.0, 0.0]])),
    "four images of nine pixels": (0.9 * U + 0.05, (V < 0.5).float()),
}
# An image of 28×28 whose probability, 2^(−784), is 0 as a float
LARGE_IMAGE: Cases = {"784 pixels": (torch.full((1, 784), 0.5), torch.ones(1, 784))}
KERNELS: Cases = {f"kind {kind}, size {size}": (kind, size) for size in (3, 5, 7) for kind in "AB"}
NETWORKS: Cases = {
    f"{n} layers of {k}×{k} after {f}×{f}": (f, k, n)
    for f, k, n in ((7, 3, 2), (3, 3, 5), (7, 5, 4), (5, 3, 0))
}


@exercise(
    "What probability does the model give to the value that the pixel really has?",
    "It is p_i where x_i = 1 and 1 − p_i where x_i = 0: torch.where picks between them.",
    "The logarithm of a product is a sum: torch.where(x == 1, p, 1 - p).log().sum(1).",
    within(-inf, 0, IMAGES, says="the log of a probability is never positive"),
    agrees(IMAGES),
    agrees(LARGE_IMAGE, says="it works where p(x) is too small for a float"),
)
def chain_log_prob(p: Tensor, x: Tensor) -> Tensor:
    """log p(x) from p_i = p(x_i = 1 | x_{<i}) and x, both ``(B, D)``: ``(B,)`` in nats."""
    return torch.where(x == 1, p, 1 - p).log().sum(1)


@exercise(
    "Start with torch.zeros(size, size): the centre is at row and column size // 2.",
    "Open all rows above the centre, and in its own row all columns to the left.",
    'Kind "B" opens the centre too: mask[size // 2, size // 2] = 1.',
    holds(
        "no pixel after the centre is open",
        lambda mask, kind, size: bool((mask.flatten()[size * size // 2 + 1 :] == 0).all()),
        "zeros after the centre",
        KERNELS,
    ),
    holds(
        'the centre is open for kind "B" alone',
        lambda mask, kind, size: bool(mask[size // 2, size // 2] == float(kind == "B")),
        'a centre of 0 for "A" and 1 for "B"',
        KERNELS,
    ),
    agrees(KERNELS),
)
def pixel_mask(kind: str, size: int) -> Tensor:
    """The mask of a size × size kernel for one channel: kind "A" hides the centre, kind "B" shows it."""
    mask = torch.zeros(size, size)
    centre = size // 2
    mask[:centre] = 1
    mask[centre, :centre] = 1
    if kind == "B":
        mask[centre, centre] = 1
    return mask


@exercise(
    "A 3×3 kernel reaches one row up, a 7×7 kernel three: size // 2.",
    "Layer upon layer, the reaches add up.",
    "first // 2 + layers * (kernel // 2).",
    agrees(NETWORKS, says="each layer adds half its kernel, rounded down"),
)
def rows_reached(first: int, kernel: int, layers: int) -> int:
    """How many rows up a pixel sees through one first × first layer and more kernel × kernel layers."""
    return first // 2 + layers * (kernel // 2)

"""The exercises of notebook 00: how checks work."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds, within

GENERATOR = torch.Generator().manual_seed(0)

# Images without a choice: no ink at all, nothing but ink
PAGES: Cases = {"two empty images": (torch.zeros(2, 1, 8, 8),), "two full images": (torch.ones(2, 1, 8, 8),)}
DRAWINGS: Cases = {
    "an empty image, and one with ink on its diagonal": (
        torch.stack([torch.zeros(2, 2), torch.eye(2)])[:, None],
    ),
    "three binary images of 8×8": (torch.rand(3, 1, 8, 8, generator=GENERATOR).round(),),
    "four grey images of 5×3": (torch.rand(4, 1, 5, 3, generator=GENERATOR),),
    "one image in colour": (torch.rand(1, 3, 4, 4, generator=GENERATOR),),
}


@exercise(
    "Ink is 1 and paper is 0: what is the mean over the pixels of one image?",
    "Tensor.mean takes the dimensions to average over; the batch is dimension 0 and stays.",
    "x has the shape (B, C, H, W): average over the dimensions 1, 2 and 3.",
    within(0, 1, {**PAGES, **DRAWINGS}, says="every share lies in [0, 1]"),
    agrees(PAGES, says="empty images have no ink, full ones are all ink"),
    holds(
        "an image and its negative share out all pixels",
        lambda both, x: bool((both[: len(both) // 2] + both[len(both) // 2 :] - 1).abs().max() < 1e-4),
        "shares that add up to 1",
        {f"{name}, then their negatives": (torch.cat([x, 1 - x]),) for name, (x,) in DRAWINGS.items()},
    ),
    agrees(DRAWINGS),
)
def ink(x: Tensor) -> Tensor:
    """The share of ink in each image of a batch: ``(B, C, H, W)`` to ``(B,)``."""
    return x.mean(dim=(1, 2, 3))


@exercise(
    "A dimension is one number that has to be known to draw the image.",
    "Grey needs one number a pixel; 8 rows of 8 pixels.",
    holds("it counts whole rows of 8 pixels", lambda n: n > 0 and n % 8 == 0, "8, 16, 24, …"),
    agrees(says="it counts every pixel of an 8×8 image once"),
    value=True,
)
def pixels() -> int:
    """The number of dimensions of a grey image of 8×8 pixels."""
    return 8 * 8

"""The exercises of notebook 00: how checks work."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, Exercise, agrees, holds, within

GENERATOR = torch.Generator().manual_seed(0)


def ink(x: Tensor) -> Tensor:
    """The share of white in each image of a batch: ``(B, C, H, W)`` to ``(B,)``."""
    return x.mean(dim=(1, 2, 3))


def pixels() -> int:
    """The number of dimensions of a grey image of 8×8 pixels."""
    return 8 * 8


# Images without a choice: all black, all white
PAGES: Cases = {"two black images": (torch.zeros(2, 1, 8, 8),), "two white images": (torch.ones(2, 1, 8, 8),)}


def drawings() -> dict[str, tuple[Tensor]]:
    """Images of several sizes, binary and grey."""
    halves = torch.zeros(2, 1, 2, 2)
    halves[1, :, 0] = 1
    return {
        "a black image and one with a white upper half": (halves,),
        "three binary images of 8×8": (torch.rand(3, 1, 8, 8, generator=GENERATOR).round(),),
        "four grey images of 5×3": (torch.rand(4, 1, 5, 3, generator=GENERATOR),),
        "one image in colour": (torch.rand(1, 3, 4, 4, generator=GENERATOR),),
    }


INK = Exercise(
    ink,
    (
        "White is 1 and black is 0: what is the mean over the pixels of one image?",
        "Tensor.mean takes the dimensions to average over; the batch is dimension 0 and stays.",
        "x has the shape (B, C, H, W): average over the dimensions 1, 2 and 3.",
    ),
    within(0, 1, PAGES | drawings(), says="every share lies in [0, 1]"),
    agrees(PAGES, says="black images have no ink, white ones are all ink"),
    holds(
        "an image and its negative share out all pixels",
        lambda both, x: bool((both[: len(both) // 2] + both[len(both) // 2 :] - 1).abs().max() < 1e-4),
        "shares that add up to 1",
        {f"{name}, then their negatives": (torch.cat([x, 1 - x]),) for name, (x,) in drawings().items()},
    ),
    agrees(drawings()),
)

PIXELS = Exercise(
    pixels,
    (
        "A dimension is one number that has to be known to draw the image.",
        "Grey needs one number a pixel; 8 rows of 8 pixels.",
    ),
    holds("it is positive", lambda n: n > 0, "a positive number"),
    holds("it counts whole rows of 8 pixels", lambda n: n % 8 == 0, "a multiple of 8"),
    agrees(says="it counts every pixel of an 8×8 image once"),
    value=True,
)

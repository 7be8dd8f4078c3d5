"""The exercises of notebook 07: features of a Boltzmann machine, the way of a warp, two pictures made one."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds, within


def _places(side: int) -> Tensor:
    middle = (torch.arange(side) + 0.5) * (2 / side) - 1
    return torch.stack(torch.meshgrid(middle, middle, indexing="xy"), -1)


def _moves_a_dot(warp: Tensor, p: Tensor, right: float, down: float) -> bool:
    """Whether the one bright pixel of a picture, in its middle, is now where it should be."""
    side = len(p)
    picture = torch.zeros(1, 1, side, side)
    picture[0, 0, side // 2, side // 2] = 1
    out = torch.nn.functional.grid_sample(picture, warp[None].to(picture), align_corners=False)[0, 0]
    row, column = side // 2 + round(down * side / 2), side // 2 + round(right * side / 2)
    return bool(out[row, column] > 0.9)


GENERATOR = torch.Generator().manual_seed(0)
MACHINE: Cases = {
    "5 images, 4 pixels, 3 units": tuple(
        torch.randn(*shape, generator=GENERATOR) for shape in ((5, 4), (4, 3), (3,))
    )
}
NO_WEIGHTS: Cases = {
    "W = 0, c = 0": (torch.rand(5, 4, generator=GENERATOR), torch.zeros(4, 3), torch.zeros(3))
}
BLANK: Cases = {"x = 0": (torch.zeros(2, 4), *MACHINE["5 images, 4 pixels, 3 units"][1:])}
ONE_WAY: Cases = {"1/4 to the right, on 8×8 pixels": (_places(8), 0.25, 0.0)}
BOTH: Cases = {
    "right and up": (_places(8), 0.5, -0.25),
    "left and down": (_places(6), -1 / 3, 2 / 3),
    "nowhere": (_places(4), 0.0, 0.0),
}
PICTURES = torch.rand(4, 3, 4, 4, generator=GENERATOR)
SHARP: Cases = {"M of 0 and 1": ((PICTURES[2, :1] > 0.5).float(), PICTURES[0], PICTURES[1])}
SOFT: Cases = {"M between": (PICTURES[3, :1], PICTURES[0], PICTURES[1])}


@exercise(
    "Given x, hidden units are independent. What multiplies h_j in the energy −bᵀx − cᵀh − xᵀWh?",
    "The log-odds of h_j = 1 are c_j + Σ_i x_i W_ij.",
    "In code: torch.sigmoid(x @ W + c).",
    within(0, 1, MACHINE, says="these are probabilities"),
    agrees(NO_WEIGHTS, says="without weights every unit is on with probability 1/2"),
    agrees(BLANK, says="a blank image leaves the biases c"),
    agrees(MACHINE),
)
def hidden(x: Tensor, W: Tensor, c: Tensor) -> Tensor:
    """p(h_j = 1 | x) of a Boltzmann machine, from x ``(N, D)``, W ``(D, H)`` and c ``(H,)``: ``(N, H)``."""
    return torch.sigmoid(x @ W + c)


@exercise(
    "The warp says where each pixel of the *new* picture looks in the old one.",
    "For the picture to move right, every pixel must look to its left.",
    "In code: p - torch.tensor([right, down]).",
    holds("a dot arrives where it should", _moves_a_dot, "a dot moved right", ONE_WAY),
    agrees(BOTH),
)
def moved(p: Tensor, right: float, down: float) -> Tensor:
    """The warp ``(S, S, 2)`` that moves a picture right and down, from the places p of its pixels."""
    return p - torch.tensor([right, down])


@exercise(
    "Each pixel is a mean of two: M is the weight of the shirt.",
    "The weights of c and r add up to 1.",
    "In code: M * c + (1 - M) * r.",
    agrees(SHARP, says="the shirt shows where M = 1, the person where M = 0"),
    agrees(SOFT, says="in between they are mixed"),
)
def composed(M: Tensor, c: Tensor, r: Tensor) -> Tensor:
    """The picture o: the warped shirt c ``(3, S, S)`` where the mask M ``(1, S, S)`` is 1, else r."""
    return M * c + (1 - M) * r

"""The exercises of notebook 17: free energy, a conditional of Gibbs sampling, and the two phases."""

from math import log

import torch
from torch import Tensor
from torch.nn.functional import softplus

from course_utils.exercises.engine import Cases, agrees, exercise, within
from course_utils.universe import all_images

GENERATOR = torch.Generator().manual_seed(0)


def summed(x: Tensor, b: Tensor, c: Tensor, W: Tensor) -> Tensor:
    """F(x) by brute force over all hidden states."""
    h = all_images(1, len(c)).view(-1, len(c))
    return -(x @ b)[:, None].add(h @ c).add(x @ W @ h.T).logsumexp(1)


def by_autograd(x: Tensor, x_model: Tensor, c: Tensor, W: Tensor) -> Tensor:
    """The gradient in W as the slope of mean −F over data less that over the model's images."""
    W = W.clone().requires_grad_()
    score = softplus(c + x @ W).sum(1).mean() - softplus(c + x_model @ W).sum(1).mean()
    return torch.autograd.grad(score, W)[0]


def machine(D: int, H: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random b, c and W."""
    b, c, W = (torch.randn(shape, generator=GENERATOR) for shape in ((D,), (H,), (D, H)))
    return b, c, W


def binary(n: int, units: int) -> Tensor:
    """Random states of units, ``(n, units)``."""
    return (torch.rand(n, units, generator=GENERATOR) < 0.6).float()


MACHINES: Cases = {
    "3 images, D = 4, H = 3": (binary(3, 4), *machine(4, 3)),
    "5 images, D = 6, H = 2": (binary(5, 6), *machine(6, 2)),
}
NO_WEIGHTS: Cases = {
    "W = 0, c = 0": (torch.eye(3), torch.tensor([1.0, -2.0, 0.5]), torch.zeros(1), torch.zeros(3, 1))
}
# A hidden unit's input, 198, is too large for exp in float32; so is 1 + exp
LARGE = (
    torch.tensor([[1.0, 1.0], [0.0, 0.0]]),
    torch.zeros(2),
    torch.tensor([-2.0]),
    torch.full((2, 1), 100.0),
)
HIDDEN: Cases = {
    "2 states, D = 4, H = 3": (binary(2, 3), *machine(4, 3)[::2]),
    "5 states, D = 3, H = 6": (binary(5, 6), *machine(3, 6)[::2]),
}
BOTH_PHASES: Cases = {
    f"5 images against 8, D = {D}, H = {H}": (binary(5, D), binary(8, D), *machine(D, H)[1:])
    for D, H in ((4, 3), (3, 5))
}
SAME_PHASES: Cases = {name: (x, x.clone(), c, W) for name, (x, _, c, W) in BOTH_PHASES.items()}


@exercise(
    "The sum over h is a product of H sums with two terms each: Σ exp(h_j a_j) = 1 + exp(a_j).",
    "Here a = c + x @ W, (B, H), and log(1 + exp(a)) is torch.nn.functional.softplus(a).",
    "F = −x @ b − softplus(c + x @ W).sum(1).",
    agrees(NO_WEIGHTS, lambda x, b, *_: -x @ b - log(2), says="a hidden unit without weights adds −log 2"),
    agrees(MACHINES, summed, says="it is the sum over all hidden states, by brute force"),
    agrees({"W = 100": LARGE}, summed, says="it stays finite where exp is too large for a float"),
)
def free_energy(x: Tensor, b: Tensor, c: Tensor, W: Tensor) -> Tensor:
    """F(x) = −log Σ_h exp(−E(x, h)) of a restricted machine in closed form, ``(B,)``."""
    return -x @ b - softplus(c + x @ W).sum(1)


@exercise(
    "Given h the pixels are independent. What does the energy gain if x_i turns from 0 to 1?",
    "It falls by b_i + Σ_j W_ij h_j: these are the log-odds of x_i.",
    "In code: torch.sigmoid(b + h @ W.T).",
    within(0, 1, HIDDEN, says="each probability lies between 0 and 1"),
    agrees(HIDDEN, says="the log-odds of a pixel, b + W h, are the energy that it saves by being on"),
)
def p_pixels(h: Tensor, b: Tensor, W: Tensor) -> Tensor:
    """p(x_i = 1 | h) of every pixel, ``(B, D)``, from hidden units ``(B, H)``."""
    return torch.sigmoid(b + h @ W.T)


@exercise(
    "Both phases are the same mean: of x_i p(h_j = 1 | x), once over data, once over the model's images.",
    "p(h = 1 | x) is torch.sigmoid(c + x @ W); the mean of all products x_i p_j is x.T @ p / len(x).",
    "positive = x.T @ torch.sigmoid(c + x @ W) / len(x); the negative phase has x_model; subtract it.",
    agrees(
        SAME_PHASES, lambda *given: 0 * given[3], says="a model whose samples are its data stops learning"
    ),
    agrees(BOTH_PHASES, by_autograd, says="it is the slope of −F on data less that on x_model"),
)
def weight_gradient(x: Tensor, x_model: Tensor, c: Tensor, W: Tensor) -> Tensor:
    """The gradient of the mean log-likelihood in W, ``(D, H)``: positive minus negative phase."""
    positive = x.T @ torch.sigmoid(c + x @ W) / len(x)
    negative = x_model.T @ torch.sigmoid(c + x_model @ W) / len(x_model)
    return positive - negative

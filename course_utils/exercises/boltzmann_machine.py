"""The exercises of notebook 17: free energy, a conditional of Gibbs sampling, and the two phases."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from course_utils.exercises.engine import Exercise, agrees, agrees_with, holds, within

GENERATOR = torch.Generator().manual_seed(0)


def free_energy(x: Tensor, b: Tensor, c: Tensor, W: Tensor) -> Tensor:
    """F(x) = −log Σ_h exp(−E(x, h)) of a restricted machine in closed form, ``(B,)``."""
    return -x @ b - softplus(c + x @ W).sum(1)


def p_pixels(h: Tensor, b: Tensor, W: Tensor) -> Tensor:
    """p(x_i = 1 | h) of every pixel, ``(B, D)``, from hidden units ``(B, H)``."""
    return torch.sigmoid(b + h @ W.T)


def weight_gradient(x: Tensor, x_model: Tensor, c: Tensor, W: Tensor) -> Tensor:
    """The gradient of the mean log-likelihood in W, ``(D, H)``: positive minus negative phase."""
    positive = x.T @ torch.sigmoid(c + x @ W) / len(x)
    negative = x_model.T @ torch.sigmoid(c + x_model @ W) / len(x_model)
    return positive - negative


def hidden_states(units: int) -> Tensor:
    """All 2^units states, ``(2^units, units)``."""
    return torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * units).view(-1, units)


def summed(x: Tensor, b: Tensor, c: Tensor, W: Tensor) -> Tensor:
    """F(x) by brute force over all hidden states."""
    h = hidden_states(len(c))
    return -(x @ b)[:, None].add(h @ c).add(x @ W @ h.T).logsumexp(1)


def by_autograd(x: Tensor, x_model: Tensor, c: Tensor, W: Tensor) -> Tensor:
    """The same gradient as the slope of mean −F over data less that over the model's images."""
    W = W.clone().requires_grad_()
    score = softplus(c + x @ W).sum(1).mean() - softplus(c + x_model @ W).sum(1).mean()
    return torch.autograd.grad(score, W)[0]


def pictures(n: int, pixels: int, generator: torch.Generator) -> Tensor:
    """Random binary images, ``(n, pixels)``."""
    return (torch.rand(n, pixels, generator=generator) < 0.6).float()


def machines() -> dict[str, tuple[Tensor, ...]]:
    """Images and the parameters of small machines."""
    generator = torch.Generator().manual_seed(0)

    def machine(n: int, D: int, H: int) -> tuple[Tensor, ...]:
        return pictures(n, D, generator), *(
            torch.randn(shape, generator=generator) for shape in ((D,), (H,), (D, H))
        )

    return {"3 images, D = 4, H = 3": machine(3, 4, 3), "5 images, D = 6, H = 2": machine(5, 6, 2)}


def large_weights() -> dict[str, tuple[Tensor, ...]]:
    """A machine in which a hidden unit's input, 198, is too large for exp in float32; so is 1 + exp."""
    x = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    return {"W = 100": (x, torch.zeros(2), torch.tensor([-2.0]), torch.full((2, 1), 100.0))}


def hidden() -> dict[str, tuple[Tensor, ...]]:
    """Hidden states, and what leads down from them."""
    sizes = {"2 states, D = 4, H = 3": (2, 4, 3), "5 states, D = 3, H = 6": (5, 3, 6)}
    return {
        name: (
            pictures(n, H, GENERATOR),
            torch.randn(D, generator=GENERATOR),
            torch.randn(D, H, generator=GENERATOR),
        )
        for name, (n, D, H) in sizes.items()
    }


def both_phases() -> dict[str, tuple[Tensor, ...]]:
    """Images of the data, more of them of the model, and a machine."""
    generator, found = torch.Generator().manual_seed(2), {}
    for name, (D, H) in {"D = 4, H = 3": (4, 3), "D = 3, H = 5": (3, 5)}.items():
        c, W = torch.randn(H, generator=generator), torch.randn(D, H, generator=generator)
        found[f"5 images against 8, {name}"] = pictures(5, D, generator), pictures(8, D, generator), c, W
    return found


def ratio_of_energies(p: Tensor, h: Tensor, b: Tensor, W: Tensor) -> bool:
    """Whether log p/(1 − p) is the energy that a pixel saves by being white."""
    saved = b + (W[None] * h[:, None]).sum(2)
    return bool((torch.logit(p.double()) - saved.double()).abs().max() < 1e-3)


FREE_ENERGY = Exercise(
    free_energy,
    (
        "The sum over h is a product of H sums with two terms each: Σ exp(h_j a_j) = 1 + exp(a_j).",
        "Here a = c + x @ W, (B, H), and log(1 + exp(a)) is torch.nn.functional.softplus(a).",
        "F = −x @ b − softplus(c + x @ W).sum(1).",
    ),
    holds(
        "one hidden unit without weights adds −log 2",
        lambda F, x, b, c, W: bool((F + x @ b + torch.tensor(2.0).log()).abs().max() < 1e-4),
        "−x·b − log 2",
        {"W = 0, c = 0": (torch.eye(3), torch.tensor([1.0, -2.0, 0.5]), torch.zeros(1), torch.zeros(3, 1))},
    ),
    agrees_with(summed, machines(), says="it is the sum over all hidden states, by brute force"),
    agrees_with(summed, large_weights(), says="it stays finite where exp is too large for a float"),
)

P_PIXELS = Exercise(
    p_pixels,
    (
        "Given h the pixels are independent. What does the energy gain if x_i turns from 0 to 1?",
        "It falls by b_i + Σ_j W_ij h_j: these are the log-odds of x_i.",
        "In code: torch.sigmoid(b + h @ W.T).",
    ),
    within(0, 1, hidden(), says="each probability lies between 0 and 1"),
    holds("log-odds are differences of energy", ratio_of_energies, "log-odds b + W h", hidden()),
    agrees(hidden()),
)

WEIGHT_GRADIENT = Exercise(
    weight_gradient,
    (
        "Both phases are the same mean: of x_i p(h_j = 1 | x), once over data, once over the model's images.",
        "p(h = 1 | x) is torch.sigmoid(c + x @ W); the mean of all products x_i p_j is x.T @ p / len(x).",
        "positive = x.T @ torch.sigmoid(c + x @ W) / len(x); the negative phase has x_model; subtract it.",
    ),
    holds(
        "a model that dreams its data stops learning",
        lambda came, *_: bool(came.abs().max() < 1e-5),
        "zero",
        {name: (x, x.clone(), c, W) for name, (x, _, c, W) in both_phases().items()},
    ),
    agrees_with(
        by_autograd, both_phases(), says="it is the slope of −F on data less that on the model's images"
    ),
)

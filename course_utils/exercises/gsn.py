"""The exercises of notebook 18: the distributions of a corruption and of a chain, the target of walkback."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds
from course_utils.models.denoising import stationary_distribution
from course_utils.universe import all_images

GENERATOR = torch.Generator().manual_seed(0)


def sums_to_one(came: Tensor, *given: object) -> bool:
    """Whether what came are the probabilities of all that can happen."""
    return bool(abs(came.double().sum() - 1) < 1e-5)


X, EVERY = torch.tensor([1.0, 0.0, 0.0, 1.0]).expand(16, 4), all_images(1, 4).flatten(1)
PAIRS: Cases = {f"all 16 corruptions of one image, noise {noise}": (X, EVERY, noise) for noise in (0.4, 0.0)}
WEATHER = torch.tensor([[0.9, 0.1], [0.3, 0.7]])
LONG: Cases = {"two states, 200 steps": (WEATHER, 200)}
CHAINS: Cases = {
    "two states, 1 step": (WEATHER, 1),
    **LONG,
    "five states, 3 steps": (torch.randn(5, 5, generator=GENERATOR).mul(2).softmax(1), 3),
}

STRAYED: Cases = {
    "a walk that strays, reconstructions that do not": (
        torch.tensor([[[0.99, 0.01]], [[0.99, 0.01]]]),
        torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]]),
    )
}
P, U = torch.rand(2, 3, 2, 4, generator=GENERATOR)
WALKS: Cases = {"3 steps from 2 images of 4 pixels": (0.05 + 0.9 * P, (U < 0.5).float())}


@exercise(
    "Pixels are corrupted one by one: C(x̃ | x) is a product over pixels.",
    "A forgotten pixel is a fair coin, so that it flips with probability noise/2, else it stays.",
    "With kept = (x == noisy).double(): (kept * (1 - noise/2) + (1 - kept) * noise/2).prod(1).",
    holds("over all x̃, the probabilities sum to 1", sums_to_one, "Σ C(x̃ | x) = 1", PAIRS),
    agrees({"every pixel forgotten": (X, EVERY, 1.0)}, says="a forgotten pixel is a fair coin"),
    agrees(PAIRS, says="it is the product of all pixels", tolerance=1e-6),
)
def corruption_probability(x: Tensor, noisy: Tensor, noise: float) -> Tensor:
    """C(x̃ | x) of each pair of binary images, both ``(B, D)``, to ``(B,)``."""
    kept = (x == noisy).double()
    return (kept * (1 - noise / 2) + (1 - kept) * noise / 2).prod(1)


@exercise(
    "Start with the uniform distribution: S probabilities of 1/S.",
    "The distribution after a step is p′(x′) = Σ_x p(x) T(x, x′): a row vector times T.",
    "In a loop over the steps: p = p @ T.",
    holds("its probabilities sum to 1", sums_to_one, "S probabilities that sum to 1", CHAINS),
    agrees(LONG, lambda T, _: stationary_distribution(T), says="after 200 steps it changes no more"),
    agrees(CHAINS, lambda T, k: torch.linalg.matrix_power(T, k).mean(0), says="it is the mean row of Tᵏ"),
)
def distribution_after(T: Tensor, steps: int) -> Tensor:
    """The distribution of a chain after so many steps from the uniform one: ``(S, S)`` to ``(S,)``."""
    p = torch.full((len(T),), 1 / len(T), dtype=T.dtype)
    for _ in range(steps):
        p = p @ T
    return p


@exercise(
    "Wherever the walk has gone, every reconstruction shall give back the image it set out from.",
    "The target of all K steps is walk[0]; each pixel is a Bernoulli with probability p.",
    "With x = walk[0]: -(x * p.log() + (1 - x) * (1 - p).log()), summed over pixels, then the mean.",
    agrees(STRAYED, says="the way back home costs little"),
    agrees(WALKS, says="it is the mean over steps and images, in nats per image"),
)
def walkback_loss(p: Tensor, walk: Tensor) -> Tensor:
    """The walkback loss of K steps, in nats per image; p and walk are ``(K, B, D)``.

    p[k] is the reconstruction, pixel by pixel, that was computed from the image walk[k]; walk[0] is the data.
    """
    x = walk[0]
    return -(x * p.log() + (1 - x) * (1 - p).log()).sum(-1).mean()

"""The exercises of notebook 18: the distributions of a corruption and of a chain, the target of walkback."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Exercise, agrees, agrees_with, holds
from course_utils.universe import all_images

GENERATOR = torch.Generator().manual_seed(0)


def corruption_probability(x: Tensor, noisy: Tensor, noise: float) -> Tensor:
    """C(x̃ | x) of each pair of binary images, both ``(B, D)``, to ``(B,)``."""
    kept = (x == noisy).double()
    return (kept * (1 - noise / 2) + (1 - kept) * noise / 2).prod(1)


def distribution_after(T: Tensor, steps: int) -> Tensor:
    """The distribution of a chain after so many steps from the uniform one: ``(S, S)`` to ``(S,)``."""
    p = torch.full((len(T),), 1 / len(T), dtype=T.dtype)
    for _ in range(steps):
        p = p @ T
    return p


def walkback_loss(p: Tensor, walk: Tensor) -> Tensor:
    """The walkback loss of K steps, in nats per image; p and walk are ``(K, B, D)``.

    p[k] is the reconstruction, pixel by pixel, that was computed from the image walk[k]; walk[0] is the data.
    """
    x = walk[0]
    return -(x * p.log() + (1 - x) * (1 - p).log()).sum(-1).mean()


def pairs() -> dict[str, tuple[Tensor, Tensor, float]]:
    """An image beside every corruption of it, at some levels of noise."""
    noisy = all_images(1, 4).flatten(1)
    x = torch.tensor([1.0, 0.0, 0.0, 1.0]).expand(16, 4)
    return {f"all 16 corruptions of one image, noise {noise}": (x, noisy, noise) for noise in (0.4, 0.0, 1.0)}


def all_corruptions_sum_to_one(came: Tensor, x: Tensor, noisy: Tensor, noise: float) -> bool:
    """Whether C(x̃ | x) is a distribution over x̃."""
    return bool(abs(came.double().sum() - 1) < 1e-5)


def salt_or_pepper(came: Tensor, x: Tensor, noisy: Tensor, noise: float) -> bool:
    """Whether forgotten pixels are fair coins: with all of them forgotten, all x̃ are equally likely."""
    return noise < 1 or bool((came - 1 / 16).abs().max() < 1e-6)


def chains() -> dict[str, tuple[Tensor, int]]:
    """Transition matrices, and numbers of steps."""
    weather = torch.tensor([[0.9, 0.1], [0.3, 0.7]])
    random = torch.randn(5, 5, generator=GENERATOR).mul(2).softmax(1).double()
    return {
        "two states, 1 step": (weather, 1),
        "two states, 200 steps": (weather, 200),
        "five states, 3 steps": (random, 3),
    }


def by_powers(T: Tensor, steps: int) -> Tensor:
    """The same from the definition: the mean row of Tᵏ."""
    return torch.linalg.matrix_power(T, steps).mean(0)


def is_a_distribution(came: Tensor, T: Tensor, steps: int) -> bool:
    """Whether the numbers are probabilities that sum to 1."""
    return came.shape == (len(T),) and bool((came >= -1e-6).all() and abs(came.double().sum() - 1) < 1e-4)


def stays(came: Tensor, T: Tensor, steps: int) -> bool:
    """Whether after many steps another one changes nothing."""
    return steps < 100 or bool((came @ T.to(came.dtype) - came).abs().max() < 1e-4)


def walks() -> dict[str, tuple[Tensor, Tensor]]:
    """Reconstructions along walks, and the images that the walks visited."""

    def walk(steps: int, images: int, pixels: int) -> tuple[Tensor, Tensor]:
        p = torch.rand(steps, images, pixels, generator=GENERATOR) * 0.9 + 0.05
        return p, (torch.rand(steps, images, pixels, generator=GENERATOR) < 0.5).float()

    certain = torch.tensor([[[0.99, 0.01]], [[0.99, 0.01]]])
    home = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    return {
        "a walk that strays, reconstructions that do not": (certain, home),
        "3 steps from 2 images of 4 pixels": walk(3, 2, 4),
        "5 steps from 3 images of 9 pixels": walk(5, 3, 9),
    }


def cheap_if_brought_back(came: Tensor, p: Tensor, walk: Tensor) -> bool:
    """Whether reconstructions of the training image cost little, wherever the walk has gone."""
    return p.shape != (2, 1, 2) or bool(0 <= came < 0.1)


CORRUPTION_PROBABILITY = Exercise(
    corruption_probability,
    (
        "Pixels are corrupted one by one: C(x̃ | x) is a product over pixels.",
        "A forgotten pixel is a fair coin, so that it flips with probability noise/2, else it stays.",
        "With kept = (x == noisy).double(): (kept * (1 - noise/2) + (1 - kept) * noise/2).prod(1).",
    ),
    holds("over all x̃, the probabilities sum to 1", all_corruptions_sum_to_one, "Σ C(x̃ | x) = 1", pairs()),
    holds("a forgotten pixel is a fair coin", salt_or_pepper, "1/16 for each x̃ at noise 1", pairs()),
    agrees(pairs(), says="it is the product of all pixels", tolerance=1e-6),
)

DISTRIBUTION_AFTER = Exercise(
    distribution_after,
    (
        "Start with the uniform distribution: S probabilities of 1/S.",
        "The distribution after a step is p′(x′) = Σ_x p(x) T(x, x′): a row vector times T.",
        "In a loop over the steps: p = p @ T.",
    ),
    holds("it is a distribution", is_a_distribution, "S probabilities that sum to 1", chains()),
    holds("after many steps, another one changes nothing", stays, "p @ T equal to p", chains()),
    agrees_with(by_powers, chains(), says="it is the mean row of Tᵏ"),
)

WALKBACK_LOSS = Exercise(
    walkback_loss,
    (
        "Wherever the walk has gone, every reconstruction shall give back the image it set out from.",
        "The target of all K steps is walk[0]; each pixel is a Bernoulli with probability p.",
        "With x = walk[0]: -(x * p.log() + (1 - x) * (1 - p).log()), summed over pixels, then the mean.",
    ),
    holds(
        "the way back home costs little",
        cheap_if_brought_back,
        "nearly 0 where every p[k] is near walk[0]",
        walks(),
    ),
    agrees(walks(), says="it is the mean over steps and images, in nats per image"),
)

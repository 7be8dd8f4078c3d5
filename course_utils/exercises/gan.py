"""The exercises of notebook 19: the best discriminator, the slopes of two losses, modes that were hit."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, Exercise, agrees, holds

GENERATOR = torch.Generator().manual_seed(0)


def best_discriminator(p_data: Tensor, p_g: Tensor) -> Tensor:
    """D*(x) for every state, from the probabilities of the data and of the generator's samples, ``(S,)``."""
    return p_data / (p_data + p_g)


def generator_slopes(t: Tensor) -> tuple[Tensor, Tensor]:
    """The derivatives in t of log(1 − D) and of −log D, where D = σ(t)."""
    D = torch.sigmoid(t)
    return -D, -(1 - D)


def modes_hit(x: Tensor, patterns: Tensor) -> int:
    """How many of the patterns ``(K, D)`` occur among the samples x ``(N, D)``, all of 0 and 1."""
    return int((x[:, None] == patterns).all(2).any(0).sum())


# Two distributions on the same states
DISTRIBUTIONS: Cases = {
    "three states": (torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.3, 0.6])),
    "six states": tuple(torch.arange(6.0).softmax(0).flip(d) for d in ((), (0,))),
}


def equal() -> dict[str, tuple[Tensor, Tensor]]:
    """A generator that has reached the data."""
    p = torch.tensor([0.7, 0.2, 0.1])
    return {"p_g = p_D": (p, p.clone())}


# Log-odds: D in doubt, D sure of fakes, D sure of the real
LOGITS: Cases = {"t from −4 to 4": (torch.tensor([-4.0, -1.0, 0.0, 0.5, 4.0]),)}

# D is sure that the samples are fakes
SURE: Cases = {"t = −12": (torch.tensor([-12.0, -15.0]),)}


def drawn() -> dict[str, tuple[Tensor, Tensor]]:
    """Samples that repeat, that lie between the patterns, that hit all of them."""
    patterns = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1]])
    return {
        "two of four patterns": (patterns[[0, 2, 0, 0, 2]], patterns),
        "all four, and others": (torch.cat([patterns, 1 - patterns]), patterns),
        "none": (torch.tensor([[0.0, 1, 0], [1, 0, 1]]), patterns),
    }


BEST_DISCRIMINATOR = Exercise(
    best_discriminator,
    (
        "At one x, V has the terms p_D(x) log D + p_g(x) log(1 − D). Where is this largest in D?",
        "Its derivative p_D/D − p_g/(1 − D) is 0 where p_D (1 − D) = p_g D.",
        "In code: p_data / (p_data + p_g).",
    ),
    agrees(equal(), says="it is 1/2 everywhere if p_g = p_D"),
    agrees(DISTRIBUTIONS, says="it is the share of p_D in p_D + p_g"),
)

GENERATOR_SLOPES = Exercise(
    generator_slopes,
    (
        "log(1 − σ(t)) = −log(1 + eᵗ) and −log σ(t) = log(1 + e⁻ᵗ).",
        "The derivative of log(1 + eᵗ) is σ(t); that of log(1 + e⁻ᵗ) is σ(t) − 1.",
        "In code: D = torch.sigmoid(t), and then -D and -(1 - D).",
    ),
    holds(
        "both losses fall in t: to look more real is cheaper",
        lambda slopes, t: bool((slopes[0] < 0).all() and (slopes[1] < 0).all()),
        "negative slopes",
        LOGITS,
    ),
    holds(
        "where D is sure of a fake, the first slope vanishes and the second is −1",
        lambda slopes, t: bool(slopes[0].abs().max() < 1e-4 and (slopes[1] + 1).abs().max() < 1e-4),
        "nearly 0, and nearly −1",
        SURE,
    ),
    agrees(LOGITS),
)

MODES_HIT = Exercise(
    modes_hit,
    (
        "A sample hits a pattern if all D values agree.",
        "Compare every sample with every pattern: x[:, None] == patterns is (N, K, D).",
        "In code: int((x[:, None] == patterns).all(2).any(0).sum()).",
    ),
    holds(
        "it is never more than the number of patterns",
        lambda hit, x, patterns: 0 <= hit <= len(patterns),
        "0 to K",
        drawn(),
    ),
    agrees(drawn(), says="a pattern counts once, however often it is drawn"),
)

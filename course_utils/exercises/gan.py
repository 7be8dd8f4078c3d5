"""The exercises of notebook 19: the best discriminator, the slopes of two losses, modes that were hit."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds

EQUAL: Cases = {"p_g = p_D": (torch.tensor([0.7, 0.2, 0.1]),) * 2}
DISTRIBUTIONS: Cases = {
    "three states": (torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.3, 0.6])),
    "six states": (torch.arange(6.0).softmax(0), torch.arange(6.0).softmax(0).flip(0)),
}
LOGITS: Cases = {"t from −4 to 4": (torch.tensor([-4.0, -1.0, 0.0, 0.5, 4.0]),)}
SURE_OF_FAKES: Cases = {"t = −12": (torch.tensor([-12.0, -15.0]),)}
PATTERNS = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1]])
SAMPLES: Cases = {
    "two of four patterns": (PATTERNS[[0, 2, 0, 0, 2]], PATTERNS),
    "all four, and others": (torch.cat([PATTERNS, 1 - PATTERNS]), PATTERNS),
    "none": (torch.tensor([[0.0, 1, 0], [1, 0, 1]]), PATTERNS),
}


@exercise(
    "At one x, V has the terms p_D(x) log D + p_g(x) log(1 − D). Where is this largest in D?",
    "Its derivative p_D/D − p_g/(1 − D) is 0 where p_D (1 − D) = p_g D.",
    "In code: p_data / (p_data + p_g).",
    agrees(EQUAL, says="it is 1/2 everywhere if p_g = p_D"),
    agrees(DISTRIBUTIONS, says="it is the share of p_D in p_D + p_g"),
)
def best_discriminator(p_data: Tensor, p_g: Tensor) -> Tensor:
    """D*(x) for every state, from the probabilities of the data and of the generator's samples, ``(S,)``."""
    return p_data / (p_data + p_g)


@exercise(
    "log(1 − σ(t)) = −log(1 + eᵗ) and −log σ(t) = log(1 + e⁻ᵗ).",
    "The derivative of log(1 + eᵗ) is σ(t); that of log(1 + e⁻ᵗ) is σ(t) − 1.",
    "In code: D = torch.sigmoid(t), and then -D and -(1 - D).",
    holds("both losses fall in t", lambda d, t: bool((torch.stack(d) < 0).all()), "negative slopes", LOGITS),
    agrees(SURE_OF_FAKES, says="where D is sure of a fake, the first slope vanishes and the second is −1"),
    agrees(LOGITS),
)
def generator_slopes(t: Tensor) -> tuple[Tensor, Tensor]:
    """The derivatives in t of log(1 − D) and of −log D, where D = σ(t)."""
    D = torch.sigmoid(t)
    return -D, -(1 - D)


@exercise(
    "A sample hits a pattern if all D values agree.",
    "Compare every sample with every pattern: x[:, None] == patterns is (N, K, D).",
    "In code: int((x[:, None] == patterns).all(2).any(0).sum()).",
    agrees(SAMPLES, says="a pattern counts once, however often it is drawn"),
)
def modes_hit(x: Tensor, patterns: Tensor) -> int:
    """How many of the patterns ``(K, D)`` occur among the samples x ``(N, D)``, all of 0 and 1."""
    return int((x[:, None] == patterns).all(2).any(0).sum())

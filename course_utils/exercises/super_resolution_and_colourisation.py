"""The exercises of notebook 05: decibels, what a sample costs, what a squared error answers, shares."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds

GREY = torch.full((2, 1, 3, 4), 0.5)
RAMP = torch.linspace(0, 1, 24).view(2, 1, 3, 4)
TENTH: Cases = {"every pixel wrong by 0.1": (GREY + 0.1, GREY)}
TWICE: Cases = {"a ramp": (0.9 * RAMP, RAMP)}
PICTURES: Cases = {**TENTH, **TWICE, "a ramp against grey": (RAMP, GREY)}
ENDS: Cases = {"a = 0": (torch.tensor(0.0),)}
BLENDS: Cases = {"a from −1 to 2": (torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0]),)}
RED_BLUE_GREEN = torch.tensor([[0.98, 0.32, 0.20], [0.22, 0.55, 0.98], [0.15, 0.73, 0.23]])
SURE: Cases = {"surely blue": (RED_BLUE_GREEN, torch.tensor([0.0, 1.0, 0.0]))}
UNSURE: Cases = {
    "a car": (RED_BLUE_GREEN, torch.tensor([0.5, 0.3, 0.2])),
    "black or white": (torch.tensor([[0.0, 0, 0], [1, 1, 1]]), torch.tensor([0.25, 0.75])),
}
P = torch.tensor([0.5, 0.3, 0.2])
ALWAYS: Cases = {"always the first colour": (torch.zeros(6, dtype=torch.long), P)}
EXACT: Cases = {"shares as they should be": (torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 2, 2]), P)}
SOME_WRONG: Cases = {
    "two without a legal colour": (torch.tensor([0, 0, -1, 1, 2, 2, -1, 1]), P),
    "four colours": (torch.tensor([3, 2, 1, 0, -1, 2, 3]), torch.tensor([0.4, 0.3, 0.2, 0.1])),
    "two colours, one never seen": (torch.tensor([1, 1, 1, -1]), torch.tensor([0.4, 0.6])),
}


def closer(came: Tensor, made: Tensor, x: Tensor) -> bool:
    """Whether half the error gains 6.02 dB."""
    gain = psnr((made + x) / 2, x) - torch.as_tensor(came)
    return bool((gain - 20 * torch.tensor(2.0).log10()).abs() < 1e-3)


@exercise(
    "MSE is the mean of (made − x)² over all pixels; the largest possible value of a pixel is 1.",
    "PSNR = 10·log₁₀(1/MSE) = −10·log₁₀(MSE), and log₁₀ is .log10() in torch.",
    "In code: -10 * (made - x).square().mean().log10().",
    agrees(
        TENTH, lambda made, x: torch.tensor(20.0), says="pixels that are wrong by 0.1 everywhere give 20 dB"
    ),
    holds("half the error gains 20·log₁₀ 2 = 6.02 dB", closer, "6.02 dB less than at half the error", TWICE),
    agrees(PICTURES),
)
def psnr(made: Tensor, x: Tensor) -> Tensor:
    """10·log₁₀(1/MSE) in dB of restored pictures against the originals, both with values in [0, 1]."""
    return -10 * (made - x).square().mean().log10()


@exercise(
    "Write x − mean = e and sample − mean = f: given y, they are independent and have one distribution.",
    "E‖x − (mean + a·f)‖² = E‖e‖² + a²·E‖f‖², since both have mean 0; and E‖f‖² = E‖e‖².",
    "In code: 10 * (1 + a**2).log10().",
    agrees(ENDS, says="the mean itself, a = 0, loses nothing"),
    agrees(
        {"a = 1": (torch.tensor(1.0),)},
        lambda a: 10 * torch.tensor(2.0).log10(),
        says="a sample loses 3.01 dB",
    ),
    agrees(BLENDS),
)
def lost(a: Tensor) -> Tensor:
    """By how many dB mean + a·(sample − mean) has a lower PSNR than the mean of p(x | given)."""
    return 10 * (1 + a**2).log10()


@exercise(
    "Write E‖x − a‖² = Σ_k p_k ‖c_k − a‖², and ask where its slope in a is 0.",
    "Σ_k p_k (c_k − a) = 0 gives a = Σ_k p_k c_k: the mean.",
    "In code: (p[:, None] * colours).sum(0), or p @ colours.",
    agrees(SURE, says="if one colour is certain, it is the answer"),
    agrees(UNSURE, says="else it is the mean, weighted by p"),
)
def l2_answer(colours: Tensor, p: Tensor) -> Tensor:
    """The colour ``(3,)`` of least expected squared error, if the truth is ``colours[k]`` with p[k]."""
    return (p[:, None] * colours).sum(0)


@exercise(
    "First leave out what has no legal colour: found[found >= 0].",
    "torch.bincount(right, minlength=len(p)) counts; divided by len(right), counts are shares.",
    "In code: (shares - p).abs().sum() / 2.",
    agrees(EXACT, says="it is 0 if each colour has its share"),
    agrees(ALWAYS, says="always the first colour is 1 − p₁ away"),
    agrees(SOME_WRONG, says="shares are among the legal ones, and a colour never seen counts"),
    holds("it is in [0, 1]", lambda tv, found, p: 0 <= float(tv) <= 1, "a number from 0 to 1", SOME_WRONG),
)
def total_variation(found: Tensor, p: Tensor) -> float:
    """½ Σ |share − p| over the colours that were found, ``(N,)``; −1, no legal colour, is left out."""
    right = found[found >= 0]
    shares = torch.bincount(right, minlength=len(p)) / len(right)
    return (shares - p).abs().sum().item() / 2

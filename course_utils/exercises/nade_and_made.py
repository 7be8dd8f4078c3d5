"""The exercises of notebook 12: NADE's recursion, MADE's masks, and the average of an ensemble."""

from math import log

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from course_utils.exercises.engine import Cases, Property, agrees, exercise, holds
from course_utils.exercises.engine.answer import Answer
from course_utils.exercises.engine.comparison import Wrong


def naive_logits(x: Tensor, W: Tensor, V: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """NADE's log-odds from the definition, with a new sum for every pixel."""
    logits = [torch.sigmoid(c + x[:, :i] @ W[:i]) @ V[i] + b[i] for i in range(len(W))]
    return torch.stack(logits, 1)


def network(n: int, D: int, H: int) -> tuple[Tensor, ...]:
    """Images and the weights of a NADE."""
    generator = torch.Generator().manual_seed(n)
    x = (torch.rand(n, D, generator=generator) < 0.5).float()
    return x, *(torch.randn(shape, generator=generator) for shape in ((D, H), (D, H), (D,), (H,)))


NETWORKS: Cases = {
    "3 images of 4 pixels, H = 5": network(3, 4, 5),
    "2 images of 9 pixels, H = 3": network(2, 9, 3),
}


def linear_cost(answer: Answer) -> None:
    """Raise Wrong above 4·D·H multiplications: the recursion needs 2·D·H, the definition D²H/2 and more."""
    D, H = 64, 8
    args = network(1, D, H)
    with FlopCounterMode(display=False) as of_reference:
        answer.reference(*args)
    with FlopCounterMode(display=False) as counter:
        answer(*args, case=f"1 image of {D} pixels, H = {H}")  # this runs the reference too
    count = (counter.get_total_flops() - of_reference.get_total_flops()) // 2
    if count > 4 * D * H:
        expected = f"at most 4·D·H = {4 * D * H}"
        raise Wrong(f"{count} multiplications in matrix products", expected=expected, given=answer.given)


DEGREES: Cases = {
    "3 pixels, 2 units": (torch.tensor([1, 2]), 3),
    "4 pixels, 5 units": (torch.tensor([3, 1, 2, 2, 1]), 4),
}
RANDOM = 3 * torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
MIXTURES: Cases = {
    "two models of a coin": (torch.tensor([[0.9, 0.1], [0.2, 0.8]]).log(),),
    "three random models of 16 states": (RANDOM.log_softmax(1),),
}
LARGE: Cases = {"two images of many pixels": (torch.tensor([[-900.0, -1100.0], [-901.0, -1105.0]]),)}


@exercise(
    "Keep one a for every image, (B, H). Before the first pixel it is c.",
    "In a loop over i: first the log-odds from σ(a), V[i] and b[i]; only then let a see pixel i.",
    "The step is a = a + x[:, i, None] * W[i]; at the end, torch.stack(logits, 1).",
    holds(
        "the first pixel knows no other",
        lambda came, x, W, V, b, c: torch.allclose(came[:, 0], b[0] + torch.sigmoid(c) @ V[0], atol=1e-4),
        "b₁ + V₁ · σ(c) in the first column",
        NETWORKS,
    ),
    agrees(NETWORKS, naive_logits, says="it is what the definition gives, for every pixel"),
    Property("its cost grows as D·H: no new sum for every pixel", linear_cost),
)
def recursive_logits(x: Tensor, W: Tensor, V: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The log-odds of x_i = 1 given x_{<i} for all i, ``(B, D)``; W and V are ``(D, H)``."""
    a, logits = c.repeat(len(x), 1), []
    for i in range(len(W)):
        logits.append(torch.sigmoid(a) @ V[i] + b[i])
        a = a + x[:, i, None] * W[i]
    return torch.stack(logits, 1)


@exercise(
    "Pixel d has degree d. A unit of degree m may see pixels 1 … m.",
    "Output d may use units that see pixels 1 … d − 1 at most: degrees below d.",
    "With d = torch.arange(1, D + 1): m[:, None] >= d, and d[:, None] > m.",
    holds(
        "no pixel reaches its own output",
        lambda masks, m, D: not (masks[1].double() @ masks[0].double()).triu().any(),
        "a strictly lower triangle",
        DEGREES,
    ),
    agrees(DEGREES, says="every connection that may be there is there"),
)
def made_masks(m: Tensor, D: int) -> tuple[Tensor, Tensor]:
    """The masks of one hidden layer with degrees m ``(H,)``: pixels to units ``(H, D)``, units to outputs."""
    d = torch.arange(1, D + 1)
    return m[:, None] >= d, d[:, None] > m


@exercise(
    "The mixture is p(x) = 1/K Σ p_k(x). You have logarithms.",
    "log Σ exp of K numbers is logsumexp; log(1/K) is −log K.",
    "In code: log_ps.logsumexp(0) - log(len(log_ps)), with log from math.",
    holds(
        "the probabilities of all states sum to 1",
        lambda came, log_ps: bool(abs(came.double().exp().sum() - 1) < 1e-4),
        "Σ p(x) = 1",
        MIXTURES,
    ),
    agrees(MIXTURES, says="it is the log of the mean probability"),
    agrees(LARGE, says="it works where p(x) is too small for a float"),
)
def ensemble_log_prob(log_ps: Tensor) -> Tensor:
    """log p(x) of the mixture of K models, from the log p_k(x) of each: ``(K, B)`` to ``(B,)``."""
    return log_ps.logsumexp(0) - log(len(log_ps))

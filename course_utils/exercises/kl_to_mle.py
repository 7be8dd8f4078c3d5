"""The exercises of notebook 04: the expected negative log-likelihood and its minimum."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, differentiable, exercise, holds

GENERATOR = torch.Generator().manual_seed(0)

# Pairs of log-probabilities
FAIR, BIASED = torch.tensor([0.5, 0.5]).log(), torch.tensor([0.9, 0.1]).log()
PAIRS: Cases = {
    "a fair coin under a biased model": (FAIR, BIASED),
    "a biased coin under a fair model": (BIASED, FAIR),
    "two random distributions on 16 states": tuple(torch.randn(2, 16, generator=GENERATOR).log_softmax(1)),
}

# Sequences of coin flips
FLIPS: Cases = {
    "one head in four flips": (torch.tensor([0.0, 1.0, 0.0, 0.0]),),
    "fifty flips": ((torch.rand(50, generator=GENERATOR) < 0.7).float(),),
    "three heads": (torch.ones(3),),
}


def least(mu: Tensor, x: Tensor) -> bool:
    """Whether no μ on a fine grid makes x more likely than this one."""
    grid = torch.cat([mu.double().view(1), torch.linspace(0, 1, 1001).double()])
    log_p = torch.xlogy(x.sum(), grid) + torch.xlogy((1 - x).sum(), 1 - grid)
    return bool(0 <= mu <= 1) and bool(log_p[0] >= log_p[1:].max() - 1e-4)


@exercise(
    "An expectation under p is a sum over all states, each weighted with p(x).",
    "You are given log p: the weight is log_p.exp().",
    "Weight −log q(x) with p(x), and sum: -(log_p.exp() * log_q).sum().",
    agrees(
        {"a fair coin under itself": (FAIR, FAIR)},
        lambda *coins: torch.tensor(2.0).log(),
        says="a fair coin costs log 2 nats",
    ),
    holds(
        "it is never below the entropy of p",
        lambda nll, log_p, log_q: bool(nll >= -(log_p.exp() * log_p).sum() - 1e-5),
        "at least H(p)",
        PAIRS,
    ),
    agrees(PAIRS),
    differentiable(PAIRS, 1, says="θ can be learned through it: gradients flow to log q"),
)
def expected_nll(log_p: Tensor, log_q: Tensor) -> Tensor:
    """E_{x∼p}[−log q(x)] on a finite universe, from log-probabilities ``(S,)``, in nats."""
    return -(log_p.exp() * log_q).sum()


@exercise(
    "Write the negative log-likelihood of N flips as a function of μ, and set its derivative to zero.",
    "With k heads it is −k log μ − (N − k) log(1 − μ).",
    "The derivative vanishes at μ = k/N: the share of heads.",
    holds("no other μ makes the flips more likely", least, "the μ of the smallest NLL", FLIPS),
    agrees(FLIPS),
)
def bernoulli_mle(x: Tensor) -> Tensor:
    """The μ that makes N coin flips x ``(N,)`` in {0, 1} most likely."""
    return x.mean()


@exercise(
    "Under which distribution is the expectation of −log p_θ(x) taken: the data's, or the model's?",
    "The data's: its weights are p_D(x), as in Σ p_D (log p_D − log p_θ).",
    holds(
        "it is one of the four",
        lambda name: name in ("forward KL", "reverse KL", "JS", "TV"),
        'one of "forward KL", "reverse KL", "JS", "TV"',
    ),
    agrees(says="its expectation is over the data"),
    value=True,
)
def mle_divergence() -> str:
    """Which divergence is minimised by maximum likelihood: "forward KL", "reverse KL", "JS" or "TV"."""
    return "forward KL"

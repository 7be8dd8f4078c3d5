"""Laws, models and samples on which the exercises of notebook 21 are tested, and what must hold there."""

import torch
from torch import Tensor

from course_utils.divergences import kl

SEEDS = range(3)


def laws() -> dict[str, tuple[Tensor, Tensor]]:
    """Pairs of log-probabilities."""
    dice = torch.Generator().manual_seed(0)
    random = torch.randn(2, 16, generator=dice).log_softmax(1)
    coin, biased = torch.tensor([0.5, 0.5]).log(), torch.tensor([0.9, 0.1]).log()
    return {
        "p a fair coin, q a biased one": (coin, biased),
        "p a biased coin, q a fair one": (biased, coin),
        "two random laws on 16 states": (random[0], random[1]),
    }


def families() -> dict[str, tuple[Tensor, Tensor]]:
    """A law and six models of it; under the two divergences different ones win."""
    found = {}
    for seed in SEEDS:
        dice = torch.Generator().manual_seed(seed)
        log_p = (3 * torch.randn(8, generator=dice)).log_softmax(0)
        log_qs = (2 * torch.randn(6, 8, generator=dice)).log_softmax(1)
        found[f"six models on 8 states, seed {seed}"] = (log_p, log_qs)
    modes = torch.tensor([0.49, 0.02, 0.49]).log()
    wide, narrow = torch.tensor([1 / 3, 1 / 3, 1 / 3]).log(), torch.tensor([0.98, 0.01, 0.01]).log()
    found["two modes; a wide model and a narrow one"] = (modes, torch.stack([wide, narrow]))
    return found


def samples() -> dict[str, tuple[Tensor, int]]:
    """Numbers of states that were drawn, and how many states there are."""
    dice = torch.Generator().manual_seed(0)
    return {
        "four draws of three states": (torch.tensor([0, 2, 2, 0]), 3),
        "a state never drawn": (torch.tensor([1, 1, 0]), 5),
        "a hundred draws of ten states": (torch.randint(10, (100,), generator=dice), 10),
    }


def scored_samples() -> dict[str, tuple[Tensor, Tensor]]:
    """Log-probabilities of states, and numbers of states that were drawn."""
    dice = torch.Generator().manual_seed(0)
    law = torch.randn(10, generator=dice).log_softmax(0)
    return {
        "two draws of a biased coin": (torch.tensor([0.9, 0.1]).log(), torch.tensor([0, 1])),
        "the same state three times": (law, torch.tensor([7, 7, 7])),
        "a hundred draws of ten states": (law, torch.randint(10, (100,), generator=dice)),
    }


def difference_is_kl(parts: tuple[Tensor, Tensor], log_p: Tensor, log_q: Tensor) -> bool:
    """Whether the first sum minus the second is KL(p‖q)."""
    return abs(float(parts[0] - parts[1] - kl(log_p, log_q))) < 1e-4


def constant(gaps: Tensor, log_p: Tensor, log_qs: Tensor) -> bool:
    """Whether all numbers are the same."""
    return float(gaps.max() - gaps.min()) < 1e-4


def unbeaten(law: Tensor, draws: Tensor, states: int) -> bool:
    """Whether no law nearby, and not the uniform one, makes the draws likelier."""

    def nll(q: Tensor) -> Tensor:
        return -q.clamp_min(1e-12).log()[draws].mean()

    dice = torch.Generator().manual_seed(0)
    others = [torch.full((states,), 1 / states)]
    others += [(law + 0.05 * torch.rand(states, generator=dice)) for _ in range(20)]
    return all(nll(law) <= nll(other / other.sum()) + 1e-5 for other in others)


def nowhere_below(nll: Tensor, draws: Tensor, states: int) -> bool:
    """Whether no law of a few has a smaller mean NLL on the draws."""
    dice = torch.Generator().manual_seed(0)
    some = torch.randn(50, states, generator=dice).log_softmax(1)
    return bool(nll <= -some[:, draws].mean(1).min() + 1e-5)

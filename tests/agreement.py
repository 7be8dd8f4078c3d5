"""Samples against a density: what a model draws, beside the probabilities that it should draw it with."""

from typing import Any, NamedTuple

import torch
from scipy.special import chdtrc
from torch import Tensor

from course_utils.universe import state_index


class Agreement(NamedTuple):
    """What ``agreement`` found."""

    total_variation: float  # ½ Σ |histogram − p_M|; above 0 even for perfect samples, since n is finite
    p_value: float  # how often perfect samples would fit p_M no better (Pearson's χ², rare states pooled)


def agreement(drawn: Tensor, log_p: Tensor) -> Agreement:
    """Compare the histogram of drawn states, by their numbers ``(n,)``, with the probabilities of all."""
    n, counts = len(drawn), torch.bincount(drawn, minlength=len(log_p)).cpu().double()
    expected = n * log_p.cpu().double().exp()
    likely_first = expected.argsort(descending=True)
    common = int((expected >= 5).sum())
    cells = max(common + int(n - expected[likely_first[:common]].sum() >= 5), 1)
    cell = torch.arange(len(expected)).clamp_max(cells - 1)  # the rare states share the last cell
    seen = torch.zeros(cells).double().index_add(0, cell, counts[likely_first])
    due = torch.zeros(cells).double().index_add(0, cell, expected[likely_first])
    statistic = ((seen - due).square() / due).sum().item()
    total_variation = (counts - expected).abs().sum().item() / (2 * n)
    return Agreement(total_variation, float(chdtrc(max(cells - 1, 1), statistic)))


def sample_agreement(
    model: Any, log_p: Tensor, n: int = 100_000, *, generator: torch.Generator | None = None
) -> Agreement:
    """``agreement`` of n samples of binary images with all 2^D states.

    A wrong prior or a double sigmoid leaves Σ p = 1 and is seen by this test alone.
    """
    return agreement(state_index(model.sample(n, generator=generator)), log_p)

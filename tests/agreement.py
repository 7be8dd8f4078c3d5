"""Samples against a density: what a model draws, beside the probabilities that it should draw it with."""

from typing import Any, NamedTuple

import torch
from scipy.special import chdtrc
from torch import Tensor

from course_utils.universe import state_index


class Agreement(NamedTuple):
    """What ``sample_agreement`` found."""

    total_variation: float  # ½ Σ |histogram − p_M|; above 0 even for perfect samples, since n is finite
    p_value: float  # how often perfect samples would fit p_M no better (Pearson's χ², rare states pooled)


def sample_agreement(
    model: Any, log_p: Tensor, n: int = 100_000, *, generator: torch.Generator | None = None
) -> Agreement:
    """Compare the histogram of n samples of binary images with the probabilities of all 2^D states.

    A wrong prior or a double sigmoid leaves Σ p = 1 and is seen by this test alone.
    """
    counts = torch.bincount(state_index(model.sample(n, generator=generator)), minlength=len(log_p))
    counts, expected = counts.cpu().double(), n * log_p.cpu().double().exp()
    likely_first = expected.argsort(descending=True)
    common = int((expected >= 5).sum())
    cells = max(common + int(n - expected[likely_first[:common]].sum() >= 5), 1)
    cell = torch.arange(len(expected)).clamp_max(cells - 1)  # the rare states share the last cell
    seen = torch.zeros(cells).double().index_add(0, cell, counts[likely_first])
    due = torch.zeros(cells).double().index_add(0, cell, expected[likely_first])
    statistic = ((seen - due).square() / due).sum().item()
    total_variation = (counts - expected).abs().sum().item() / (2 * n)
    return Agreement(total_variation, float(chdtrc(max(cells - 1, 1), statistic)))

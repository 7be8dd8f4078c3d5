"""Estimates of the partition function Z of an unnormalised density, where its states are too many to sum."""

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor
from torch.nn.functional import softplus

from course_utils.checks import check_count
from course_utils.divergences import Estimate
from course_utils.models import BoltzmannMachine
from course_utils.models.boltzmann import flip_coins
from course_utils.runtime import as_double


@dataclass(frozen=True)
class PartitionEstimate:
    """What importance weights w with E[w] = Z say about Z.

    Their mean has its log below log Z in expectation (Jensen), by about half the variance, so that a model
    looks better than it is. With a small effective sample size the standard error is too small as well.
    """

    log_z: Estimate  # log of the mean weight in nats, with its standard error (delta method)
    effective_sample_size: float  # (Σ w)² / Σ w²: from 1 (one weight is all) to n (all are equal)
    log_weights: Tensor  # log w (n,), float64

    def __repr__(self) -> str:
        share = f"{self.effective_sample_size:.1f} of {len(self.log_weights):,}"
        return f"log Z = {self.log_z} nats, effective sample size {share}"


def from_log_weights(log_weights: Tensor) -> PartitionEstimate:
    """The estimate that weights make, however small or large they are: log w ``(n,)`` with n ≥ 2."""
    log_w = log_weights.detach().cpu().double()
    share = log_w.softmax(0)
    size = 1 / share.square().sum().item()
    relative = (len(log_w) * share).std().item() / len(log_w) ** 0.5
    estimate = Estimate(log_w.logsumexp(0).item() - log(len(log_w)), relative)
    return PartitionEstimate(estimate, size, log_w)


@torch.no_grad()
def annealed_importance_sampling(
    model: BoltzmannMachine,
    *,
    temperatures: int | Tensor = 10_000,
    chains: int = 100,
    base: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> PartitionEstimate:
    r"""log Z of a restricted Boltzmann machine by annealing from independent pixels.

    Between independent pixels with log-odds a (β = 0) and the machine (β = 1) stand the machines with

        F_β(x) = −((1 − β) a + β b)ᵀx − Σ_j softplus(β (c_j + (Wᵀx)_j)),   Z_0 = 2^H Π_i (1 + e^{a_i}).

    Each chain starts with x ∼ p_0. At every β it gathers log w += F_{β_k−1}(x) − F_{β_k}(x), then takes one
    step of block Gibbs that leaves p_{β_k} as it is. In the end E[w] = Z, exactly, for any number of
    temperatures (they decide the variance). R. Neal 2001; R. Salakhutdinov and I. Murray, *On the
    Quantitative Analysis of Deep Belief Networks*, ICML 2008.

    Args:
        model: a restricted machine.
        temperatures: how many steps from β = 0 to 1, evenly spaced; or the β themselves, rising from 0
            to 1, ``(K + 1,)``.
        chains: how many independent weights.
        base: images ``(N, *event_shape)`` whose shares of white pixels (one white and one black image
            added) are the distribution at β = 0; None: fair coins.
        generator: the random numbers to use.

    Raises:
        ValueError: the machine is not restricted, or one of the others is not what it should be.

    >>> model = BoltzmannMachine((1, 2, 2), hidden=3)
    >>> found = annealed_importance_sampling(model, temperatures=100, chains=200)
    >>> abs(found.log_z.value - model.log_partition().item()) < 0.1
    True
    """
    betas, a = _request(model, temperatures, chains, base)
    b, c, W = model.b, model.c, model.W
    x = flip_coins(a.expand(chains, -1), generator)
    log_w = torch.full((chains,), len(c) * log(2) + as_double(softplus(a)).sum().item(), dtype=torch.float64)
    log_w = log_w.to(as_double(a[:1]).device)
    before = 0.0
    for beta in betas[1:].tolist():
        drive = c + x @ W
        gain = (softplus(beta * drive) - softplus(before * drive)).sum(1)
        log_w += as_double(gain + (beta - before) * (x @ (b - a)))
        h = flip_coins(beta * drive, generator)
        x = flip_coins(a + beta * (b - a + h @ W.T), generator)
        before = beta
    return from_log_weights(log_w)


def _request(
    model: BoltzmannMachine, temperatures: int | Tensor, chains: int, base: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The β and the log-odds of the pixels at β = 0, if all arguments are what they should be."""
    who = "annealed_importance_sampling"
    if not isinstance(model, BoltzmannMachine) or model.connections != "restricted":
        kind = getattr(model, "connections", type(model).__name__)
        raise ValueError(f"{who}: expected a restricted BoltzmannMachine, got {kind}")
    check_count(chains, f"{who}: chains", low=2)  # one has no standard error
    if isinstance(temperatures, Tensor):
        betas = temperatures.cpu().double()
        good = betas.dim() == 1 and len(betas) > 1 and bool((betas.diff() > 0).all())
        if not good or betas[0] != 0 or betas[-1] != 1:
            raise ValueError(f"{who}: expected temperatures as β rising from 0 to 1, got {temperatures}")
    else:
        betas = torch.linspace(0, 1, 1 + check_count(temperatures, f"{who}: temperatures")).double()
    if base is None:
        return betas, torch.zeros_like(model.b)
    white = model.check(base).flatten(1).sum(0)
    return betas, ((white + 1) / (len(base) + 1 - white)).log()

"""What a held-out image costs, as exactly as the model can say; each number is named by how it was had."""

from collections.abc import Callable
from math import log
from typing import Any, TypeGuard

import torch
from torch import Tensor

from course_utils.datasets import dequantise
from course_utils.divergences import Estimate, mean
from course_utils.evaluation import results
from course_utils.evaluation.measures import bits_per_dim, log_probs
from course_utils.evaluation.partition import annealed_importance_sampling
from course_utils.runtime import as_double
from course_utils.taxonomy import ExplicitMarkovChain, GenerativeModel, TractableDensity, Variational
from course_utils.universe import BinaryUniverse

ELBO_DRAWS, AIS_TEMPERATURES, AIS_CHAINS = 20, 10_000, 100
POINTS = 16  # in the cell of a state, to average a density over


def dequantised(model: GenerativeModel) -> TypeGuard[TractableDensity]:
    """Whether a model is a density on a continuum, so that grey levels have to be spread over their cells."""
    return isinstance(model, TractableDensity) and model.support in ("unit", "real")


@torch.no_grad()
def costs(model: GenerativeModel, x: Tensor, seed: int = 0) -> dict[str, tuple[Tensor, float]]:
    """−log p_M(x) in nats, or a bound or an estimate of it, by how it was had; the best is first.

    The names are "exact", "IWAE-500", "ELBO" or "AIS"; there is none for an implicit density.

    Args:
        model: trained, in eval mode.
        x: images ``(N, *event_shape)``.
        seed: of the codes of a variational model and of the chains of AIS.

    Returns:
        For each: what every image costs ``(N,)``, and a standard error that all of them share.
    """
    x = x.to(model.reference)
    dice = torch.Generator(x.device).manual_seed(seed)
    if isinstance(model, TractableDensity):
        return {"exact": (-log_probs(model, x), 0.0)}
    if isinstance(model, Variational):
        elbos = [as_double(model.elbo(x, generator=dice)) for _ in range(ELBO_DRAWS)]
        bound = model.importance_weighted_bound(x, results.IWAE_CODES, generator=dice)
        names = f"IWAE-{results.IWAE_CODES}", "ELBO"
        return dict(zip(names, ((-as_double(bound), 0.0), (-torch.stack(elbos).mean(0), 0.0)), strict=True))
    if isinstance(model, ExplicitMarkovChain):
        log_z = log_partition(model, seed)
        how = "AIS" if log_z.standard_error else "exact"
        return {how: (as_double(model.free_energy(x)) + log_z.value, log_z.standard_error)}
    return {}


def log_partition(model: Any, seed: int = 0) -> Estimate:
    """log Z in nats: summed over the states if they are few, else estimated."""
    try:
        return Estimate(float(model.log_partition()), 0.0)
    except ValueError:  # too many states
        return estimated_partition(model, seed)


def estimated_partition(model: Any, seed: int) -> Estimate:
    """log Z in nats by annealed importance sampling."""
    dice = torch.Generator(model.reference.device).manual_seed(seed)
    return annealed_importance_sampling(
        model, temperatures=AIS_TEMPERATURES, chains=AIS_CHAINS, generator=dice
    ).log_z


def held_out_scores(
    model: GenerativeModel, x: Tensor, data: str, seed: int = 0
) -> tuple[dict[str, list[float]], Tensor | None]:
    """The likelihood scores of test images, and what each image costs under the first of them.

    In nats on binary images, in bits/dim on grey ones. The error of AIS is added to that of the mean.

    Args:
        model: trained on ``data``.
        x: test images; dequantised where the model is a density.
        data: ``results.BINARY`` or ``results.GREY``.
        seed: see ``costs``.
    """
    first, scores = None, {}
    for how, (cost, error) in costs(model, x, seed).items():
        if data == results.GREY:
            spread = dequantised(model)
            cost = bits_per_dim(-cost, model.dims, results.LEVELS if spread else 1)
            name = results.BITS_DEQUANTISED if spread else f"bits/dim, {how}"
        else:
            name = f"nats, {how}"
        value = mean(cost)
        scores[name] = [value.value, (value.standard_error**2 + error**2) ** 0.5]
        first = cost if first is None else first
    return scores, first


def kl_bound(universe: BinaryUniverse, model: GenerativeModel, n: int = 1000) -> Estimate | None:
    """An upper bound of KL(p_D‖p_M) in nats, of a model that has but a bound; None for one that has none.

    A variational model: −L_k in place of −log p_M. A density on [0, 1]^D: P_M(v) is the mass of v's cell.
    """
    if isinstance(model, Variational):
        dice = torch.Generator(model.reference.device).manual_seed(0)
        return monte_carlo(
            universe,
            lambda v: model.importance_weighted_bound(
                v.view(-1, *model.event_shape).to(model.reference), results.IWAE_CODES, generator=dice
            ),
            n,
        )
    return dequantised_kl(universe, model, n) if dequantised(model) else None


@torch.no_grad()
def dequantised_kl(universe: BinaryUniverse, model: TractableDensity, n: int = 1000) -> Estimate:
    """An upper bound of KL(p_D‖P_M) for a density on [0, 1]^D, where P_M(v) is the mass of v's cell.

    Within each cell the density is averaged over ``POINTS`` uniform points: E[−log mean] ≥ −log E.
    """
    dice = torch.Generator(universe.log_p.device).manual_seed(1)

    def log_mass(v: Tensor) -> Tensor:
        x = dequantise(v.repeat_interleave(POINTS, 0), 2, dice).view(-1, *model.event_shape)
        log_density = log_probs(model, x, 2000).view(len(v), POINTS)
        return log_density.logsumexp(1) - log(POINTS) - model.dims * log(2)

    return monte_carlo(universe, log_mass, n)


def monte_carlo(universe: BinaryUniverse, log_q: Callable[[Tensor], Tensor], n: int) -> Estimate:
    """The mean of log p_D(x) − log_q(x) over n draws x ∼ p_D, in nats."""
    x = universe.sample(n, generator=torch.Generator(universe.log_p.device).manual_seed(0))
    return mean(universe.log_prob(x).cpu() - log_q(x).cpu().double())

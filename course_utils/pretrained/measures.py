"""What test images cost under a trained model, in the unit that its paper reports."""

from typing import Any

import torch
from torch import Tensor

from course_utils.datasets import binarise, dequantise
from course_utils.datasets.mnist import LEVELS
from course_utils.divergences import Estimate, mean
from course_utils.evaluation import annealed_importance_sampling, bits_per_dim, log_probs
from course_utils.evaluation.results import (
    BITS_DEQUANTISED,
    IWAE_CODES,
    NATS,
    NATS_AIS,
    NATS_ELBO,
    NATS_IWAE,
)

BATCH = 100
AIS_TEMPERATURES, AIS_CHAINS = 10_000, 100
ERRORS = "errors, %"


def seeded(model: Any) -> torch.Generator:
    """The same random numbers for every measurement, on the model's device."""
    return torch.Generator(next(model.parameters()).device).manual_seed(0)


def nats(model: Any, x: Tensor, _: Tensor) -> dict[str, Estimate]:
    """−log p(x), exact. Of a model with classes p(x) = Σ_y p(x | y) / 10, as papers without classes count."""
    return {NATS: mean(-log_probs(model, x, BATCH))}


def bits(model: Any, x: Tensor, _: Tensor) -> dict[str, Estimate]:
    """Bits a pixel of 256 grey levels, from the density of dequantised images: a bound."""
    density = log_probs(model, dequantise(x, LEVELS, torch.Generator().manual_seed(0)), BATCH)
    return {BITS_DEQUANTISED: mean(bits_per_dim(density, x[0].numel(), LEVELS))}


@torch.no_grad()
def bounds(model: Any, x: Tensor, _: Tensor) -> dict[str, Estimate]:
    """−ELBO and −L_500 of grey images that were tossed to black and white, once."""
    x = binarise(x, LEVELS, torch.Generator().manual_seed(0))
    generator, found = seeded(model), {NATS_ELBO: [], NATS_IWAE: []}
    for part in x.to(generator.device).split(BATCH):
        found[NATS_ELBO] += [-model.elbo(part, generator=generator)]
        found[NATS_IWAE] += [-model.importance_weighted_bound(part, IWAE_CODES, generator=generator)]
    return {name: mean(torch.cat(values).double()) for name, values in found.items()}


@torch.no_grad()
def annealed_nats(model: Any, x: Tensor, _: Tensor) -> dict[str, Estimate]:
    """F(x) + log Z by annealed importance sampling from the pixels' shares: an estimate, rather too low."""
    x = x.to(model.reference)
    settings = {"temperatures": AIS_TEMPERATURES, "chains": AIS_CHAINS, "base": x}
    log_z = annealed_importance_sampling(model, generator=seeded(model), **settings).log_z
    free = mean(model.free_energy(x).double())
    error = (free.standard_error**2 + log_z.standard_error**2) ** 0.5
    return {NATS_AIS: Estimate(free.value + log_z.value, error)}


@torch.no_grad()
def errors(model: Any, x: Tensor, y: Tensor) -> dict[str, Estimate]:
    """The share of digits that a classifier reads wrongly, in percent."""
    device = next(model.parameters()).device
    wrong = torch.cat([model.predict(part.to(device)).cpu() for part in x.split(BATCH)]) != y
    return {ERRORS: mean(100 * wrong.double())}

"""What held-out digits cost a model, as exactly as it can say, and whether its samples look like digits."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from course_utils.datasets import digits
from course_utils.divergences import mean
from course_utils.evaluation import results
from course_utils.evaluation.measures import bits_per_dim, log_probs
from course_utils.evaluation.partition import annealed_importance_sampling
from course_utils.evaluation.results import BINARISED, BINARY, C2ST, FRECHET, GREY, LEVELS
from course_utils.evaluation.two_samples import classifier_two_sample_test, frechet_distance, whitening
from course_utils.models.diffusion import Diffusion
from course_utils.recognition import DigitClassifier
from course_utils.runtime import as_double
from course_utils.scoreboard.universes import dequantised
from course_utils.taxonomy import ExplicitMarkovChain, GenerativeModel, TractableDensity, Variational
from course_utils.training import fit

ELBO_DRAWS, AIS_TEMPERATURES, AIS_CHAINS = 20, 10_000, 100
KINDS = {BINARY: "binary", GREY: "levels"}
SET = 598  # images: half of the training images, so that real against real is measured with as many


@torch.no_grad()
def costs(model: GenerativeModel, x: Tensor) -> dict[str, tuple[Tensor, float]]:
    """−log p_M(x) in nats, or a bound or an estimate of it, named by how it was had; the best is first.

    The names are "exact", "IWAE-500", "ELBO", "ODE" or "AIS"; there is none for an implicit density.

    Each is what every image ``(N, *event_shape)`` costs, ``(N,)``, and a standard error that they share.
    """
    x = x.to(model.reference)
    generator = torch.Generator(x.device).manual_seed(0)
    if isinstance(model, TractableDensity):
        return {"exact": (-log_probs(model, x), 0.0)}
    if isinstance(model, Variational):
        elbos = [as_double(model.elbo(x, generator=generator)) for _ in range(ELBO_DRAWS)]
        bound = as_double(model.importance_weighted_bound(x, results.IWAE_CODES, generator=generator))
        return {f"IWAE-{results.IWAE_CODES}": (-bound, 0.0), "ELBO": (-torch.stack(elbos).mean(0), 0.0)}
    if isinstance(model, Diffusion):  # the chain of noisy steps is bounded, its ODE a flow of its own
        bound = as_double(model.elbo(x, generator=generator))
        return {"ELBO": (-bound, 0.0), "ODE": (-log_probs(model.flow(), x), 0.0)}
    if isinstance(model, ExplicitMarkovChain):
        free_energy = as_double(model.free_energy(x))
        machine: Any = model
        try:
            return {"exact": (free_energy + float(machine.log_partition()), 0.0)}
        except ValueError:  # too many states to sum over
            log_z = annealed_importance_sampling(
                machine, temperatures=AIS_TEMPERATURES, chains=AIS_CHAINS, generator=generator
            ).log_z
            return {"AIS": (free_energy + log_z.value, log_z.standard_error)}
    return {}


def held_out_scores(
    model: GenerativeModel, x: Tensor, data: str
) -> tuple[dict[str, list[float]], Tensor | None]:
    """The likelihood scores of test images, and what each image costs under the first of them.

    In nats on binary images, in bits/dim on grey ones (dequantised where the model is a density). The error
    of AIS is added to that of the mean.
    """
    first, scores = None, {}
    for how, (cost, error) in costs(model, x).items():
        name = f"nats, {how}"
        if data == GREY:
            spread = dequantised(model)
            cost = bits_per_dim(-cost, model.dims, LEVELS if spread else 1)
            name = results.BITS_DEQUANTISED if spread and how == "exact" else f"bits/dim, {how}"
        value = mean(cost)
        scores[name] = [value.value, (value.standard_error**2 + error**2) ** 0.5]
        first = cost if first is None else first
    return scores, first


def grid(model: GenerativeModel, x: Tensor, data: str) -> Tensor:
    """Samples on the grid of the set's levels k/(L−1): values of a density are put into their cells."""
    levels = LEVELS if data == GREY else 2
    if dequantised(model):
        return (x * levels).floor().clamp(0, levels - 1) / (levels - 1)
    return (x * (levels - 1)).round() / (levels - 1)


def two_sample_scores(data: str, fake: Tensor | None = None) -> dict[str, list[float]]:
    """The two-sample scores of as many samples as there are real images; without samples: real against real.

    The classifier learns from the training images and as many samples, and judges the held-out images and
    the other samples. Grey ones are compared a second time in black and white, at the threshold of the
    binary digits: there all systems can be compared. What training images get in place of samples is
    what no model can beat.
    """
    scores = {}
    for kind, ending in [(KINDS[data], "")] + [("binary", BINARISED)] * (data == GREY):
        train, judged = digits(kind).train.x, (digits(kind).test.x, digits(kind).valid.x)
        real = torch.cat(judged)
        if fake is None:
            shown, sides = train, (train[:SET], train[-SET:])
        else:
            shown = black_and_white(fake) if ending else fake
            sides, judged = (train, shown[: len(train)]), (real, shown[len(train) :])
        scores[C2ST + ending] = list(classifier_two_sample_test(*sides, held_out=judged))
        scores[FRECHET + ending] = frechet_of_sets(shown, real, kind)
    return scores


def black_and_white(x: Tensor) -> Tensor:
    """Grey levels k/16 as 0 and 1, at the threshold of the binary digits."""
    return (x * (LEVELS - 1) >= LEVELS // 2).float()


def frechet_of_sets(fake: Tensor, real: Tensor, kind: str) -> list[float]:
    """The mean Fréchet distance to real images over disjoint sets of 598, with its standard error."""
    features = digit_features(real, kind)
    found = [frechet_distance(features, digit_features(s, kind)) for s in fake.split(SET) if len(s) == SET]
    error = sum(one.standard_error**2 for one in found) ** 0.5 / len(found)
    return [sum(one.value for one in found) / len(found), error]


@torch.no_grad()
def digit_features(x: Tensor, kind: str = "binary") -> Tensor:
    """What the course's classifier sees in images ``(N, 1, 8, 8)`` in [0, 1]: ``(N, 32)``, float64.

    A network is free to scale its features; they are whitened, so that those of training digits have
    covariance 1, and every direction in which digits differ counts the same in ``frechet_distance``.
    """
    mean, scale = whitened(kind)
    return (digit_classifier(kind).features(x.float().cpu()).double() - mean) @ scale


@cache
def digit_classifier(kind: str = "binary") -> DigitClassifier:
    """A classifier trained on the training images of ``datasets.digits`` of this kind, from a fixed seed."""
    data = digits(kind)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        model = DigitClassifier()
        fit(model, tuple(data.train), valid=tuple(data.valid), progress=False, device="cpu")
    return model


@cache
def whitened(kind: str) -> tuple[Tensor, Tensor]:
    """What whitens the features of training digits."""
    with torch.no_grad():
        return whitening(digit_classifier(kind).features(digits(kind).train.x).double())

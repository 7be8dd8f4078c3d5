"""The rows of the table: trained systems, the baselines that they should beat, and the truth itself."""

import time
from functools import partial
from typing import Any

import torch
from torch import Tensor

from course_utils.datasets import Splits, dequantise, digits
from course_utils.divergences import mean
from course_utils.evaluation import baselines, results
from course_utils.evaluation.measures import bits_per_dim, paired_difference, state_log_probs
from course_utils.evaluation.results import BINARY, GREY, LEVELS, UNIVERSES, Row, spell
from course_utils.runtime import set_seed
from course_utils.scoreboard.digits import KINDS, SET, grid, held_out_scores, two_sample_scores
from course_utils.scoreboard.settings import DRAWS, build, choice
from course_utils.scoreboard.universes import (
    SAMPLES,
    dequantised,
    draw_states,
    exact_scores,
    histogram_scores,
    kl_bound,
)
from course_utils.taxonomy import ExplicitMarkovChain, GenerativeModel, TractableDensity
from course_utils.training import fit
from course_utils.universe import BinaryUniverse, bars_and_stripes

KEPT = 24  # samples, so that a picture can be shown without training
SHOWN = ("epochs", "batch_size", "lr", "weight_decay")
TRUTH, REAL = "p_D itself", "real images"


def score(name: str, data: str, *, samples: int = SAMPLES, **training: Any) -> Row:
    """Train one model on one set from a fixed seed, with fixed settings, and measure it.

    Args:
        name: a class of the tree ("NADE"), or "NADE, 8 orders", "MADE, 8 orders".
        data: one of ``results.SETS``.
        samples: how many samples the histogram is made of, on a universe.
        training: settings of ``fit`` in place of those of the table, such as epochs=1.

    Raises:
        ValueError: there is no such model, or it cannot live on this set.
    """
    set_seed(0)
    model, own = build(name, data), choice(name, data)
    universe = bars_and_stripes(UNIVERSES[data]) if data in UNIVERSES else None
    images = digits(KINDS.get(data, "binary"))
    x = universe.sample(DRAWS) if universe else images.train.x
    started = time.process_time()
    history = fit(
        model,
        x.view(-1, *model.event_shape),
        valid=None if universe else images.valid.x,
        transform=partial(dequantise, levels=LEVELS if data == GREY else 2) if dequantised(model) else None,
        progress=False,
        device="cpu",
        **(own.fit | training),
    )
    model.eval()
    trained = time.process_time()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x = model.sample(1000)
    drawn = time.process_time()
    scores, better = (
        (on_universe(model, universe, samples), {}) if universe else on_digits(model, data, images, x)
    )
    settings: dict[str, object] = {k: list(v) if isinstance(v, tuple) else v for k, v in own.model.items()}
    settings |= {key: value for key, value in history.settings.items() if key in SHOWN}
    return Row(
        name,
        data,
        model.density,
        scores,
        better,
        samples=samples if universe else SET,
        parameters=sum(p.numel() for p in model.parameters()),
        seconds=trained - started,
        sampling=drawn - trained,
        settings=settings | {"best_epoch": history.best_epoch},
        images=spell(grid(model, x[:KEPT].cpu(), data), data),
    )


Scores = dict[str, list[float]]


def on_universe(model: GenerativeModel, universe: BinaryUniverse, samples: int) -> Scores:
    """KL and total variation to p_D: exact or bounded where the model can, and from samples always."""
    scores: Scores = {}
    if model.support == "binary" and isinstance(model, TractableDensity | ExplicitMarkovChain):
        scores |= exact_scores(universe.log_p, state_log_probs(model))
    if (bound := kl_bound(universe, model)) is not None:
        scores[results.KL_BOUND] = list(bound)
    return scores | histogram_scores(universe.log_p, draw_states(model, samples))


def on_digits(model: GenerativeModel, data: str, images: Splits, drawn: Tensor) -> tuple[Scores, Scores]:
    """What held-out images cost and two-sample scores of samples; how far below the baselines that cost is.

    ``drawn`` are some samples; as many more are drawn as there are real images.
    """
    x = digits("unit").test.x if dequantised(model) else images.test.x
    scores, cost = held_out_scores(model, x, data)
    better: Scores = {}
    if cost is not None:
        found = baseline_costs(data).items()
        better = {name: list(paired_difference(other, cost)) for name, other in found}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        more = model.sample(sum(map(len, images)) - len(drawn))
    fake = torch.cat([drawn, more]).cpu().float()
    return scores | two_sample_scores(data, grid(model, fake, data)), better


def baseline_costs(data: str) -> dict[str, Tensor]:
    """What every test image costs under the baselines, in the unit of the set: ``(N,)`` each."""
    images, uniform = digits(KINDS[data]), baselines.uniform(LEVELS if data == GREY else 2)
    x, test = images.train.x, images.test.x
    if data == BINARY:
        fits = {"uniform": uniform, "independent pixels": baselines.independent_pixels(x)}
        fits["mixture of 20 Bernoullis"] = baselines.bernoulli_mixture(x)
        return {name: -log_prob(test) for name, log_prob in fits.items()}
    spread = digits("unit")
    return {
        "uniform": bits_per_dim(uniform(test), 64),
        "independent levels": bits_per_dim(baselines.independent_levels(x, LEVELS)(test), 64),
        "Gaussian of log-odds": bits_per_dim(
            baselines.logit_gaussian(spread.train.x)(spread.test.x), 64, LEVELS
        ),
    }


def reference_rows(samples: int = SAMPLES) -> list[Row]:
    """The baselines and the truth on every set; ``samples`` make up the histogram of p_D's own samples."""
    found = [row for data in UNIVERSES for row in _references_of_universe(data, samples)]
    for data, exact in ((BINARY, results.NATS), (GREY, results.BITS)):
        for name, cost in baseline_costs(data).items():
            measure = results.BITS_DEQUANTISED if name.startswith("Gaussian") else exact
            found.append(Row(name, data, "exact", {measure: list(mean(cost))}))
        found.append(Row(REAL, data, "truth", two_sample_scores(data), samples=SET))
    return found


def _references_of_universe(data: str, samples: int) -> list[Row]:
    """Uniform, independent pixels with the true shares, and what samples of p_D itself would get."""
    universe = bars_and_stripes(UNIVERSES[data])
    x, log_p = universe.states.flatten(1).double(), universe.log_p
    share = log_p.exp() @ x
    independent = x @ share.log() + (1 - x) @ (1 - share).log()
    generator = torch.Generator().manual_seed(0)

    def sampled(log_q: Tensor) -> Scores:
        drawn = torch.multinomial(log_q.exp(), samples, replacement=True, generator=generator)
        return histogram_scores(log_p, drawn[:, None])

    found = []
    known = {"uniform": baselines.uniform()(universe.states), "independent pixels": independent}
    for name, log_q in known.items():
        scores = exact_scores(log_p, log_q) | sampled(log_q)
        found.append(Row(name, data, "exact", scores, samples=samples))
    return [*found, Row(TRUTH, data, "truth", sampled(log_p), samples=samples)]

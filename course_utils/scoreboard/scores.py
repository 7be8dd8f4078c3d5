"""The rows of the table: trained systems, the baselines that they should beat, and the truth itself."""

import time
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from course_utils.datasets import dequantise, digits
from course_utils.divergences import mean
from course_utils.evaluation import baselines, results
from course_utils.evaluation.measures import bits_per_dim, paired_difference, state_log_probs
from course_utils.evaluation.results import BINARY, GREY, LEVELS, UNIVERSES, Row, spell
from course_utils.models.younger import YOUNGER
from course_utils.runtime import set_seed
from course_utils.scoreboard import settings, universes
from course_utils.scoreboard.digits import KINDS, SET, grid, held_out_scores, two_sample_scores
from course_utils.scoreboard.settings import choice
from course_utils.scoreboard.universes import SAMPLES, dequantised, exact_scores, histogram_scores
from course_utils.taxonomy import ExplicitMarkovChain, GenerativeModel, TractableDensity
from course_utils.training import GameHistory, History, fit
from course_utils.universe import bars_and_stripes

KEPT = 24  # samples, so that a picture can be shown without training
SHOWN = ("epochs", "batch_size", "lr", "weight_decay")
TRUTH, REAL = "p_D itself", "real images"


def score(name: str, data: str, *, samples: int | None = None, **training: Any) -> Row:
    """Train one model on one set from a fixed seed, with fixed settings, and measure it.

    Args:
        name: a class of the tree ("NADE"), or "NADE, 8 orders", "MADE, 8 orders".
        data: one of ``results.SETS``.
        samples: how many samples the histogram is made of, on a universe; None: as the settings say.
        training: settings of ``fit`` in place of those of the table, such as epochs=1.

    Raises:
        ValueError: there is no such model, or it cannot live on this set.
    """
    samples = choice(name, data).samples if samples is None else samples
    started = time.process_time()
    model, history = learned(name, data, **training)
    trained = time.process_time()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x = model.sample(1000)
    drawn = time.process_time()
    scores, cost = (
        (on_universe(model, data, samples), None) if data in UNIVERSES else on_digits(model, data, x)
    )
    better, ahead = {}, {}
    if cost is not None:
        better, ahead = below(baseline_costs(data), cost), leads(name, data, cost, **training)
    own = choice(name, data).model
    chosen: dict[str, object] = {k: list(v) if isinstance(v, tuple) else v for k, v in own.items()}
    chosen |= {key: value for key, value in history.settings.items() if key in SHOWN}
    return Row(
        name,
        data,
        model.density,
        scores,
        better,
        ahead,
        by_seed(name, data, next(iter(scores.values()))[0], **training),
        samples=samples if data in UNIVERSES else SET,
        parameters=sum(p.numel() for p in model.parameters()),
        seconds=trained - started,
        sampling=drawn - trained,
        settings=chosen | {"best_epoch": history.best_epoch},
        images=spell(grid(model, x[:KEPT].cpu(), data), data),
    )


def learned(
    name: str, data: str, seed: int = 0, **training: Any
) -> tuple[GenerativeModel, History | GameHistory]:
    """A model trained for its row from this seed, in eval mode, and how that went."""
    set_seed(seed)
    model, images = settings.build(name, data), digits(KINDS.get(data, "binary"))
    universe = bars_and_stripes(UNIVERSES[data]) if data in UNIVERSES else None
    x = universe.sample(settings.DRAWS) if universe else images.train.x
    held_out: dict[str, Any] = {} if universe else {"valid": images.valid.x}
    history = fit(
        model,
        x.view(-1, *model.event_shape),
        transform=partial(dequantise, levels=LEVELS if data == GREY else 2) if dequantised(model) else None,
        progress=False,
        device="cpu",
        **(held_out | choice(name, data).fit | training),
    )
    return model.eval(), history


Scores = dict[str, list[float]]


def on_universe(model: GenerativeModel, data: str, samples: int) -> Scores:
    """KL and total variation to p_D: exact or bounded where the model can, and from samples always."""
    scores, log_q = distances(model, data)
    states = universes.draw_states(model, samples, log_q=log_q if isinstance(model, YOUNGER) else None)
    return scores | histogram_scores(bars_and_stripes(UNIVERSES[data]).log_p, states)


def distances(model: GenerativeModel, data: str) -> tuple[Scores, Tensor | None]:
    """How far p_D is, exact or bounded if the model can say, and its log-probabilities if it has them."""
    universe = bars_and_stripes(UNIVERSES[data])
    if model.support == "binary" and isinstance(model, TractableDensity | ExplicitMarkovChain):
        log_q = state_log_probs(model)
        return exact_scores(universe.log_p, log_q), log_q
    bound = universes.kl_bound(universe, model)
    return ({} if bound is None else {results.KL_BOUND: list(bound)}), None


def on_digits(model: GenerativeModel, data: str, drawn: Tensor) -> tuple[Scores, Tensor | None]:
    """The scores of held-out images and of samples, and what each image costs, where the model can say.

    ``drawn`` are some samples; as many more are drawn as there are real images.
    """
    images = digits(KINDS[data])
    scores, cost = held_out_scores(model, held_out_images(model, data), data)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        more = model.sample(sum(map(len, images)) - len(drawn))
    fake = torch.cat([drawn, more]).cpu().float()
    return scores | two_sample_scores(data, grid(model, fake, data)), cost


def held_out_images(model: GenerativeModel, data: str) -> Tensor:
    """The test images, grey levels spread over their cells where the model is a density."""
    return digits("unit" if dequantised(model) else KINDS[data]).test.x


def below(others: Mapping[str, Tensor], cost: Tensor) -> Scores:
    """By how much a cost ``(N,)`` is below others of the same images: [difference, error], paired."""
    return {name: list(paired_difference(other, cost)) for name, other in others.items()}


@cache
def cost_of(name: str, data: str, seed: int, **training: Any) -> Tensor:
    """What each test image costs a model trained from this seed, in the unit of the set: ``(N,)``."""
    model, _ = learned(name, data, seed, **training)
    _, cost = held_out_scores(model, held_out_images(model, data), data)
    if cost is None:
        raise ValueError(f"leads: expected an explicit density, got {name}")
    return cost


def leads(name: str, data: str, cost: Tensor, **training: Any) -> dict[str, list[list[float]]]:
    """How far below each rival a model is, seed by seed; ``cost`` is its own from seed 0.

    The seeds differ by more than the error over images says: both belong beside a claim of a lead.
    """
    found: dict[str, list[list[float]]] = {rival: [] for rival in settings.RIVALS.get((name, data), ())}
    for seed in range(settings.SEEDS if found else 0):
        own = cost_of(name, data, seed, **training) if seed else cost
        gaps = below({rival: cost_of(rival, data, seed, **training) for rival in found}, own)
        for rival, gap in gaps.items():
            found[rival].append(gap)
    return found


def by_seed(name: str, data: str, first: float, **training: Any) -> list[float]:
    """The KL of a younger system on a universe, exact or bounded, by seed; ``first`` is that of seed 0.

    No sample is drawn, so that the chance of a training is nearly all the error there is. On digits see
    ``leads``.
    """
    if data not in UNIVERSES or settings.entries()[name] not in YOUNGER:
        return []
    others = [learned(name, data, seed, **training)[0] for seed in range(1, settings.SEEDS)]
    return [first, *(next(iter(distances(model, data)[0].values()))[0] for model in others)]


def baseline_costs(data: str) -> dict[str, Tensor]:
    """What every test image costs under the baselines, in the unit of the set: ``(N,)`` each."""
    images, uniform = digits(KINDS[data]), baselines.uniform(LEVELS if data == GREY else 2)
    x, test = images.train.x, images.test.x
    if data == BINARY:
        fits = {"uniform": uniform, "independent pixels": baselines.independent_pixels(x)}
        fits["mixture of 20 Bernoullis"] = baselines.bernoulli_mixture(x)
        return {name: -log_prob(test) for name, log_prob in fits.items()}
    spread = digits("unit")
    gaussian = baselines.logit_gaussian(spread.train.x)
    return {
        "uniform": bits_per_dim(uniform(test), 64),
        "independent levels": bits_per_dim(baselines.independent_levels(x, LEVELS)(test), 64),
        "Gaussian of log-odds": bits_per_dim(gaussian(spread.test.x), 64, LEVELS),
    }


def reference_rows(samples: int = SAMPLES) -> list[Row]:
    """The baselines and the truth on every set; ``samples`` make up the histogram of p_D's own samples.

    Where the histogram of a system is made of fewer, there is one of as few of p_D's own.
    """
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

    def sampled(log_q: Tensor, n: int = samples) -> Scores:
        drawn = torch.multinomial(log_q.exp(), n, replacement=True, generator=generator)
        return histogram_scores(log_p, drawn[:, None])

    found = []
    known = {"uniform": baselines.uniform()(universe.states), "independent pixels": independent}
    for name, log_q in known.items():
        scores = exact_scores(log_p, log_q) | sampled(log_q)
        found.append(Row(name, data, "exact", scores, samples=samples))
    counts = {choice(name, data).samples for name in settings.names() if data in settings.sets_of(name)}
    found.append(Row(TRUTH, data, "truth", sampled(log_p), samples=samples))
    fewer = [Row(truth_of(n), data, "truth", sampled(log_p, n), samples=n) for n in counts - {SAMPLES}]
    return found + fewer


def truth_of(samples: int) -> str:
    """The name of the row of p_D's own samples, of as many as the table takes or of fewer."""
    return TRUTH if samples == SAMPLES else f"{TRUTH}, {samples:,} samples"

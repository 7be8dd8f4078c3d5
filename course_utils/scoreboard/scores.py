"""One row of the table: a system trained on one set from a fixed seed, then asked all that can be asked."""

import time
from functools import partial
from typing import Any

import torch
from torch import Tensor

from course_utils.datasets import Splits, dequantise, digits
from course_utils.evaluation import results
from course_utils.evaluation.measures import paired_difference, state_log_probs
from course_utils.evaluation.results import GREY, KL_BOUND, LEVELS, Row, spell
from course_utils.runtime import set_seed
from course_utils.scoreboard.histograms import SAMPLES, draw_states, exact_scores, histogram_scores
from course_utils.scoreboard.likelihoods import dequantised, held_out_scores, kl_bound
from course_utils.scoreboard.references import simple_costs
from course_utils.scoreboard.sample_quality import KINDS, SET, grid, two_sample_scores
from course_utils.scoreboard.settings import DRAWS, Choice, build, choice, entries
from course_utils.taxonomy import ExplicitMarkovChain, GenerativeModel, TractableDensity
from course_utils.training import GameHistory, History, fit
from course_utils.universe import BinaryUniverse, bars_and_stripes

KEPT = 24  # samples, so that a picture can be shown without training


def score(name: str, data: str, *, samples: int = SAMPLES, progress: bool = False, **training: object) -> Row:
    """Train one model on one set from a fixed seed, with fixed settings, and measure it.

    Args:
        name: a class of the tree ("NADE"), or "NADE, 8 orders", "MADE, 8 orders".
        data: one of ``results.SETS``.
        samples: how many samples the histogram is made of, on a universe.
        progress: show a bar.
        training: settings of ``fit`` in place of those of the table, such as epochs=1.

    Raises:
        ValueError: there is no such model, or it cannot live on this set.
    """
    set_seed(0)
    model = build(name, data)
    own = choice(name, data) if name in entries() else Choice()
    source = bars_and_stripes(results.UNIVERSES[data]) if data in results.UNIVERSES else digits(KINDS[data])
    started = time.process_time()
    history = train(model, data, source, progress, own.fit | training)
    trained = time.process_time()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x = model.sample(1000)
    drawn = time.process_time()
    better: dict[str, list[float]] = {}
    if isinstance(source, BinaryUniverse):
        scores = on_universe(model, source, samples)
    else:
        scores, better = on_digits(model, data, source, x)
    settings: dict[str, object] = {
        key: list(v) if isinstance(v, tuple) else v for key, v in own.model.items()
    }
    return Row(
        name,
        data,
        model.density,
        scores,
        better,
        samples=samples if data in results.UNIVERSES else SET,
        parameters=sum(p.numel() for p in model.parameters()),
        seconds=trained - started,
        sampling=drawn - trained,
        settings=settings | fit_settings(history),
        images=spell(grid(model, x[:KEPT].cpu(), data), data),
    )


def train(
    model: GenerativeModel,
    data: str,
    source: BinaryUniverse | Splits,
    progress: bool,
    settings: dict[str, Any],
) -> History | GameHistory:
    """Fit a model to a set; one that is a density gets values spread over the cells of the grey levels."""
    known = isinstance(source, BinaryUniverse)
    x = source.sample(DRAWS) if known else source.train.x
    spread = partial(dequantise, levels=LEVELS if data == GREY else 2) if dequantised(model) else None
    history = fit(
        model,
        x.view(-1, *model.event_shape),
        valid=None if known else source.valid.x,
        transform=spread,
        progress=progress,
        device="cpu",
        **settings,
    )
    model.eval()
    return history


def fit_settings(history: History | GameHistory) -> dict[str, object]:
    """The settings of a run that a reader wants to know."""
    keys = ("epochs", "batch_size", "lr", "weight_decay")
    chosen = {key: value for key, value in history.settings.items() if key in keys}
    return chosen | {"best_epoch": history.best_epoch}


def on_universe(model: GenerativeModel, universe: BinaryUniverse, samples: int) -> dict[str, list[float]]:
    """KL and total variation to p_D: exact or bounded where the model can, and from samples always."""
    scores = {}
    if model.support == "binary" and isinstance(model, TractableDensity | ExplicitMarkovChain):
        scores |= exact_scores(universe.log_p, state_log_probs(model))
    bound = kl_bound(universe, model)
    if bound is not None:
        scores[KL_BOUND] = list(bound)
    return scores | histogram_scores(universe.log_p, draw_states(model, samples))


def on_digits(
    model: GenerativeModel, data: str, images: Splits, drawn: Tensor
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """What held-out images cost, how far below the simple laws, and two-sample scores of samples.

    ``drawn`` are some samples; as many more are drawn as there are real images.
    """
    x = digits("unit").test.x if dequantised(model) else images.test.x
    scores, cost = held_out_scores(model, x, data)
    better = {}
    if cost is not None:
        better = {law: list(paired_difference(other, cost)) for law, other in simple_costs(data).items()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        more = model.sample(sum(map(len, images)) - len(drawn))
    fake = torch.cat([drawn, more]).cpu().float()
    return scores | two_sample_scores(grid(model, fake, data), data), better

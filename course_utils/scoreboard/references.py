"""The rows that systems are read against: simple laws that a system should beat, and the truth itself."""

import torch
from torch import Tensor

from course_utils.datasets import digits
from course_utils.divergences import mean
from course_utils.evaluation import baselines, results
from course_utils.evaluation.measures import bits_per_dim
from course_utils.evaluation.results import BINARY, GREY, LEVELS, Row
from course_utils.scoreboard.histograms import SAMPLES, exact_scores, histogram_scores
from course_utils.scoreboard.sample_quality import SET, real_scores
from course_utils.universe import bars_and_stripes

TRUTH, REAL = "p_D itself", "real images"


def simple_costs(data: str) -> dict[str, Tensor]:
    """What every test image costs under the simple laws, in the unit of the set: ``(N,)`` each."""
    if data == BINARY:
        images = digits("binary")
        fits = {
            "uniform": baselines.uniform(),
            "independent pixels": baselines.independent_pixels(images.train.x),
            "mixture of 20 Bernoullis": baselines.bernoulli_mixture(images.train.x),
        }
        return {law: -fitted(images.test.x) for law, fitted in fits.items()}
    images, spread = digits("levels"), digits("unit")
    by_level = baselines.independent_levels(images.train.x, LEVELS)
    gaussian = baselines.logit_gaussian(spread.train.x)
    return {
        "uniform": bits_per_dim(baselines.uniform(LEVELS)(images.test.x), 64),
        "independent levels": bits_per_dim(by_level(images.test.x), 64),
        "Gaussian of log-odds": bits_per_dim(gaussian(spread.test.x), 64, LEVELS),
    }


def reference_rows(samples: int = SAMPLES) -> list[Row]:
    """The simple laws and the truth, on every set.

    Args:
        samples: how many samples of p_D its own histogram is made of.
    """
    found = [row for data in results.UNIVERSES for row in of_universe(data, samples)]
    for data, exact in ((BINARY, results.NATS), (GREY, results.BITS)):
        for law, cost in simple_costs(data).items():
            name = results.BITS_DEQUANTISED if law.startswith("Gaussian") else exact
            found.append(Row(law, data, "exact", {name: list(mean(cost))}))
        found.append(Row(REAL, data, "truth", real_scores(data), samples=SET))
    return found


def of_universe(data: str, samples: int) -> list[Row]:
    """Uniform, independent pixels with the true shares, and what samples of p_D itself would get."""
    universe = bars_and_stripes(results.UNIVERSES[data])
    x, log_p = universe.states.flatten(1).double(), universe.log_p
    share = log_p.exp() @ x
    laws = {
        "uniform": baselines.uniform()(universe.states),
        "independent pixels": x @ share.log() + (1 - x) @ (1 - share).log(),
    }
    dice = torch.Generator().manual_seed(0)

    def sampled(log_q: Tensor) -> dict[str, list[float]]:
        drawn = torch.multinomial(log_q.exp(), samples, replacement=True, generator=dice)
        return histogram_scores(log_p, drawn[:, None])

    found = []
    for law, log_q in laws.items():
        scores = exact_scores(log_p, log_q) | sampled(log_q)
        found.append(Row(law, data, "exact", scores, samples=samples))
    return [*found, Row(TRUTH, data, "truth", sampled(log_p), samples=samples)]

"""The scoreboard: every system on the tree with an exact density, on the same data, beside simple laws.

Three sets: the 4×4 universe, where p_D is known; the 8×8 digits, binary; the digits in 17 grey levels.
"""

import inspect
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from math import log

import torch
from torch import Tensor

from course_utils.datasets import Splits, dequantise, digits
from course_utils.divergences import Estimate, mean, total_variation
from course_utils.evaluation import floors
from course_utils.evaluation.measures import bits_per_dim, exact_kl, log_probs, paired_difference
from course_utils.models.ensemble import OrderEnsemble
from course_utils.runtime import set_seed
from course_utils.taxonomy import GenerativeModel, TractableDensity, leaves
from course_utils.training import fit
from course_utils.universe import BinaryUniverse, bars_and_stripes, state_index

UNIVERSE, BINARY, GREY = SETS = ("universe 4×4", "digits, binary", "digits, 17 levels")
LEVELS, SIDE, SAMPLES, DRAWS, POINTS = 17, 4, 200_000, 100_000, 16
# on the universe data are plenty: fewer, larger batches than the defaults, which are those of the digits
PLENTY = {"epochs": 4, "batch_size": 250, "weight_decay": 0.0}
ORDERS = 8
SETTINGS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "MADE": ({"hidden": (128, 128)}, {"lr": 0.02}),
    "NADE": ({"hidden": 64}, {"lr": 0.06}),
}


@dataclass(frozen=True)
class Row:
    """One model on one set.

    Attributes:
        model: the class, or the name of a simple law.
        data: one of ``SETS``.
        measure: what value is: "KL, exact", "KL, bound" (nats), "nats" or "bits/dim" of test images.
        value: smaller is better.
        standard_error: of the value, over images; 0 where it is exact.
        better_than: by how much the model is below each simple law, [difference, standard error], paired.
        total_variation: on the universe: ½ Σ |histogram − p_D| of ``DRAWS`` samples, [value, standard
            error, and what as many samples of p_D itself would have].
        parameters: how many numbers were learned.
        seconds: CPU seconds of training.
        settings: of the model and of ``fit``.
    """

    model: str
    data: str
    measure: str
    value: float
    standard_error: float
    better_than: dict[str, list[float]] = field(default_factory=dict)
    total_variation: list[float] | None = None
    parameters: int = 0
    seconds: float = 0.0
    settings: dict[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """The row as plain data, from which ``Row(**data)`` makes it again."""
        return asdict(self)


def ensemble(name: str, shape: tuple[int, ...], **settings: object) -> OrderEnsemble:
    """A NADE or a MADE in eight random orders, one set of weights for all."""
    leaf = next(leaf for leaf in leaves() if leaf.__name__ == name)
    if name == "MADE":
        return OrderEnsemble(leaf(shape, masks=ORDERS, order="random", **settings).members())
    model, dice = leaf(shape, **settings), torch.Generator().manual_seed(0)
    orders = [torch.randperm(model.dims, generator=dice).tolist() for _ in range(ORDERS)]
    return OrderEnsemble([model.reordered(order) for order in orders])


def entries() -> dict[str, type[TractableDensity]]:
    """Every leaf of the tree whose density is exact, by the name of its class."""
    return {leaf.__name__: leaf for leaf in leaves(TractableDensity)}


def sets_of(name: str) -> list[str]:
    """The sets on which a model is scored: where its support lets it live.

    >>> sets_of("MADE"), sets_of("MADE, 8 orders")
    (['universe 4×4', 'digits, binary'], ['digits, binary'])
    """
    if name.endswith("orders"):
        return [BINARY]
    leaf = entries()[name]
    if leaf((1, 8, 8)).support != "binary":
        return [UNIVERSE, GREY]
    return [UNIVERSE, BINARY] + [GREY] * ("levels" in inspect.signature(leaf).parameters)


def score(name: str, data: str, *, progress: bool = False) -> Row:
    """Train one model on one set from a fixed seed, with fixed settings, and measure it.

    Args:
        name: a class of the tree with an exact density ("NADE"), or "NADE, 8 orders", "MADE, 8 orders".
        data: one of ``SETS``.
        progress: show a bar.

    Raises:
        ValueError: there is no such model, or it cannot live on this set.
    """
    known = [*entries(), *(f"{leaf}, {ORDERS} orders" for leaf in ("MADE", "NADE") if leaf in entries())]
    if name not in known or data not in sets_of(name):
        allowed = f"one of {', '.join(known)}" if name not in known else f"a set of {sets_of(name)}"
        raise ValueError(f"score: expected {allowed}, got {name!r} on {data!r}")
    own, training = SETTINGS.get(name, ({}, {})) if data == UNIVERSE else ({}, {})
    own = own | ({"levels": LEVELS} if data == GREY and "levels" in _options(name) else {})
    set_seed(0)
    shape = (1, SIDE, SIDE) if data == UNIVERSE else (1, 8, 8)
    model = ensemble(name.split(",")[0], shape) if name not in entries() else entries()[name](shape, **own)
    started = time.process_time()
    row = (_on_universe if data == UNIVERSE else _on_digits)(model, name, data, training, progress)
    settings = {key: list(v) if isinstance(v, tuple) else v for key, v in own.items()} | row.settings
    parameters = sum(p.numel() for p in model.parameters())
    seconds = row.seconds - started
    return Row(**row.as_dict() | {"parameters": parameters, "seconds": seconds, "settings": settings})


def _options(name: str) -> set[str]:
    return set(inspect.signature(entries()[name]).parameters) if name in entries() else set()


def _fit_settings(history: object) -> dict[str, object]:
    chosen = {key: value for key, value in history.settings.items() if key in ("epochs", "batch_size", "lr")}
    return chosen | {"weight_decay": history.settings["weight_decay"], "best_epoch": history.best_epoch}


def _on_universe(
    model: GenerativeModel, name: str, data: str, training: dict[str, object], progress: bool
) -> Row:
    """The KL and the total variation to p_D; ``seconds`` holds the moment when training ended."""
    universe = bars_and_stripes(SIDE)
    spread = None if model.support == "binary" else partial(dequantise, levels=2)
    x, settings = universe.sample(SAMPLES), PLENTY | training
    history = fit(model, x, transform=spread, progress=progress, device="cpu", **settings)
    ended = time.process_time()
    if model.support == "binary":
        measure, kl = "KL, exact", Estimate(exact_kl(universe, model), 0.0)
    else:
        measure, kl = "KL, bound", dequantised_kl(universe, model)
    variation = histogram_distance(universe, model)
    return Row(
        name, data, measure, *kl, total_variation=variation, seconds=ended, settings=_fit_settings(history)
    )


def _on_digits(
    model: GenerativeModel, name: str, data: str, training: dict[str, object], progress: bool
) -> Row:
    """The mean over the test images; ``seconds`` holds the moment when training ended."""
    images = digits("binary" if data == BINARY else "levels")
    spread = partial(dequantise, levels=LEVELS) if model.support in ("unit", "real") else None
    history = fit(
        model,
        images.train.x,
        valid=images.valid.x,
        transform=spread,
        progress=progress,
        device="cpu",
        **training,
    )
    ended = time.process_time()
    x = images.test.x if spread is None else digits("unit").test.x
    cost = _cost(log_probs(model, x), data, density=spread is not None)
    simple = simple_costs(data, images)
    better = {law: list(paired_difference(other, cost)) for law, other in simple.items()}
    measure = "nats" if data == BINARY else "bits/dim"
    return Row(
        name, data, measure, *mean(cost), better_than=better, seconds=ended, settings=_fit_settings(history)
    )


def _cost(log_p: Tensor, data: str, density: bool = False) -> Tensor:
    return -log_p if data == BINARY else bits_per_dim(log_p, 64, LEVELS if density else 1)


def simple_costs(data: str, images: Splits | None = None) -> dict[str, Tensor]:
    """What every test image costs under the simple laws, in the unit of the set: ``(N,)`` each."""
    if data == BINARY:
        images = images or digits("binary")
        fits = {
            "uniform": floors.uniform(),
            "independent pixels": floors.independent_pixels(images.train.x),
            "mixture of 20 Bernoullis": floors.bernoulli_mixture(images.train.x),
        }
        return {law: -fitted(images.test.x) for law, fitted in fits.items()}
    images, spread = images or digits("levels"), digits("unit")
    by_level = floors.independent_levels(images.train.x, LEVELS)
    gaussian = floors.logit_gaussian(spread.train.x)
    return {
        "uniform": _cost(floors.uniform(LEVELS)(images.test.x), data),
        "independent levels": _cost(by_level(images.test.x), data),
        "Gaussian of log-odds": _cost(gaussian(spread.test.x), data, density=True),
    }


def simple_rows() -> list[Row]:
    """The simple laws on every set."""
    universe = bars_and_stripes(SIDE)
    x, log_p = universe.states, universe.log_p
    mean_x = (log_p.exp() @ x.flatten(1).double())[None]
    alone = x.flatten(1).double() @ mean_x.log().T + (1 - x.flatten(1)).double() @ (1 - mean_x).log().T
    laws = {"uniform": floors.uniform()(x), "independent pixels": alone[:, 0]}
    rows = [
        Row(law, UNIVERSE, "KL, exact", float((log_p.exp() * (log_p - log_q)).sum()), 0.0)
        for law, log_q in laws.items()
    ]
    for data, measure in ((BINARY, "nats"), (GREY, "bits/dim")):
        rows += [Row(law, data, measure, *mean(cost)) for law, cost in simple_costs(data).items()]
    return rows


@torch.no_grad()
def dequantised_kl(universe: BinaryUniverse, model: TractableDensity, n: int = 1000) -> Estimate:
    """An upper bound of KL(p_D‖P_M) for a density on [0, 1]^D, where P_M(v) is the mass of v's cell.

    Within each cell the density is averaged over ``POINTS`` uniform points: E[−log mean] ≥ −log E.
    """
    generator = torch.Generator().manual_seed(0)
    v = universe.sample(n, generator=generator)
    x = dequantise(v.repeat_interleave(POINTS, 0), 2, generator)
    log_density = log_probs(model, x, 2000).view(n, POINTS)
    log_mass = log_density.logsumexp(1) - log(POINTS) - model.dims * log(2)
    return mean(universe.log_prob(v) - log_mass)


def histogram_distance(universe: BinaryUniverse, model: GenerativeModel) -> list[float]:
    """½ Σ |histogram − p_D| of samples, rounded to 0 and 1; its standard error; that of p_D's own samples."""
    p = universe.log_p.exp()

    def distance(x: Tensor) -> tuple[float, float]:
        index = state_index((x > 0.5).float())
        share = torch.bincount(index, minlength=len(p)) / len(x)
        error = (share > p)[index].double().std().item() / len(x) ** 0.5
        return total_variation(universe.log_p, share.double().log()).item(), error

    generator = torch.Generator().manual_seed(0)
    value, error = distance(model.sample(DRAWS, generator=generator).cpu())
    return [value, error, distance(universe.sample(DRAWS, generator=generator))[0]]

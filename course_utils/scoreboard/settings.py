"""How each system is built and trained for the table: the defaults of its class, and here what differs."""

import inspect
from typing import Any, NamedTuple

import torch

import course_utils.models  # noqa: F401  the systems take their places on the tree
from course_utils.evaluation.results import BINARY, GREY, LEVELS, UNIVERSES
from course_utils.models import MADE, NADE
from course_utils.models.ensemble import OrderEnsemble
from course_utils.models.younger import VQVAE, AnyOrder, DeepEnergy, Diffusion, FlowMatching, SplineFlow
from course_utils.scoreboard.universes import SAMPLES
from course_utils.taxonomy import GenerativeModel, TractableDensity, leaves

ORDERS, ENSEMBLES = 8, ("MADE", "NADE")
# younger than slide 14, and the sets on which each has rivals
YOUNGER_ON: dict[type[GenerativeModel], list[str]] = {
    **dict.fromkeys((FlowMatching, SplineFlow, Diffusion, VQVAE), ["universe 4×4", GREY]),
    AnyOrder: [*UNIVERSES, BINARY],
    DeepEnergy: [*UNIVERSES],
}
# beside whose costs theirs are held, image by image: what a claim of a lead rests on
RIVALS: dict[tuple[str, str], tuple[str, ...]] = {
    ("FlowMatching", GREY): ("FFJORD", "Glow"),
    ("SplineFlow", GREY): ("Glow",),
    ("VQVAE", GREY): ("PixelCNN",),
    ("AnyOrder", BINARY): ("MADE, 8 orders",),
}
SEEDS = 3  # of each, then
UNIVERSE = "universe"  # in SETTINGS: all of them
DRAWS = 200_000  # training images of a universe
# of those there are plenty: fewer, larger batches than the defaults, which are those of the digits
PLENTY: dict[str, Any] = {"epochs": 4, "batch_size": 250, "weight_decay": 0.0}
FEW: dict[str, Any] = {"valid": 0.01}  # held out, where it costs much to look at them


class Choice(NamedTuple):
    """What is not as the class has it: arguments of the model, settings of ``fit``, the shape of an image.

    And how many samples the histogram on a universe is made of.
    """

    model: dict[str, Any] = {}
    fit: dict[str, Any] = {}
    shape: tuple[int, ...] | None = None
    samples: int = SAMPLES


SETTINGS: dict[tuple[str, str], Choice] = {
    ("MADE", UNIVERSE): Choice({"hidden": (128, 128)}, {"lr": 0.02}),
    ("NADE", UNIVERSE): Choice({"hidden": 64}, {"lr": 0.06}),
    ("PixelRNN", UNIVERSE): Choice({}, {"epochs": 1}),
    ("PixelCNN", UNIVERSE): Choice({"hidden": 16, "blocks": 2}, {"epochs": 1, "lr": 0.02}),
    ("NICE", UNIVERSE): Choice({}, {"epochs": 3}),
    ("RealNVP", UNIVERSE): Choice({"couplings": 6, "hidden": 64}, {"epochs": 2, "lr": 0.005}),
    ("RealNVP", "universe 3×3"): Choice({"scales": 1}),  # a side of 3 cannot be halved
    ("Glow", UNIVERSE): Choice({}, {"epochs": 1, "lr": 0.005}),
    ("Glow", "universe 3×3"): Choice(shape=(9, 1, 1)),  # nor squeezed: nine channels of one pixel
    ("FFJORD", UNIVERSE): Choice({}, {"epochs": 1}),
    ("VAE", UNIVERSE): Choice({"latent": 4, "hidden": (200, 200)}, {"lr": 0.005, "average": 0.99}),
    ("GAN", UNIVERSE): Choice({}, {"epochs": 1, "lr": 0.004, "batch_size": 100}),
    ("BoltzmannMachine", UNIVERSE): Choice(
        {"hidden": 32, "mixing": 200}, {"lr": 0.03, "average": 0.99, "schedule": "cosine"}
    ),
    ("GSN", UNIVERSE): Choice(
        {"hidden": (64, 8), "noise": 0.02, "latent_noise": 2.0, "walkback": 2, "mixing": 30}, {"lr": 0.03}
    ),
    ("VAE", GREY): Choice({"decoder": "discretised logistic"}),
    # small networks: a million samples are drawn
    ("FlowMatching", UNIVERSE): Choice({"hidden": 128, "dropout": 0.0}, {"epochs": 6} | FEW),
    # a sample takes 1,000 steps, so there are few. The nearer the ends of λ, the less is lost by those steps
    ("Diffusion", UNIVERSE): Choice(
        {"hidden": 64, "lowest": -6.0, "highest": 6.0}, {"lr": 5e-3, "epochs": 3} | FEW, samples=20_000
    ),
    ("SplineFlow", UNIVERSE): Choice({"hidden": 64, "dropout": 0.0}, {"epochs": 2} | FEW),
    ("VQVAE", UNIVERSE): Choice({"codes": 8, "dropout": 0.0}, FEW),
    ("AnyOrder", UNIVERSE): Choice(
        {"hidden": 128, "dropout": 0.0, "orders": 4}, {"lr": 0.02, "epochs": 7, "batch_size": 500} | FEW
    ),
    ("AnyOrder", "universe 3×3"): Choice({"orders": None}),
    ("AnyOrder", BINARY): Choice({"orders": 32}),
    # a step sums over 65,536 states: few steps, on a gradient that hardly has noise. Clipped, so that Adam
    # does not long remember how large it was at first
    ("DeepEnergy", "universe 4×4"): Choice(
        {"hidden": (32, 32)},
        {"lr": 0.1, "epochs": 6, "batch_size": 5000, "clip": 0.01, "average": 0.9} | FEW,
    ),
}


def entries() -> dict[str, type[GenerativeModel]]:
    """Every system by the name of its class: those of slide 14 in its order, and what is younger."""
    return {system.__name__: system for system in (*leaves(), *YOUNGER_ON)}


def names() -> list[str]:
    """All that ``scoreboard`` can score: the systems, and two of them in several orders of the pixels."""
    return [*entries(), *(f"{leaf}, {ORDERS} orders" for leaf in ENSEMBLES)]


def sets_of(name: str) -> list[str]:
    """The sets on which a model is scored: where its support lets it live.

    A density on [0, 1] has no black and white images; what is only sampled may round its samples to them.

    >>> sets_of("NADE"), sets_of("MADE, 8 orders")
    (['universe 3×3', 'universe 4×4', 'digits, binary'], ['digits, binary'])
    """
    if name not in entries():
        return [BINARY]
    leaf = entries()[name]
    if leaf in YOUNGER_ON:
        return YOUNGER_ON[leaf]
    with torch.random.fork_rng(devices=[]):  # that to ask changes nothing
        support = leaf((1, 8, 8)).support
    black_and_white = support == "binary" or not issubclass(leaf, TractableDensity)
    grey = support != "binary" or "levels" in inspect.signature(leaf).parameters
    return [*UNIVERSES] + [BINARY] * black_and_white + [GREY] * grey


def choice(name: str, data: str) -> Choice:
    """What differs from the defaults, for all universes and for this set; nothing for several orders."""
    if name not in entries():
        return Choice()
    found = [SETTINGS.get((name, key), Choice()) for key in (UNIVERSE * (data in UNIVERSES), data)]
    model = found[0].model | found[1].model
    if data == GREY and "levels" in inspect.signature(entries()[name]).parameters:
        model = {"levels": LEVELS} | model
    training = (PLENTY if data in UNIVERSES else {}) | found[0].fit | found[1].fit
    samples = min(one.samples for one in found)
    return Choice(model, training, found[1].shape or found[0].shape, samples)


def build(name: str, data: str) -> GenerativeModel:
    """The untrained model for this set, from torch's present random numbers.

    Raises:
        ValueError: there is no such model, or it cannot live on this set.

    >>> build("Glow", "universe 3×3").event_shape
    (9, 1, 1)
    """
    if name not in names() or data not in sets_of(name):
        allowed = f"one of {', '.join(names())}" if name not in names() else f"a set of {sets_of(name)}"
        raise ValueError(f"score: expected {allowed}, got {name!r} on {data!r}")
    side = UNIVERSES.get(data, 8)
    if name not in entries():
        return _ensemble(name.split(",")[0], (1, side, side))
    chosen = choice(name, data)
    return entries()[name](chosen.shape or (1, side, side), **chosen.model)


def _ensemble(name: str, shape: tuple[int, ...]) -> OrderEnsemble:
    """A NADE or a MADE in eight random orders, one set of weights for all."""
    if name == "MADE":
        return OrderEnsemble(MADE(shape, masks=ORDERS, order="random").members())
    model, generator = NADE(shape), torch.Generator().manual_seed(0)
    orders = [torch.randperm(model.dims, generator=generator).tolist() for _ in range(ORDERS)]
    return OrderEnsemble([model.reordered(order) for order in orders])

"""Do samples look like digits? What the course's classifier reads in them, and two-sample tests."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from course_utils.datasets import mnist_shipped
from course_utils.divergences import Estimate, mean
from course_utils.evaluation import classifier_two_sample_test, frechet_distance
from course_utils.evaluation.results import C2ST, FRECHET
from course_utils.evaluation.two_samples import whitening
from course_utils.models import GSN
from course_utils.pretrained.recipes import RECIPES
from course_utils.pretrained.weights import card, load
from course_utils.recognition import DigitClassifier
from course_utils.taxonomy import leaves

MOST, BATCH, SURE = 1_000, 100, 0.9
LEGIBLE, AS_ASKED, NEAREST = "legible, %", "as asked, %", "nearest training image"
RECONSTRUCTED = "GSN: P(x | h)"
REAL = ", real digits, "  # and which of them: of figures of the classifier's card


@cache
def classifier() -> DigitClassifier:
    """The classifier that ships, for grey digits and for black and white ones."""
    return load("classifier")


@torch.no_grad()
def probabilities(x: Tensor) -> Tensor:
    """What the classifier thinks of images ``(N, 1, 28, 28)`` in [0, 1], ``(N, 11)``: which digit, or none.

    >>> x, y = mnist_shipped()
    >>> bool((probabilities(x[:100]).argmax(1) == y[:100]).double().mean() > 0.9)
    True
    """
    return torch.cat([classifier()(part.float().cpu()).softmax(1) for part in x.split(BATCH)])


def legibility(x: Tensor) -> Estimate:
    """The share of images, in percent, that the classifier reads as a digit with p ≥ 0.9.

    >>> legibility(mnist_shipped().x[:200]).value > 90
    True
    """
    return mean(100.0 * (probabilities(x)[:, :10].amax(1) >= SURE).double())


@torch.no_grad()
def features(x: Tensor, kind: str) -> Tensor:
    """What the classifier decides by, whitened so that real images have covariance 1: ``(N, 32)``."""
    centre, scale = whitened(kind)
    seen = torch.cat([classifier().features(part.float().cpu()) for part in x.split(BATCH)])
    return (seen.double() - centre) @ scale


@cache
@torch.no_grad()
def whitened(kind: str) -> tuple[Tensor, Tensor]:
    """What whitens the classifier's features of real test images."""
    return whitening(classifier().features(mnist_shipped(kind).x[: 2 * MOST]).double())


def scores(fake: Tensor, kind: str, y: Tensor | None = None) -> dict[str, Estimate]:
    """What samples ``(N, 1, 28, 28)``, N even, say without a density, against as many real test images.

    These are of a kind of ``mnist_shipped``; y are the digits that were asked for.
    """
    real = mnist_shipped(kind).x[: len(fake)]
    (learned, judged), (drawn, others) = real.chunk(2), fake.chunk(2)
    c2st = classifier_two_sample_test(learned, drawn, held_out=(judged, others))
    found = {LEGIBLE: legibility(fake), C2ST: c2st}
    found[FRECHET] = frechet_distance(features(real, kind), features(fake, kind))
    if y is not None:
        found[AS_ASKED] = mean(100.0 * (probabilities(fake).argmax(1) == y).double())
    return found


def scores_of_real(kind: str) -> dict[str, Estimate]:
    """What real test images would get: what no model can beat."""
    n = judged_at_once(kind)
    return {
        name + REAL + kind: found for name, found in scores(mnist_shipped(kind).x[n : 2 * n], kind).items()
    }


def judged_at_once(kind: str) -> int:
    """How many samples are scored: as many real images are for comparison, and as many in their place."""
    return min(MOST, len(mnist_shipped(kind).x) // 2)


def nearest(fake: Tensor, train: Tensor, kind: str) -> dict[str, Estimate]:
    """Squared distance to the nearest training image, of samples and of as many real test images.

    A model that knows training images by heart is nearer to them than new digits are. Between black and
    white images the distance is the number of pixels that differ.
    """
    train = train.flatten(1)
    sizes = train.square().sum(1)

    def mean_distance(x: Tensor) -> Estimate:
        x = x.flatten(1).to(train)
        parts = [(sizes - 2 * part @ train.T).amin(1) + part.square().sum(1) for part in x.split(BATCH)]
        return mean(torch.cat(parts).double())

    real = mnist_shipped(kind).x[: len(fake)]
    return {NEAREST: mean_distance(fake), f"{NEAREST}, test images": mean_distance(real)}


def kind_of(model: Any) -> str:
    """Which of ``mnist_shipped`` the samples of a model are to look like."""
    return "static" if model.support == "binary" else "levels"


def asked_of(model: Any, n: int) -> Tensor | None:
    """The digits 0 … 9 in turn, n in all; None where a model takes none."""
    return torch.arange(n) % 10 if getattr(model, "classes", None) else None


def own_samples(model: Any) -> tuple[Tensor, Tensor | None]:
    """The samples of a model that are scored, on the CPU, and the digits asked for: always the same ones."""
    n = judged_at_once(kind_of(model))
    y = asked_of(model, n)
    parts = [None] * (n // BATCH) if y is None else y.split(BATCH)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return torch.cat([draw(model, BATCH, part) for part in parts]), y


def draw(model: Any, n: int, y: Tensor | None = None) -> Tensor:
    """n samples, of digits y if the model takes any, on the CPU."""
    return (model.sample(n) if y is None else model.sample(n, y=y.to(model.reference.device))).cpu()


def gallery(columns: int = 10, seed: int = 0) -> dict[str, Tensor]:
    """Samples of every system of the tree that is trained, by its name: 0 … 9 in turn if it takes digits.

    The first row is real. Below the samples of a GSN stand the probabilities of white that they were drawn
    from. ``(columns, 1, 28, 28)`` each.
    """
    real = mnist_shipped("levels")
    first = [int((real.y == k % 10).nonzero()[k // 10]) for k in range(columns)]
    rows, systems = {"real digits": real.x[first]}, set(leaves())
    for name, of in RECIPES.items():
        if of.system in systems and card(name):
            model = load(name)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                if isinstance(model, GSN):
                    *_, end = model.chain(model.beginning(columns), model.mixing)
                    rows["GSN"], rows[RECONSTRUCTED] = end.x, end.p
                else:
                    rows[of.system.__name__] = draw(model, columns, asked_of(model, columns))
    return rows

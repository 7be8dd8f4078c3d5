"""Do samples of digits look like digits? Two-sample scores, the same for every system of the tree."""

import torch
from torch import Tensor

from course_utils.datasets import Splits, digits
from course_utils.evaluation.results import BINARISED, BINARY, C2ST, FRECHET, GREY, LEVELS
from course_utils.evaluation.two_samples import classifier_two_sample_test, frechet_distance
from course_utils.scoreboard.features import digit_features
from course_utils.scoreboard.likelihoods import dequantised
from course_utils.taxonomy import GenerativeModel

KINDS = {BINARY: "binary", GREY: "levels"}
SET = 598  # images: half of the training images, so that real against real is measured with as many


def grid(model: GenerativeModel, x: Tensor, data: str) -> Tensor:
    """Samples on the grid of the set's levels k/(L−1): values of a density are put into their cells."""
    levels = LEVELS if data == GREY else 2
    if dequantised(model):
        return (x * levels).floor().clamp(0, levels - 1) / (levels - 1)
    return (x * (levels - 1)).round() / (levels - 1)


def two_sample_scores(fake: Tensor, data: str) -> dict[str, list[float]]:
    """The two-sample scores of as many samples as there are real images.

    The classifier learns from the training images and as many samples, and judges the held-out images and
    the other samples. Grey ones are compared a second time in black and white, at the threshold of the
    binary digits: there all systems can be compared.
    """

    def compare(fake: Tensor, kind: str) -> dict[str, list[float]]:
        train, real = real_images(kind)
        judged = real, fake[len(train) :]
        share = classifier_two_sample_test(train, fake[: len(train)], held_out=judged)
        return {C2ST: list(share), FRECHET: frechet_of_sets(fake, real, kind)}

    scores = compare(fake, KINDS[data])
    return scores | binarised(compare(black_and_white(fake), "binary")) if data == GREY else scores


def real_scores(data: str) -> dict[str, list[float]]:
    """Real against real, training images in place of samples: what no model can beat."""

    def compare(kind: str) -> dict[str, list[float]]:
        images, (train, real) = digits(kind), real_images(kind)
        judged = images.test.x, images.valid.x
        share = classifier_two_sample_test(train[:SET], train[-SET:], held_out=judged)
        return {C2ST: list(share), FRECHET: frechet_of_sets(train, real, kind)}

    scores = compare(KINDS[data])
    return scores | binarised(compare("binary")) if data == GREY else scores


def binarised(scores: dict[str, list[float]]) -> dict[str, list[float]]:
    """The same scores under the names of those in black and white."""
    return {name + BINARISED: value for name, value in scores.items()}


def black_and_white(x: Tensor) -> Tensor:
    """Grey levels k/16 as 0 and 1, at the threshold of the binary digits.

    >>> black_and_white(torch.tensor([7 / 16, 8 / 16])).tolist()
    [0.0, 1.0]
    """
    return (x * (LEVELS - 1) >= LEVELS // 2).float()


def frechet_of_sets(fake: Tensor, real: Tensor, kind: str) -> list[float]:
    """The mean Fréchet distance to real images over disjoint sets of 598, with its standard error."""
    features = digit_features(real, kind)
    found = [frechet_distance(features, digit_features(s, kind)) for s in fake.split(SET) if len(s) == SET]
    error = sum(one.standard_error**2 for one in found) ** 0.5 / len(found)
    return [sum(one.value for one in found) / len(found), error]


def real_images(kind: str) -> tuple[Tensor, Tensor]:
    """The training images, and all that are held out: those of test and valid."""
    images: Splits = digits(kind)
    return images.train.x, torch.cat([images.test.x, images.valid.x])

"""What the digit classifier of the course sees in an image: the features that two-sample scores compare."""

from functools import cache

import torch
from torch import Tensor

from course_utils.datasets import digits
from course_utils.recognition import DigitClassifier
from course_utils.training import fit


@cache
def digit_classifier(kind: str = "binary") -> DigitClassifier:
    """A classifier of 8×8 digits, trained on the training images in seconds, from a fixed seed.

    Args:
        kind: of the images, "binary" or "levels", as in ``datasets.digits``.
    """
    data = digits(kind)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        channels, height, width = data.train.x.shape[1:]
        model = DigitClassifier((channels, height, width))
        fit(model, tuple(data.train), valid=tuple(data.valid), progress=False, device="cpu")
    return model


@cache
def whitening(kind: str) -> tuple[Tensor, Tensor]:
    """The mean m and the matrix A that give features f of training digits, (f − m) A, covariance 1."""
    with torch.no_grad():
        features = digit_classifier(kind).features(digits(kind).train.x).double()
    values, vectors = torch.linalg.eigh(torch.cov(features.T))
    return features.mean(0), vectors / values.sqrt()


@torch.no_grad()
def digit_features(x: Tensor, kind: str = "binary") -> Tensor:
    """The features of images ``(N, 1, 8, 8)``, scaled so that those of training digits have covariance 1.

    A network is free to scale its features; so scaled, every direction in which digits differ counts the
    same in ``frechet_distance``. ``(N, 32)``, float64.

    Args:
        x: images with values in [0, 1].
        kind: of the images on which the classifier learned: "binary" or "levels".
    """
    mean, scale = whitening(kind)
    return (digit_classifier(kind).features(x.float().cpu()).double() - mean) @ scale

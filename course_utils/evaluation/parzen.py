"""Parzen windows: once the score of models without a density, shown here as the trap that it is."""

from collections.abc import Sequence
from math import log, pi

import torch
from torch import Tensor

from course_utils.checks import check_number
from course_utils.divergences import Estimate, mean
from course_utils.evaluation.two_samples import check_pair
from course_utils.runtime import as_double

BANDWIDTHS = tuple(0.05 * 1.15**i for i in range(16))


def parzen_log_prob(x: Tensor, samples: Tensor, bandwidth: float) -> Tensor:
    """log of a mixture of round Gaussians, one on each of M samples: the log *density* in nats, ``(N,)``.

        log 1/M Σ_m N(x; s_m, σ² I)

    Args:
        x: where ``(N, …)``.
        samples: the centres ``(M, …)``.
        bandwidth: σ.

    Raises:
        ValueError: the two are not of one shape, or σ is not positive.

    >>> x = torch.zeros(1, 2)
    >>> round(parzen_log_prob(x, x, 1.0).item(), 4)  # −log 2π
    -1.8379
    """
    check_pair(x, samples, "parzen_log_prob")
    sigma = check_number(bandwidth, "parzen_log_prob: bandwidth", low=1e-9)
    x, s = as_double(x.flatten(1)), as_double(samples.flatten(1))
    log_window = -torch.cdist(x, s).square() / (2 * sigma**2)
    return log_window.logsumexp(1) - log(len(s)) - x.shape[1] / 2 * log(2 * pi * sigma**2)


def parzen_score(
    samples: Tensor, valid: Tensor, test: Tensor, bandwidths: Sequence[float] = BANDWIDTHS
) -> tuple[Estimate, float]:
    """The mean Parzen log-density of test images in nats, and σ: the one with the best score on valid ones.

    It was the score of GSN and GAN in their papers (Breuleux et al. 2011; Goodfellow et al. 2014). It is
    no likelihood of the model that drew the samples, and misranks: centroids of k-means beat true samples
    (Theis, van den Oord and Bethge 2016).

    Args:
        samples: of the model ``(M, …)``.
        valid, test: real images ``(N, …)``.
        bandwidths: the σ to choose from.

    Raises:
        ValueError: shapes differ, or a σ is not positive.
    """
    scores = torch.stack([parzen_log_prob(valid, samples, sigma).mean() for sigma in bandwidths])
    best = bandwidths[int(scores.argmax())]
    return mean(parzen_log_prob(test, samples, best)), best

"""Do two sets of images come from one distribution? Scores that ask nothing of a model but samples."""

from collections.abc import Sequence
from math import log, pi

import numpy as np
import torch
from torch import Tensor

from course_utils.checks import check_count, check_number, check_seed
from course_utils.divergences import Estimate, mean
from course_utils.runtime import as_double

TREES, REPEATS = 200, 40
BANDWIDTHS = tuple(0.05 * 1.15**i for i in range(16))


def classifier_two_sample_test(
    x: Tensor, y: Tensor, *, held_out: tuple[Tensor, Tensor] | None = None, seed: int = 0
) -> Estimate:
    """The share of held-out images of which a classifier says rightly whether they are from x or from y.

    ½ if nothing tells the two apart, 1 if something always does. D. Lopez-Paz and M. Oquab,
    *Revisiting Classifier Two-Sample Tests*, ICLR 2017. The classifier is a random forest. The standard
    error is the binomial one, of this classifier: a better one may tell more.

    Args:
        x, y: images ``(N, …)`` to learn from, as many of each.
        held_out: as many other images of each, to judge; None: the last third of x and of y.
        seed: of the forest.

    Raises:
        ValueError: x and y differ in number or shape, or so do those held out.
    """
    who, seed = "classifier_two_sample_test", check_seed(seed, "classifier_two_sample_test")
    if held_out is None:
        check_pair(x, y, who)
        last = -max(1, len(x) // 3)
        x, y, held_out = x[:last], y[:last], (x[last:], y[last:])
    if not isinstance(held_out, tuple | list) or len(held_out) != 2:
        raise ValueError(f"{who}: expected held_out as two tensors, got {held_out!r}")
    for pair in ((x, y), held_out):
        check_pair(*pair, who)
        if len(pair[0]) != len(pair[1]):
            raise ValueError(f"{who}: expected as many x as y, got {len(pair[0])} and {len(pair[1])}")
    check_pair(x, held_out[0], who)
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(TREES, random_state=seed, n_jobs=1).fit(*labelled(x, y))
    right = float(forest.score(*labelled(*held_out)))
    return Estimate(right, (right * (1 - right) / (2 * len(held_out[0]))) ** 0.5)


def labelled(x: Tensor, y: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """All images as rows of numbers, and 0 for those of x, 1 for those of y."""
    pixels = torch.cat([x, y]).flatten(1).cpu().double().numpy()
    return pixels, np.repeat([0, 1], [len(x), len(y)])


def frechet_distance(x: Tensor, y: Tensor, *, repeats: int = REPEATS, seed: int = 0) -> Estimate:
    """‖μ_x − μ_y‖² + tr(Σ_x + Σ_y − 2 (Σ_x^½ Σ_y Σ_x^½)^½) between Gaussians fitted to features.

    The squared Wasserstein-2 distance of those Gaussians. It is too large by an amount that falls with the
    number of examples: compare only distances between as many. On the features of Inception it is called
    the FID (Heusel et al. 2017); on others it is not. The standard error is the bootstrap's over y alone:
    x are the real images, the same for all models.

    Args:
        x, y: features ``(N, F)`` and ``(M, F)``, at least 2 of each.
        repeats: how many bootstrap samples the standard error is made of; 0: none, it is 0.
        seed: of the bootstrap.

    Raises:
        ValueError: x and y are no features of one dimension, repeats is 1 or negative, or the seed is none.

    >>> x = torch.tensor([[0.0], [2.0]])
    >>> round(frechet_distance(x, x + 3, repeats=0).value, 6)
    9.0
    """
    check_pair(x, y, "frechet_distance")
    if x.dim() != 2 or min(len(x), len(y)) < 2:
        shapes = f"{tuple(x.shape)}, {tuple(y.shape)}"
        raise ValueError(f"frechet_distance: expected features (N, F), N of 2 or more, got {shapes}")
    if not isinstance(repeats, int) or repeats != 0:
        check_count(repeats, "frechet_distance: repeats", low=2)  # one has no spread
    generator = torch.Generator().manual_seed(check_seed(seed, "frechet_distance"))
    x, y = x.detach().cpu().double(), y.detach().cpu().double()
    value = between_gaussians(x, y)
    again = [y[torch.randint(len(y), (len(y),), generator=generator)] for _ in range(repeats)]
    spread = torch.tensor([between_gaussians(x, other) for other in again]).std().item() if repeats else 0.0
    return Estimate(value, spread)


def between_gaussians(x: Tensor, y: Tensor) -> float:
    """The squared Wasserstein-2 distance of the Gaussians with the means and covariances of x and y."""
    s, t = (torch.atleast_2d(torch.cov(part.T)) for part in (x, y))
    values, vectors = torch.linalg.eigh(s)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    common = torch.linalg.eigvalsh(root @ t @ root).clamp_min(0).sqrt().sum()
    return ((x.mean(0) - y.mean(0)).square().sum() + s.trace() + t.trace() - 2 * common).item()


def whitening(features: Tensor) -> tuple[Tensor, Tensor]:
    """The mean m and the matrix A that give features f ``(N, F)``, as (f − m) A, mean 0 and covariance 1.

    A network is free to scale its features; whitened, every direction in which images differ counts the same.

    >>> f = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 20.0], [2.0, 20.0]], dtype=torch.double)
    >>> m, A = whitening(f)
    >>> torch.allclose(torch.cov(((f - m) @ A).T), torch.eye(2, dtype=torch.double))
    True
    """
    values, vectors = torch.linalg.eigh(torch.cov(features.T))
    return features.mean(0), vectors / values.sqrt()


def parzen_log_prob(x: Tensor, samples: Tensor, bandwidth: float) -> Tensor:
    """log of a mixture of round Gaussians, one on each of M samples: the log *density* in nats, ``(N,)``.

        log 1/M Σ_m N(x; s_m, σ² I)

    Raises:
        ValueError: x ``(N, …)`` and samples ``(M, …)`` are not of one shape, or σ is not positive.

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
    """
    scores = torch.stack([parzen_log_prob(valid, samples, sigma).mean() for sigma in bandwidths])
    best = bandwidths[int(scores.argmax())]
    return mean(parzen_log_prob(test, samples, best)), best


def check_pair(x: Tensor, y: Tensor, who: str) -> None:
    """Raise a ValueError unless x and y are float tensors of events of one shape."""
    for part in (x, y):
        if not isinstance(part, Tensor) or not part.is_floating_point() or part.dim() < 2 or len(part) == 0:
            raise ValueError(f"{who}: expected float tensors (N, …) of N examples, got {part!r:.60}")
        if not bool(part.isfinite().all()):
            raise ValueError(f"{who}: expected finite values, got {part[~part.isfinite()][0].item()}")
    if x.shape[1:] != y.shape[1:]:
        shapes = f"{tuple(x.shape[1:])}, {tuple(y.shape[1:])}"
        raise ValueError(f"{who}: expected examples of one shape, got {shapes}")

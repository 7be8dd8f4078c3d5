"""The explorers of notebook 02: k-means a step at a time, and images from a few principal components."""

import warnings
from functools import partial
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.checks import check_count
from course_utils.explorers.engine import Explorer, slider
from course_utils.plots.canvas import BLUE, VERMILLION


def clustering(x: Tensor, y: Tensor, *, k: int = 10, steps: int = 15, seed: int = 0) -> Explorer:
    """The centres of k-means after each step, and how well its clusters agree with labels it never saw.

    Args:
        x: images, ``(N, 1, H, W)``.
        y: their labels ``(N,)``, for the score only.
        k: the number of clusters.
        steps: how many steps to take.
        seed: decides the k images that the centres start at.

    Raises:
        ValueError: x is no batch of images with one channel, y does not fit, or k or steps is no positive
            integer, or k is more than N.
    """
    check_count(steps, "clustering: steps")
    if x.dim() != 4 or x.shape[1] != 1 or y.shape != x.shape[:1]:
        raise ValueError(
            f"clustering: expected x (N, 1, H, W) and y (N,), got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    if check_count(k, "clustering: k") > len(x):
        raise ValueError(f"clustering: expected at most {len(x)} clusters, one an image, got {k}")
    from sklearn.metrics import adjusted_rand_score  # slow to import: only where it is needed

    centres, labels = lloyd(x.flatten(1).cpu().double().numpy(), k, steps, seed)
    scores = [adjusted_rand_score(y.cpu().numpy(), each) for each in labels]
    images = [torch.tensor(each, dtype=torch.float32).view(k, *x.shape[1:]) for each in centres]
    return Explorer(
        partial(draw_clustering, images, scores),
        title="The centres of k-means step by step, and its agreement with labels that it never saw",
        size=(8, 3.8),
        frame=partial(frame_clustering, scores),
        step=slider(0, steps, value=0, tooltip="How often images were assigned and centres moved"),
    )


def lloyd(x: np.ndarray, k: int, steps: int, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Centres ``(k, D)`` and labels ``(N,)`` after 0, 1, …, steps iterations of Lloyd's algorithm."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    at = x[np.random.default_rng(seed).permutation(len(x))[:k]]
    centres, labels = [at], []
    for _ in range(steps + 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # one step at a time is the point
            labels.append(((x[:, None] - at) ** 2).sum(2).argmin(1))
            start: Any = {"init": at, "n_init": 1}
            at = KMeans(k, max_iter=1, **start).fit(x).cluster_centers_
        centres.append(at)
    return centres[: steps + 1], labels


def frame_clustering(scores: list[float], figure: Figure) -> None:
    """Draw the score of every step, and a place for images."""
    figure.add_axes((0.01, 0.05, 0.5, 0.8)).set_axis_off()
    ax = figure.add_axes((0.62, 0.19, 0.36, 0.66))
    ax.plot(scores, color=BLUE)
    ax.set(xlabel="step", ylabel="adjusted Rand index", ylim=(0, 1), yticks=(0, 0.5, 1))
    ax.locator_params(axis="x", nbins=4)


def draw_clustering(images: list[Tensor], scores: list[float], figure: Figure, *, step: int) -> None:
    """Draw the centres after a step, and that step on the curve of the scores."""
    left, right = figure.axes
    plots.images(images[step], title=f"centres after {step} steps", columns=5, ax=left)
    right.plot(step, scores[step], "o", color=VERMILLION, ms=11, clip_on=False)
    right.set_title(f"agreement {scores[step]:.2f}")


def components(x: Tensor, shown: Tensor) -> Explorer:
    """Images rebuilt from their first K principal components, and the share of variance these explain.

    Args:
        x: the images from which the components are found, ``(N, 1, H, W)``.
        shown: other images, ``(n, 1, H, W)``, that are rebuilt: up to 8 of them.

    Raises:
        ValueError: the two are no batches of images of one shape with one channel, or shown has more than 8.
    """
    if x.dim() != 4 or x.shape[1] != 1 or shown.shape[1:] != x.shape[1:] or not 1 <= len(shown) <= 8:
        raise ValueError(
            "components: expected x (N, 1, H, W) and 1 to 8 images of that shape to show, "
            f"got {tuple(x.shape)} and {tuple(shown.shape)}"
        )
    from sklearn.decomposition import PCA

    shown = shown.cpu().double()
    most = min(len(x), x[0].numel())
    found = PCA(most).fit(x.flatten(1).cpu().double().numpy())
    share = np.concatenate([[0.0], found.explained_variance_ratio_.cumsum()])
    mean, axes = torch.tensor(found.mean_), torch.tensor(found.components_)
    codes = (shown.flatten(1) - mean) @ axes.T
    return Explorer(
        partial(draw_components, shown, mean, axes, codes, share),
        title="Images rebuilt from their first principal components",
        size=(8, 3.8),
        frame=partial(frame_components, share),
        K=slider(0, most, value=min(10, most), tooltip="How many principal components are kept"),
    )


def frame_components(share: np.ndarray, figure: Figure) -> None:
    """Draw the share of the variance for every K, and a place for images."""
    figure.add_axes((0.01, 0.05, 0.56, 0.8)).set_axis_off()
    ax = figure.add_axes((0.68, 0.19, 0.3, 0.66))
    ax.plot(100 * share, color=BLUE)
    ax.set(xlabel="components K", ylabel="% of the variance", ylim=(0, 102), yticks=(0, 50, 100))
    ax.locator_params(axis="x", nbins=4)


def draw_components(
    shown: Tensor, mean: Tensor, axes: Tensor, codes: Tensor, share: np.ndarray, figure: Figure, *, K: int
) -> None:
    """Draw the images over what K components keep of them, and this K on the curve."""
    rebuilt = (mean + codes[:, :K] @ axes[:K]).view_as(shown).clamp(0, 1)
    pairs = torch.cat([shown, rebuilt])
    left, right = figure.axes
    plots.images(pairs, title=f"originals; from {K} numbers each", columns=len(shown), ax=left)
    right.plot(K, 100 * share[K], "o", color=VERMILLION, ms=11, clip_on=False)
    right.set_title(f"{100 * share[K]:.0f} % explained")

"""The explorers of notebook 02: k-means a step at a time, and images from a few principal components."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.explorers.engine import Explorer, slider
from course_utils.explorers.engine.stage import Frame
from course_utils.plots.canvas import BLUE, VERMILLION

CENTRES, STEPS = 10, 15  # of k-means


def clustering(x: Tensor, y: Tensor) -> Explorer:
    """The centres of k-means after each step, and how well its clusters agree with labels it never saw.

    Args:
        x: images, ``(N, 1, H, W)``.
        y: their labels ``(N,)``, for the score only.

    Raises:
        ValueError: x is no batch of images with one channel, or y does not fit.
    """
    if x.dim() != 4 or x.shape[1] != 1 or y.shape != x.shape[:1]:
        got = f"{tuple(x.shape)} and {tuple(y.shape)}"
        raise ValueError(f"clustering: expected x (N, 1, H, W) and y (N,), got {got}")
    from sklearn.metrics import adjusted_rand_score  # slow to import: only where it is needed

    centres, labels = lloyd(x.flatten(1).cpu().double().numpy(), CENTRES, STEPS)
    scores = [adjusted_rand_score(y.cpu().numpy(), each) for each in labels]

    def draw(figure: Figure, *, step: int) -> None:
        left, right = figure.axes
        images = torch.tensor(centres[step], dtype=torch.float32).view(-1, *x.shape[1:])
        plots.images(images, title=f"centres after {step} steps", columns=5, ax=left)
        right.plot(step, scores[step], "o", color=VERMILLION, ms=11, clip_on=False)
        right.set_title(f"agreement {scores[step]:.2f}")

    return Explorer(
        draw,
        title="The centres of k-means step by step, and its agreement with labels that it never saw",
        size=(8, 3.6),
        frame=images_and_curve(0.5, torch.tensor(scores), "step", "adjusted Rand index", 1),
        step=slider(0, STEPS, value=5, tooltip="How often images were assigned and centres moved"),
    )


def lloyd(x: np.ndarray, k: int, steps: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Centres ``(k, D)`` and labels ``(N,)`` after 0, 1, …, steps iterations of Lloyd's algorithm.

    k images at random are the first centres; a centre without an image stays.
    """
    at = x[np.random.default_rng(0).permutation(len(x))[:k]]
    centres, labels = [], []
    for _ in range(steps + 1):
        nearest = ((x[:, None] - at) ** 2).sum(2).argmin(1)
        centres.append(at)
        labels.append(nearest)
        own = [x[nearest == j] for j in range(k)]
        at = np.stack([mine.mean(0) if len(mine) else old for mine, old in zip(own, at, strict=True)])
    return centres, labels


def components(x: Tensor, shown: Tensor) -> Explorer:
    """Images rebuilt from their first K principal components, and the share of variance these explain.

    Args:
        x: the images from which the components are found, ``(N, 1, H, W)``.
        shown: other images, ``(n, 1, H, W)``, that are rebuilt: up to 8 of them.

    Raises:
        ValueError: the two are no batches of images of one shape with one channel, or shown has more than 8.
    """
    if x.dim() != 4 or x.shape[1] != 1 or shown.shape[1:] != x.shape[1:] or not 1 <= len(shown) <= 8:
        got = f"{tuple(x.shape)} and {tuple(shown.shape)}"
        raise ValueError(f"components: expected x (N, 1, H, W) and 1 to 8 images of that shape, got {got}")
    shown, flat = shown.cpu().double(), x.flatten(1).cpu().double()
    mean = flat.mean(0)
    _, spread, axes = torch.linalg.svd(flat - mean, full_matrices=False)
    share = torch.cat([torch.zeros(1), 100 * spread.square().cumsum(0) / spread.square().sum()])
    codes = (shown.flatten(1) - mean) @ axes.T

    def draw(figure: Figure, *, K: int) -> None:
        rebuilt = (mean + codes[:, :K] @ axes[:K]).view_as(shown).clamp(0, 1)
        left, right = figure.axes
        title = f"originals; from {K} numbers each"
        plots.images(torch.cat([shown, rebuilt]), title=title, columns=len(shown), ax=left)
        right.plot(K, share[K], "o", color=VERMILLION, ms=11, clip_on=False)
        right.set_title(f"{share[K]:.0f} % explained")

    return Explorer(
        draw,
        title="Images rebuilt from their first principal components",
        size=(8, 3.6),
        frame=images_and_curve(0.56, share, "components K", "% of the variance", 100),
        K=slider(0, len(spread), value=min(10, len(spread)), tooltip="How many components are kept"),
    )


def images_and_curve(left: float, curve: Tensor, xlabel: str, ylabel: str, top: float) -> Frame:
    """A place for images, ``left`` of the width, and beside it a curve over 0, 1, … with values up to top."""

    def frame(figure: Figure) -> None:
        figure.add_axes((0.01, 0.05, left, 0.8)).set_axis_off()
        ax = figure.add_axes((left + 0.12, 0.19, 0.86 - left, 0.66))
        ax.plot(curve, color=BLUE)
        ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, 1.02 * top), yticks=(0, top / 2, top))
        ax.locator_params(axis="x", nbins=4)

    return frame

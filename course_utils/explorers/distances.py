"""The explorers of notebook 04: one family, many distances; and likelihood from a finite sample."""

from functools import partial

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from course_utils.checks import check_number
from course_utils.divergences import (
    cross_entropy,
    entropy,
    js,
    kl,
    total_variation,
    wasserstein1_line,
)
from course_utils.explorers.base import Explorer
from course_utils.explorers.controls import slider
from course_utils.plots.canvas import BLUE, VERMILLION
from course_utils.universe import gaussian_on, line, two_modes


def which_distance(mean: float = 1.0, std: float = 1.0) -> Explorer:
    """θ = (μ, σ) of a Gaussian dragged under a mixture with two modes, and five distances read out.

    Args:
        mean: where μ starts.
        std: where σ starts.

    Raises:
        ValueError: mean or std lies outside its slider.
    """
    check_number(mean, "which_distance: mean", low=-4, high=4)
    check_number(std, "which_distance: std", low=0.3, high=4)
    x = line()
    return Explorer(
        partial(draw_distances, x, two_modes(x)),
        title="A Gaussian under a mixture of two, and five distances between them",
        size=(10, 4.4),
        mean=slider(-4.0, 4.0, value=mean, step=0.1, name="μ", tooltip="The mean of p_θ"),
        std=slider(0.3, 4.0, value=std, step=0.1, name="σ", tooltip="The standard deviation of p_θ"),
    )


def distances(log_p: Tensor, log_q: Tensor, x: Tensor) -> dict[str, float]:
    """Five distances between two laws on a grid x, ``(S,)`` each: KL, JS in nats, W₁ in units of x.

    Raises:
        ValueError: a law is no vector of log-probabilities, or lengths differ.

    >>> distances(two_modes(line()), two_modes(line()), line())["forward KL"]
    0.0
    """
    return {
        "forward KL": kl(log_p, log_q).item(),
        "reverse KL": kl(log_q, log_p).item(),
        "Jensen–Shannon": js(log_p, log_q).item(),
        "total variation": total_variation(log_p, log_q).item(),
        "Wasserstein-1": wasserstein1_line(log_p, log_q, x).item(),
    }


def draw_distances(x: Tensor, log_p: Tensor, figure: Figure, *, mean: float, std: float) -> None:
    """Draw p_D and p_θ, a bar for each distance, and NLL as H(p_D) + KL."""
    log_q = gaussian_on(x, mean, std)
    step = (x[1] - x[0]).item()
    left = figure.add_axes((0.08, 0.16, 0.36, 0.72))
    left.fill_between(x, log_p.exp() / step, color=BLUE, alpha=0.45, lw=0)
    left.plot(x, log_q.exp() / step, color=VERMILLION)
    left.text(-6, 0.78, "area: p_D", color=BLUE, size=14)
    left.text(-6, 0.71, "line: p_θ", color=VERMILLION, size=14)
    # names at the curves and few ticks: legends and ticks cost most of the time
    left.set(ylim=(0, 0.85), xticks=(-4, 0, 4), yticks=(0, 0.8), xlabel="x", ylabel="density")
    found = distances(log_p, log_q, x)
    h, nll = entropy(log_p).item(), cross_entropy(log_p, log_q).item()
    cell = -(x[1] - x[0]).log().item()  # nats of a cell: without them H and NLL are those of densities
    rows = {"NLL = H(p_D) + KL": nll - cell} | dict(reversed(found.items()))
    # bars on the bare figure: axes of their own would take as long as all the rest
    for row, (name, value) in enumerate(rows.items()):
        bottom = 0.19 + 0.115 * row
        _bar(figure, bottom, value, BLUE)
        figure.text(0.73, bottom + 0.045, f"{name}  {value:.2f}", va="center", ha="right", size=13)
    _bar(figure, 0.19, h - cell, "0.75")
    figure.text(0.86, 0.045, "nats (W₁: units of x)", ha="center", size=14)


def _bar(figure: Figure, bottom: float, value: float, colour: str) -> None:
    """A bar of at most 6 units, in parts of the figure."""
    width = 0.24 * min(value, 6.0) / 6.0
    figure.add_artist(
        Rectangle((0.74, bottom), width, 0.09, transform=figure.transFigure, color=colour, lw=0)
    )


def sample_size() -> Explorer:
    """The negative log-likelihood of μ from N samples, beside the one from p_D itself."""
    x = line()
    return Explorer(
        partial(draw_sample_size, x, two_modes(x)),
        title="The negative log-likelihood as a function of μ: from N samples, and exact",
        size=(8, 4.2),
        log10_n=slider(1.0, 5.0, value=1.0, step=0.25, name="log₁₀ N", tooltip="How many samples"),
        seed=slider(0, 20, value=0, tooltip="Which training set was drawn"),
    )


def draw_sample_size(x: Tensor, log_p: Tensor, figure: Figure, *, log10_n: float, seed: int) -> None:
    """Draw E[−log p_μ] and its mean over N samples for every μ, σ fixed at 2, with both minima."""
    n = round(10**log10_n)
    draws = torch.multinomial(log_p.exp(), n, replacement=True, generator=torch.Generator().manual_seed(seed))
    share = torch.bincount(draws, minlength=len(x)).double() / n
    means = torch.linspace(-3, 3, 121).double()
    log_step = (x[1] - x[0]).log()
    nll = -torch.stack([gaussian_on(x, mean, 2.0) for mean in means]) + log_step  # (121, S), of densities
    exact, estimate = nll @ log_p.exp(), nll @ share
    ax = figure.add_axes((0.11, 0.17, 0.86, 0.66))
    gap = (means[estimate.argmin()] - means[exact.argmin()]).item()
    # names in the picture instead of a legend: it would take as long as the curves
    for curve, dash, colour, place, name in (
        (exact, "-", BLUE, 4.0, "exact: E over p_D"),
        (estimate, "--", VERMILLION, 3.8, f"mean over N = {n:,}"),
    ):
        best = int(curve.argmin())
        ax.plot(means, curve, dash, color=colour, marker="o", ms=11, markevery=[best])
        ax.text(0, place, name, color=colour, ha="center", va="center")
    ax.set(ylim=(1.8, 4.2), xticks=(-2, 0, 2), yticks=(2, 3, 4), xlabel="μ", ylabel="NLL in nats")
    ax.set_title(f"the minimum is off by {gap:+.2f}")

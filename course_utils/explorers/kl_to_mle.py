"""The explorers of notebook 04: one family, many distances; and likelihood from a finite sample."""

from math import log

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from course_utils.divergences import cross_entropy, entropy, js, kl, total_variation, wasserstein1_line
from course_utils.explorers.engine import Explorer, slider
from course_utils.plots.canvas import BLUE, VERMILLION
from course_utils.universe import gaussian_on, line, two_modes

NLL = "NLL = H(p_D) + KL"
ROWS = (NLL, "Wasserstein-1", "total variation", "Jensen–Shannon", "reverse KL", "forward KL")


def which_distance() -> Explorer:
    """θ = (μ, σ) of a Gaussian dragged under a mixture with two modes, and five distances read out."""
    x = line()
    log_p, step = two_modes(x), (x[1] - x[0]).item()

    def frame(figure: Figure) -> None:
        ax = figure.add_axes((0.08, 0.16, 0.36, 0.72), xlim=(-7, 7), ylim=(0, 0.85))
        ax.fill_between(x, log_p.exp() / step, color=BLUE, alpha=0.45, lw=0)
        ax.text(-6, 0.78, "area: p_D", color=BLUE, size=14)
        ax.text(-6, 0.71, "line: p_θ", color=VERMILLION, size=14)
        ax.set(xticks=(-4, 0, 4), yticks=(0, 0.8), xlabel="x", ylabel="density")
        for row, name in enumerate(ROWS):
            figure.text(0.665, _height(row), name, va="center", ha="right", size=13)
        figure.text(0.83, 0.045, "nats; W₁: units of x; TV: no unit", ha="center", size=14)

    def draw(figure: Figure, *, mean: float, std: float) -> None:
        log_q = gaussian_on(x, mean, std)
        figure.axes[0].plot(x, log_q.exp() / step, "-", color=VERMILLION)
        cell = -log(step)  # nats of a cell: without them H and NLL are those of densities
        found = distances(log_p, log_q, x) | {NLL: cross_entropy(log_p, log_q).item() - cell}
        # bars on the bare figure: axes of their own would take as long as all the rest
        for row, name in enumerate(ROWS):
            _bar(figure, row, found[name], BLUE)
            figure.text(0.73, _height(row), f"{found[name]:.2f}", va="center", ha="right", size=13)
        _bar(figure, ROWS.index(NLL), entropy(log_p).item() - cell, "0.75")

    return Explorer(
        draw,
        title="A Gaussian under a mixture of two, and five distances between them",
        size=(10, 4.4),
        frame=frame,
        mean=slider(-4.0, 4.0, value=1.0, step=0.1, name="μ", tooltip="The mean of p_θ"),
        std=slider(0.3, 4.0, value=1.0, step=0.1, name="σ", tooltip="The standard deviation of p_θ"),
    )


def distances(log_p: Tensor, log_q: Tensor, x: Tensor) -> dict[str, float]:
    """Five distances between two distributions on a grid x, ``(S,)`` each: KL, JS in nats, W₁ in units of x.

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


def _height(row: int) -> float:
    """The middle of a row of bars, in parts of the figure."""
    return 0.235 + 0.115 * row


def _bar(figure: Figure, row: int, value: float, colour: str) -> None:
    """A bar of at most 6 units, in parts of the figure."""
    width, corner = 0.24 * min(value, 6.0) / 6.0, (0.74, _height(row) - 0.045)
    figure.add_artist(Rectangle(corner, width, 0.09, transform=figure.transFigure, color=colour, lw=0))


def sample_size() -> Explorer:
    """The negative log-likelihood of μ from N samples of p_D, beside the exact one; σ is 2."""
    x = line()
    p, means = two_modes(x).exp(), torch.linspace(-3, 3, 121).double()
    nll = (x[1] - x[0]).log() - torch.stack([gaussian_on(x, mean, 2.0) for mean in means])  # of densities
    exact = nll @ p
    truth = int(exact.argmin())

    def frame(figure: Figure) -> None:
        ax = figure.add_axes((0.11, 0.17, 0.86, 0.66), ylim=(1.8, 4.2))
        ax.plot(means, exact, color=BLUE, marker="o", ms=11, markevery=[truth])
        # names in the picture instead of a legend: it would take as long as the curves
        ax.text(0, 4.0, "exact: E over p_D", color=BLUE, ha="center", va="center")
        ax.set(xticks=(-2, 0, 2), yticks=(2, 3, 4), xlabel="μ", ylabel="NLL in nats")

    def draw(figure: Figure, *, log10_n: float, seed: int) -> None:
        n, (ax,) = round(10**log10_n), figure.axes
        draws = torch.multinomial(p, n, replacement=True, generator=torch.Generator().manual_seed(seed))
        estimate = nll @ torch.bincount(draws, minlength=len(p)).double() / n
        best = int(estimate.argmin())
        ax.plot(means, estimate, "--", color=VERMILLION, marker="o", ms=11, markevery=[best])
        ax.text(0, 3.72, f"mean over N = {n:,}", color=VERMILLION, ha="center", va="center")
        ax.set_title(f"the minimum is off by {(means[best] - means[truth]).item():+.2f}")

    return Explorer(
        draw,
        title="The negative log-likelihood as a function of μ: from N samples, and exact",
        size=(8.5, 3.5),
        frame=frame,
        log10_n=slider(1.0, 5.0, value=1.0, step=0.25, name="log₁₀ N", tooltip="How many samples"),
        seed=slider(0, 20, value=0, tooltip="Which training set was drawn"),
    )

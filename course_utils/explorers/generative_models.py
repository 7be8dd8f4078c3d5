"""The explorers of notebook 03: learning as p_M moving towards p_D, and the temperature of samples."""

from collections.abc import Sequence
from functools import partial

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.checks import check_count
from course_utils.divergences import js, kl, total_variation
from course_utils.explorers.engine import Explorer, slider
from course_utils.models import NADE, Glow
from course_utils.plots.canvas import BLUE, VERMILLION
from course_utils.taxonomy import Flow


def learning(epochs: Sequence[int], samples: Sequence[Tensor], nats: Sequence[float]) -> Explorer:
    """Samples of a model while it learns, beside its held-out negative log-likelihood.

    Args:
        epochs: the epochs at which the model was looked at.
        samples: its samples at each of them, ``(n, C, H, W)``; best drawn from the same random numbers.
        nats: its held-out negative log-likelihood at each of them.

    Raises:
        ValueError: the three are not of the same length, or shorter than 2.
    """
    if not len(epochs) == len(samples) == len(nats) >= 2:
        raise ValueError(
            "learning: expected at least two epochs with samples and nats for each, "
            f"got {len(epochs)}, {len(samples)} and {len(nats)}"
        )
    return Explorer(
        partial(draw_learning, list(epochs), [x.cpu() for x in samples], list(nats)),
        title="Samples of a model while it learns, and its held-out negative log-likelihood",
        size=(9, 4.2),
        frame=partial(frame_learning, list(epochs), list(nats)),
        moment=slider(
            0, len(epochs) - 1, value=len(epochs) - 1, tooltip="Go through the training from start to end"
        ),
    )


def frame_learning(epochs: list[int], nats: list[float], figure: Figure) -> None:
    """Draw the curve of the whole training."""
    figure.add_axes((0.01, 0.02, 0.42, 0.86)).set_axis_off()
    ax = figure.add_axes((0.53, 0.17, 0.44, 0.71))
    ax.plot(epochs, nats, color=BLUE)
    ax.set(xlabel="epoch", ylabel="held-out nats per image")
    ax.locator_params(nbins=4)


def draw_learning(
    epochs: list[int], samples: list[Tensor], nats: list[float], figure: Figure, *, moment: int
) -> None:
    """Draw the samples of one moment, and that moment on the curve."""
    left, right = figure.axes
    plots.images(samples[moment], title=f"samples after epoch {epochs[moment]}", ax=left)
    right.plot(epochs[moment], nats[moment], "o", color=VERMILLION, ms=11)
    right.set_title(f"{nats[moment]:.2f} nats")


def temperature(model: NADE | Glow, *, n: int = 36, seed: int = 0) -> Explorer:
    """Samples of one model at every temperature, always from the same random numbers.

    Args:
        model: what is sampled; its ``sample`` takes a temperature. An autoregressive model divides its
            log-odds by it, a flow multiplies its prior's standard deviations with it.
        n: how many samples.
        seed: of the random numbers.

    Raises:
        ValueError: n is not a positive integer.
    """
    check_count(n, "temperature: n")
    cold, does = (
        ("the prior's centres, decoded", "Multiplies every standard deviation of the prior")
        if isinstance(model, Flow)
        else ("each pixel its likelier value", "Divides every log-odds of the model")
    )
    return Explorer(
        partial(draw_temperature, model, n),
        title=f"Samples at a temperature: towards 0 {cold}, at 1 the model, above 1 noisier",
        size=(6, 5.4),
        frame=frame_temperature,
        temperature=slider(0.05, 2.0, value=1.0, step=0.05, tooltip=does),
        seed=slider(0, 20, value=seed, tooltip="Which random numbers are used"),
    )


def frame_temperature(figure: Figure) -> None:
    """A place for images."""
    figure.add_axes((0.01, 0.01, 0.98, 0.9)).set_axis_off()


def draw_temperature(model: NADE | Glow, n: int, figure: Figure, *, temperature: float, seed: int) -> None:
    """Draw n samples at this temperature."""
    generator = torch.Generator(model.reference.device).manual_seed(seed)
    x = model.sample(n, temperature=temperature, generator=generator).cpu()
    plots.images(x, title=f"temperature {temperature:.2f}", ax=figure.axes[0])


def approach(log_p: Tensor, epochs: Sequence[int], log_qs: Sequence[Tensor]) -> Explorer:
    """p_M over p_D on an enumerated universe while a model learns, with the distances between them.

    Args:
        log_p: log p_D of every state, ``(S,)`` in nats.
        epochs: when the model was looked at.
        log_qs: log p_M of every state at each of these epochs, ``(S,)`` in nats.

    Raises:
        ValueError: epochs and log_qs are not of the same length, or shorter than 2.
    """
    if not len(epochs) == len(log_qs) >= 2:
        raise ValueError(
            f"approach: expected at least two epochs with log_q for each, got {len(epochs)}, {len(log_qs)}"
        )
    return Explorer(
        partial(draw_approach, log_p, list(epochs), list(log_qs)),
        title="The model p_M moves onto p_D while it learns: probabilities of the likeliest states",
        size=(9, 4.2),
        frame=partial(frame_approach, log_p),
        moment=slider(
            0, len(epochs) - 1, value=len(epochs) - 1, tooltip="Go through the training from start to end"
        ),
    )


def frame_approach(log_p: Tensor, figure: Figure) -> None:
    """Draw p_D over its 60 likeliest states."""
    p = log_p.sort(descending=True).values[:60].exp()
    top = 1.3 * float(p[0])
    ax = figure.add_axes((0.11, 0.17, 0.86, 0.69), ylim=(0, top))
    ax.stairs(p, fill=True, color=BLUE, alpha=0.45)
    ax.text(59, 0.93 * top, "area: p_D (the truth)", color=BLUE, ha="right")
    ax.text(59, 0.85 * top, "dots: p_M (the model)", color=VERMILLION, ha="right")
    ax.set(xticks=(0, 20, 40, 60), xlabel="the 60 likeliest states of p_D, likeliest first")
    ax.set_ylabel("probability")
    ax.locator_params(axis="y", nbins=4)


def draw_approach(
    log_p: Tensor, epochs: list[int], log_qs: list[Tensor], figure: Figure, *, moment: int
) -> None:
    """Draw p_M over the 60 likeliest states of p_D; distances are over all states."""
    log_q = log_qs[moment]
    shown = log_p.argsort(descending=True)[:60]
    figure.axes[0].plot(torch.arange(60) + 0.5, log_q[shown].exp(), "o", color=VERMILLION, ms=7)
    distances = f"KL {kl(log_p, log_q):.3f} nats, JS {js(log_p, log_q):.3f} nats"
    title = f"epoch {epochs[moment]}: {distances}, TV {total_variation(log_p, log_q):.3f}"
    figure.axes[0].set_title(title)

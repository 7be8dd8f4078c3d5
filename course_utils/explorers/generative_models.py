"""The explorers of notebook 03: learning as p_M moving towards p_D, and the temperature of samples."""

from collections.abc import Sequence

import torch
from ipywidgets import DOMWidget
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.divergences import js, kl, total_variation
from course_utils.explorers.engine import Explorer, bare, slider
from course_utils.models import NADE, Glow
from course_utils.plots.canvas import BLUE, VERMILLION
from course_utils.taxonomy import Flow

LIKELIEST = 60  # states of a universe that are drawn


def learning(epochs: Sequence[int], samples: Sequence[Tensor], nats: Sequence[float]) -> Explorer:
    """Samples of a model while it learns, beside its held-out negative log-likelihood.

    Args:
        epochs: the epochs at which the model was looked at.
        samples: its samples at each of them, ``(n, C, H, W)``; best drawn from the same random numbers.
        nats: its held-out negative log-likelihood at each of them.

    Raises:
        ValueError: the three are not of the same length, or shorter than 2.
    """
    _check_moments("learning", epochs, samples, nats)

    def frame(figure: Figure) -> None:
        figure.add_axes((0.01, 0.02, 0.42, 0.86)).set_axis_off()
        ax = figure.add_axes((0.53, 0.17, 0.44, 0.71))
        ax.plot(epochs, nats, color=BLUE)
        ax.set(xlabel="epoch", ylabel="held-out nats per image")
        ax.locator_params(nbins=4)

    def draw(figure: Figure, *, moment: int) -> None:
        left, right = figure.axes
        plots.images(samples[moment].cpu(), title=f"samples after epoch {epochs[moment]}", ax=left)
        right.plot(epochs[moment], nats[moment], "o", color=VERMILLION, ms=11)
        right.set_title(f"{nats[moment]:.2f} nats")

    title = "Samples of a model while it learns, and its held-out negative log-likelihood"
    return Explorer(draw, title=title, size=(9, 4.2), frame=frame, moment=_moments(epochs))


def temperature(model: NADE | Glow) -> Explorer:
    """36 samples of one model at every temperature, always from the same random numbers.

    An autoregressive model divides its log-odds by it, a flow multiplies its prior's deviations with it.
    """
    cold, does = (
        ("the prior's centres, decoded", "Multiplies every standard deviation of the prior")
        if isinstance(model, Flow)
        else ("each pixel its likelier value", "Divides every log-odds of the model")
    )

    def draw(figure: Figure, *, temperature: float, seed: int) -> None:
        generator = torch.Generator(model.reference.device).manual_seed(seed)
        x = model.sample(36, temperature=temperature, generator=generator).cpu()
        plots.images(x, columns=12, title=f"temperature {temperature:.2f}", ax=figure.axes[0])

    return Explorer(
        draw,
        title=f"Samples at a temperature: towards 0 {cold}, at 1 the model, above 1 noisier",
        size=(10, 3.0),
        frame=bare((0.01, 0.01, 0.98, 0.87)),
        temperature=slider(0.05, 2.0, value=1.0, step=0.05, tooltip=does),
        seed=slider(0, 20, value=0, tooltip="Which random numbers are used"),
    )


def approach(log_p: Tensor, epochs: Sequence[int], log_qs: Sequence[Tensor]) -> Explorer:
    """p_M over p_D on an enumerated universe while a model learns, with the distances between them.

    Args:
        log_p: log p_D of every state, ``(S,)`` in nats.
        epochs: when the model was looked at.
        log_qs: log p_M of every state at each of these epochs, ``(S,)`` in nats.

    Raises:
        ValueError: epochs and log_qs are not of the same length, or shorter than 2.
    """
    _check_moments("approach", epochs, log_qs)
    shown = log_p.argsort(descending=True)[:LIKELIEST]

    def frame(figure: Figure) -> None:
        p = log_p[shown].exp()
        top = 1.3 * float(p[0])
        ax = figure.add_axes((0.11, 0.17, 0.86, 0.69), ylim=(0, top))
        ax.stairs(p, fill=True, color=BLUE, alpha=0.45)
        ax.text(LIKELIEST - 1, 0.93 * top, "area: p_D (the truth)", color=BLUE, ha="right")
        ax.text(LIKELIEST - 1, 0.85 * top, "dots: p_M (the model)", color=VERMILLION, ha="right")
        ax.set(xlabel=f"the {LIKELIEST} likeliest states of p_D, likeliest first", ylabel="probability")
        ax.locator_params(nbins=4)

    def draw(figure: Figure, *, moment: int) -> None:
        log_q, (ax,) = log_qs[moment], figure.axes
        ax.plot(torch.arange(len(shown)) + 0.5, log_q[shown].exp(), "o", color=VERMILLION, ms=7)
        distances = f"KL {kl(log_p, log_q):.3f} nats, JS {js(log_p, log_q):.3f} nats"
        ax.set_title(f"epoch {epochs[moment]}: {distances}, TV {total_variation(log_p, log_q):.3f}")

    title = "The model p_M moves onto p_D while it learns: probabilities of the likeliest states"
    return Explorer(draw, title=title, size=(9, 4.2), frame=frame, moment=_moments(epochs))


def _check_moments(who: str, epochs: Sequence[int], *looks: Sequence[object]) -> None:
    if len(epochs) < 2 or any(len(each) != len(epochs) for each in looks):
        lengths = ", ".join(str(len(each)) for each in (epochs, *looks))
        raise ValueError(f"{who}: expected at least two epochs, with one look for each, got {lengths}")


def _moments(epochs: Sequence[int]) -> DOMWidget:
    last = len(epochs) - 1
    return slider(0, last, value=last, tooltip="Go through the training from start to end")

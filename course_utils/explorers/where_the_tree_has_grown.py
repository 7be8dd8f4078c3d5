"""The explorers of notebook 20: a flow in time, noise and guess, guidance, pixels uncovered in any order."""

from functools import cache

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.explorers.engine import Explorer, bare, choice, slider
from course_utils.explorers.ffjord import time_of_a_flow
from course_utils.models.any_order import AnyOrder
from course_utils.models.diffusion import Diffusion
from course_utils.models.flow_matching import FlowMatching

__all__ = ["guessed", "guided", "time_of_a_flow", "uncover"]

MOMENTS = 8  # between noise and data
GUIDANCE = (0.0, 1.0, 3.0)
IMAGES = 12
AT_ONCE = (1, 4, 16, 64)


def guessed(model: Diffusion, x: Tensor) -> Explorer:
    """Images, the same in noise of one level, and what a diffusion model guesses is under it: ŷ ≈ E[y | z].

    Args:
        model: of images.
        x: the images, ``(N, C, H, W)`` in [0, 1].

    Raises:
        ValueError: the model is no diffusion of images, or x are none of its images.
    """
    if not isinstance(model, Diffusion) or model.support != "unit":
        raise ValueError(f"guessed: expected Diffusion of images, got {type(model).__name__}")
    y = model.enter(model.check(x).to(model.reference))[0].flatten(1)
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(0)).to(y)

    @torch.no_grad()
    def draw(figure: Figure, *, time: float) -> None:
        signal, spread = model.levels(time)
        z = signal * y + spread * noise
        rows = torch.stack([y, z, model.guesses(z, time)[0]]).view(-1, *model.event_shape)
        title = f"time {time:.2f}: z = {signal.item():.2f} y + {spread.item():.2f} ε"
        pictures = model.enter.inverse(rows).clamp(0, 1).cpu()
        plots.images(pictures, columns=len(y), rows=["y", "z", "guess"], title=title, ax=figure.axes[0])

    return Explorer(
        draw,
        title="Digits, the same in noise, and what the network guesses is under it",
        size=(9, 3.1),
        frame=bare((0.09, 0.01, 0.9, 0.85)),
        time=slider(0.0, 1.0, value=0.4, step=0.05, tooltip="From 0, noise, to 1, data"),
    )


def guided(model: FlowMatching) -> Explorer:
    """One noise for each class, on its way to a digit, without guidance and with more and more of it.

    Raises:
        ValueError: the model is no flow matching of images with classes.
    """
    if not isinstance(model, FlowMatching) or not model.classes or model.support != "unit":
        raise ValueError(f"guided: expected FlowMatching of images with classes, got {type(model).__name__}")
    classes = model.classes
    y = torch.arange(classes, device=model.reference.device)
    noise = torch.randn(classes, *model.event_shape, generator=torch.Generator().manual_seed(0))

    @cache
    def film() -> Tensor:
        """(guidance, moment, class, …): all of it at once, so that a slider need not wait."""
        rows, own = [], model.guidance
        for model.guidance in GUIDANCE:
            rows.append(model.enter.inverse(model.way(noise.to(model.reference), MOMENTS, y)))
        model.guidance = own
        return torch.stack(rows).cpu()

    def draw(figure: Figure, *, time: float) -> None:
        x = film()[:, round(time * MOMENTS)].flatten(0, 1)
        columns, rows = [str(k) for k in range(classes)], [f"w = {w:g}" for w in GUIDANCE]
        title = f"time {time:.3g}: from the same noise in every row"
        plots.images(x, columns=columns, rows=rows, title=title, ax=figure.axes[0])

    return Explorer(
        draw,
        title="Noise becomes the digit that was asked for, with guidance w",
        size=(9, 3.5),
        frame=bare((0.08, 0.01, 0.91, 0.83)),
        time=slider(0.0, 1.0, value=1.0, step=1 / MOMENTS, tooltip="From 0, noise, to 1, digits"),
    )


def uncover(model: AnyOrder) -> Explorer:
    """Images while their pixels are uncovered in random orders, one by one or several at once.

    Raises:
        ValueError: the model is no any-order autoregression in black and white.
    """
    if not isinstance(model, AnyOrder) or model.levels != 2 or len(model.event_shape) != 3:
        raise ValueError(f"uncover: expected AnyOrder of binary images, got {type(model).__name__}")
    D = model.dims
    sizes = [size for size in AT_ONCE if size <= D]

    @cache
    @torch.no_grad()
    def ways(at_once: int, seed: int) -> tuple[Tensor, list[Tensor]]:
        order, u = torch.rand(2, IMAGES, D, generator=torch.Generator().manual_seed(seed)).to(model.reference)
        place = order.argsort(1)
        return place, list(model.uncovered(torch.zeros_like(u), place, u, [*range(0, D, at_once), D]))

    @torch.no_grad()
    def draw(figure: Figure, *, pixels: int, at_once: int, seed: int) -> None:
        place, states = ways(at_once, seed)
        step = min(pixels // at_once, len(states) - 1) if pixels < D else len(states) - 1
        shown = min(step * at_once, D)
        known = (place < shown).view(-1, *model.event_shape)
        x = states[step].view(-1, *model.event_shape)
        grey = torch.where(known, x, model.conditionals(x, known)).cpu()
        title = f"drawn: {shown} of {D} pixels, in {step} step{'s' * (step != 1)}; grey: p(ink) of the others"
        plots.images(grey, columns=IMAGES // 2, title=title, ax=figure.axes[0])

    return Explorer(
        draw,
        title="Pixels uncovered in random orders",
        size=(9, 3.1),
        frame=bare((0.01, 0.01, 0.98, 0.86)),
        pixels=slider(0, D, value=D // 4, tooltip="How many pixels are drawn"),
        at_once=choice(sizes, tooltip="How many of them are drawn in each step"),
        seed=slider(0, 20, value=0, tooltip="Which orders, and which random numbers"),
    )

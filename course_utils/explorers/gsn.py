"""The explorers of notebook 18: the distribution of a chain that denoises, and chains of a GSN."""

from copy import copy
from functools import cache, lru_cache, partial

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.explorers.engine import Explorer, bare, choice, slider
from course_utils.models import GSN
from course_utils.models.denoising import best_pixelwise, denoising_posterior, log_corruption
from course_utils.models.gsn import State
from course_utils.plots.canvas import BLUE, VERMILLION
from course_utils.universe import bars_and_stripes

LONGEST, FARTHEST = 60, 40  # steps of the chain on all images; of a GSN
SHOWN = 12  # chains of a GSN of which one sees the images
EXACT, PIXELWISE = DENOISERS = ("exact", "pixel by pixel")
NOISE, IMAGES = STARTS = ("noise", "images")


def distribution_of_a_chain() -> Explorer:
    """The distribution of a chain on all 3×3 images some steps after the one with all pixels on, over p_D.

    A step corrupts the image and draws another from a denoiser: from P(x | x̃) itself, or from the same
    probabilities of each pixel alone.
    """
    p = bars_and_stripes(3).log_p.exp()
    shown = p.argsort(descending=True, stable=True)[:40]

    def frame(figure: Figure) -> None:
        left = figure.add_axes((0.1, 0.17, 0.46, 0.66))
        left.fill_between(range(1, len(shown) + 1), p[shown], step="mid", color=BLUE, alpha=0.45, lw=0)
        left.set(xlabel="the 40 likeliest images of p_D", title="p_D (area) and the chain (dots)")
        left.set(ylabel="probability", ylim=(0, 0.15), xticks=(1, 14, 40), yticks=(0, 0.05, 0.1))
        right = figure.add_axes((0.7, 0.17, 0.28, 0.66), xlim=(-2, LONGEST + 2), ylim=(-3.1, 0.2))
        right.set(xlabel="steps", ylabel="TV to p_D", xticks=(0, 30, 60))
        right.set_yticks((-3, -2, -1, 0), ("0.001", "0.01", "0.1", "1"))

    def draw(figure: Figure, *, steps: int, noise: float, denoiser: str) -> None:
        ps = along(round(noise, 4), denoiser)
        left, right = figure.axes
        left.plot(range(1, len(shown) + 1), ps[steps][shown], "o", color=VERMILLION, ms=6)
        distances = ((ps - p).abs().sum(1) / 2).clamp_min(1e-9)
        right.plot(distances.log10(), color=BLUE)
        right.plot(steps, distances[steps].log10(), "o", color=VERMILLION, ms=11)
        right.set_title(f"TV = {distances[steps]:.3f}")

    return Explorer(
        draw,
        title="The distribution of a chain that corrupts and denoises, and how far it is from p_D",
        size=(9, 4.2),
        frame=frame,
        steps=slider(0, LONGEST, value=3, tooltip="How many steps the chain has taken from the one image"),
        noise=slider(0.05, 1.0, value=0.3, step=0.05, tooltip="How often a pixel is forgotten"),
        denoiser=choice(list(DENOISERS), tooltip="What draws the next image from the corrupted one"),
    )


@cache
def along(noise: float, denoiser: str) -> Tensor:
    """The distribution of the chain after 0 … 60 steps from the image with all pixels on, ``(61, 512)``."""
    universe = bars_and_stripes(3)
    log_c = log_corruption(universe.states, universe.states, noise)
    posterior = denoising_posterior(universe.log_p, log_c)
    back = posterior if denoiser == EXACT else best_pixelwise(posterior, universe.states)
    C, P = log_c.exp(), back.exp()
    ps = [torch.eye(len(C), dtype=C.dtype)[-1]]
    for _ in range(LONGEST):
        ps.append(ps[-1] @ C @ P)
    return torch.stack(ps)


def walking(model: GSN, x: Tensor) -> Explorer:
    """Chains of a GSN, step after step: the corrupted images, their reconstructions, the images drawn.

    Args:
        model: of images (C, H, W) with one channel or three.
        x: images of its shape, at least 12, from which chains may start.

    Raises:
        ValueError: there are fewer images, or they are none of the model's.
    """
    if len(model.check(x.to(model.reference))) < SHOWN:
        raise ValueError(f"walking: expected at least {SHOWN} images, got {len(x)}")
    walk = lru_cache(4)(partial(walked, model, x[:SHOWN].to(model.reference)))  # it stays while steps change

    def draw(figure: Figure, *, steps: int, noise: float, start: str, seed: int) -> None:
        last = walk(noise, start, seed)[steps - 1]
        pictures = {"corrupted": last.noisy, "reconstructed": last.p, f"drawn in step {steps}": last.x}
        for ax, (title, picture) in zip(figure.axes, pictures.items(), strict=True):
            plots.images(picture.cpu(), columns=4, title=title, ax=ax)

    return Explorer(
        draw,
        title="Twelve chains of a GSN: corrupted, reconstructed, drawn",
        size=(9, 3.0),
        frame=bare(*((0.01 + 0.333 * i, 0.02, 0.31, 0.84) for i in range(3))),
        steps=slider(1, FARTHEST, value=20, tooltip="How many steps the chains have taken"),
        noise=slider(0.05, 0.95, value=model.noise, step=0.05, tooltip="How often a pixel is forgotten"),
        start=choice(list(STARTS), tooltip="Where the chains begin"),
        seed=slider(0, 20, value=0, tooltip="Which random numbers are used"),
    )


def walked(model: GSN, x: Tensor, noise: float, start: str, seed: int) -> list[State]:
    """Every step of chains with a noise from a start, either these images or as many of noise."""
    generator = torch.Generator(x.device).manual_seed(seed)
    model = copy(model)  # the same weights, with another noise
    model.noise = noise
    if start == NOISE:
        x = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device).round()
    return list(model.chain(x, FARTHEST, generator=generator))

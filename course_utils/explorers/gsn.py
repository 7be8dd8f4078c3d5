"""The explorers of notebook 18: the law of a chain that denoises, and the chains of a GSN as they walk."""

from collections.abc import Callable
from copy import copy
from functools import cache, lru_cache, partial
from itertools import islice

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.explorers.engine import Explorer, choice, slider
from course_utils.models import GSN
from course_utils.models.denoising import best_pixelwise, denoising_posterior, log_corruption
from course_utils.models.gsn import State
from course_utils.plots.canvas import BLUE, VERMILLION
from course_utils.universe import bars_and_stripes

LONGEST, FARTHEST = 60, 40  # steps of the chain with a law; of a GSN
SHOWN = 12  # chains of a GSN of which one sees the images
EXACT, PIXELWISE = DENOISERS = ("exact", "pixel by pixel")
NOISE, IMAGES = STARTS = ("noise", "images")


def law_of_a_chain() -> Explorer:
    """The law of a chain on all 3×3 images after some steps from the white one, over p_D.

    A step corrupts the image and draws another from a denoiser: from P(x | x̃) itself, or from the same
    probabilities of each pixel alone.
    """
    return Explorer(
        draw_law,
        title="The law of a chain that corrupts and denoises, and how far it is from the law of the data",
        size=(9, 4.2),
        frame=frame_law,
        steps=slider(0, LONGEST, value=10, tooltip="How many steps the chain has taken from the white image"),
        noise=slider(0.05, 1.0, value=0.3, step=0.05, tooltip="How often a pixel is forgotten"),
        denoiser=choice(list(DENOISERS), tooltip="What draws the next image from the corrupted one"),
    )


@cache
def laws_of(noise: float, denoiser: str) -> Tensor:
    """The laws of the chain after 0 … 60 steps from the white image, ``(61, 512)``."""
    universe = bars_and_stripes(3)
    log_c = log_corruption(universe.states, universe.states, noise)
    posterior = denoising_posterior(universe.log_p, log_c)
    back = posterior if denoiser == EXACT else best_pixelwise(posterior, universe.states)
    C, P = log_c.exp(), back.exp()
    laws = [torch.zeros(len(C), dtype=C.dtype)]
    laws[0][-1] = 1
    for _ in range(LONGEST):
        laws.append(laws[-1] @ C @ P)
    return torch.stack(laws)


@cache
def likeliest() -> tuple[Tensor, Tensor]:
    """p_D, and the numbers of its 40 likeliest images, likeliest first."""
    p = bars_and_stripes(3).log_p.exp()
    return p, p.argsort(descending=True, stable=True)[:40]


def frame_law(figure: Figure) -> None:
    """Draw p_D over its 40 likeliest images, and axes for the distances."""
    p, shown = likeliest()
    left = figure.add_axes((0.1, 0.17, 0.46, 0.66))
    left.fill_between(range(1, len(shown) + 1), p[shown], step="mid", color=BLUE, alpha=0.45, lw=0)
    left.set(xlabel="the 40 likeliest images of p_D", title="p_D (area) and the chain (dots)")
    left.set(ylim=(0, 0.15), xticks=(1, 14, 40), yticks=(0, 0.05, 0.1))
    right = figure.add_axes((0.7, 0.17, 0.28, 0.66), xlim=(-2, LONGEST + 2), ylim=(-3.1, 0.2))
    right.set(xlabel="steps", ylabel="TV to p_D", xticks=(0, 30, 60))
    right.set_yticks((-3, -2, -1, 0), ("0.001", "0.01", "0.1", "1"))


def draw_law(figure: Figure, *, steps: int, noise: float, denoiser: str) -> None:
    """Draw the law over the 40 likeliest images of p_D, and its distance to p_D after every step."""
    p, shown = likeliest()
    laws = laws_of(round(noise, 4), denoiser)
    left, right = figure.axes
    left.plot(range(1, len(shown) + 1), laws[steps][shown], "o", color=VERMILLION, ms=6)
    distances = ((laws - p).abs().sum(1) / 2).clamp_min(1e-9)
    right.plot(distances.log10(), color=BLUE)
    right.plot(steps, distances[steps].log10(), "o", color=VERMILLION, ms=11)
    right.set_title(f"TV = {distances[steps]:.3f}")


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
    run = partial(Run, model, x[:SHOWN].to(model.reference))
    return Explorer(
        partial(draw_walking, lru_cache(4)(run)),  # while steps change, the chains stay
        title="Twelve chains of a GSN: corrupted, reconstructed, drawn",
        size=(9, 3.0),
        frame=frame_walking,
        steps=slider(1, FARTHEST, value=1, tooltip="How many steps the chains have taken"),
        noise=slider(0.05, 0.95, value=model.noise, step=0.05, tooltip="How often a pixel is forgotten"),
        start=choice(list(STARTS), tooltip="Where the chains begin"),
        seed=slider(0, 20, value=0, tooltip="Which random numbers are used"),
    )


class Run:
    """Chains of a GSN at a noise, from a start, with some random numbers; every step is computed once."""

    def __init__(self, model: GSN, x: Tensor, noise: float, start: str, seed: int) -> None:
        generator = torch.Generator(model.reference.device).manual_seed(seed)
        model = copy(model)  # the same weights, with another noise
        model.noise = noise
        if start == NOISE:
            x = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device).round()
        self.coming, self.states = model.chain(x, FARTHEST, generator=generator), []

    def after(self, steps: int) -> State:
        """The state after so many steps."""
        self.states += islice(self.coming, max(0, steps - len(self.states)))
        return self.states[steps - 1]


def frame_walking(figure: Figure) -> None:
    """Three places for images."""
    for i in range(3):
        figure.add_axes((0.01 + 0.333 * i, 0.02, 0.31, 0.84)).set_axis_off()


def draw_walking(
    run: Callable[[float, str, int], Run], figure: Figure, *, steps: int, noise: float, start: str, seed: int
) -> None:
    """Draw the last step of the chains: x̃, the probabilities P(x | h), and x drawn from them."""
    last = run(noise, start, seed).after(steps)
    pictures = {"corrupted": last.noisy, "reconstructed": last.p, f"drawn in step {steps}": last.x}
    for ax, (title, picture) in zip(figure.axes, pictures.items(), strict=True):
        plots.images(picture.cpu(), columns=4, title=title, ax=ax)

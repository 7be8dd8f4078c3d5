"""The explorers of notebook 17: the landscape of an energy, and chains that walk it."""

from dataclasses import dataclass
from functools import partial

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.checks import check_count
from course_utils.explorers.engine import Explorer, choice, slider
from course_utils.plots.canvas import BLACK, BLUE, VERMILLION
from course_utils.taxonomy import ExplicitMarkovChain
from course_utils.universe import all_images, state_index

MOST_PIXELS = 12
SHOWN = 24  # chains of which one sees the images
NOISE, ONE_IMAGE = STARTS = ("noise", "one white image")


def enumerated(model: ExplicitMarkovChain, who: str) -> tuple[Tensor, Tensor]:
    """Every image of a small model and its log p in nats: ``(S, *event_shape)`` and ``(S,)`` float64.

    Raises:
        ValueError: the model has no free energy, or more than 12 pixels.
    """
    if not isinstance(model, ExplicitMarkovChain) or model.dims > MOST_PIXELS:
        got = f"{type(model).__name__} on {getattr(model, 'event_shape', 'nothing')}"
        raise ValueError(
            f"{who}: expected a model with a free energy on at most {MOST_PIXELS} pixels, got {got}"
        )
    states = all_images(1, model.dims).view(-1, *model.event_shape)
    with torch.no_grad():
        log_p = (-model.free_energy(states.to(model.reference)).cpu().double()).log_softmax(0)
    return states, log_p


def landscape(model: ExplicitMarkovChain) -> Explorer:
    """The free energy of every image, lowest first, and the image at any place of that order.

    Args:
        model: over binary images (1, H, W) of at most 12 pixels.

    Raises:
        ValueError: the model has no free energy, or too many pixels.
    """
    states, log_p = enumerated(model, "landscape")
    order = log_p.argsort(descending=True, stable=True)
    return Explorer(
        partial(draw_landscape, states[order], log_p[order]),
        title="The free energy of every image, lowest first, and one of the images",
        size=(9, 4.2),
        frame=partial(frame_landscape, -log_p[order]),
        place=slider(1, len(states), value=1, tooltip="Which image is shown, by rising free energy"),
    )


def frame_landscape(cost: Tensor, figure: Figure) -> None:
    """Draw the curve, and a place for the image."""
    ax = figure.add_axes((0.1, 0.17, 0.52, 0.71))
    ax.plot(torch.arange(1, len(cost) + 1), cost, color=BLUE)
    ax.set_xscale("log")
    ticks = [10**k for k in range(4) if 10**k <= len(cost)]
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.minorticks_off()
    ax.set(xlabel="images by rising free energy", ylabel="F(x) + log Z (nats)")
    figure.add_axes((0.68, 0.08, 0.3, 0.74)).set_axis_off()


def draw_landscape(states: Tensor, log_p: Tensor, figure: Figure, *, place: int) -> None:
    """Draw one place on the curve, and the image that stands there."""
    left, right = figure.axes
    left.plot(place, -log_p[place - 1], "o", color=VERMILLION, ms=11)
    left.set_title(f"the lowest {place:,} share {100 * log_p[:place].exp().sum():.1f} %")
    plots.images(states[place - 1 : place], title=f"p(x) = {100 * log_p[place - 1].exp():.2g} %", ax=right)


@dataclass(frozen=True)
class Walk:
    """Chains from one start: images ``(T + 1, SHOWN, C, H, W)``, and TV to the law after 0 … T steps."""

    images: Tensor
    distances: Tensor


def chains(model: ExplicitMarkovChain, *, longest: int = 60, count: int = 2000) -> Explorer:
    """Many chains at once: the images that they visit, and how far their histogram is from the model's law.

    Args:
        model: over binary images (1, H, W) of at most 12 pixels.
        longest: how many steps can be seen.
        count: how many chains make the histogram.

    Raises:
        ValueError: the model has no free energy or too many pixels, or a count is no positive integer.
    """
    states, log_p = enumerated(model, "chains")
    check_count(longest, "chains: longest")
    check_count(count, "chains: count")
    walks = {start: walk(model, log_p, start, longest, max(count, SHOWN)) for start in STARTS}
    dice = torch.Generator().manual_seed(0)
    perfect = torch.multinomial(log_p.exp(), count, replacement=True, generator=dice)
    floor = distance(states[perfect], log_p)
    return Explorer(
        partial(draw_chains, walks, count),
        title="Chains of Gibbs sampling, and the distance of their histogram to the law of the model",
        size=(9, 4.2),
        frame=partial(frame_chains, floor, longest),
        steps=slider(0, longest, value=0, tooltip="How many steps each chain has taken"),
        start=choice(list(STARTS), tooltip="Where all chains begin"),
    )


def walk(model: ExplicitMarkovChain, log_p: Tensor, start: str, longest: int, count: int) -> Walk:
    """Run the chains from a start, and remember what is shown of every step."""
    dice = torch.Generator(model.reference.device).manual_seed(0)
    x = torch.ones(count, *model.event_shape).to(model.reference)
    if start == NOISE:
        like = {"dtype": x.dtype, "device": x.device}
        x = torch.rand(x.shape, generator=dice, **like).round()
    images, distances = [x[:SHOWN].cpu()], [distance(x, log_p)]
    for _ in range(longest):
        x = model.step(x, generator=dice)
        images.append(x[:SHOWN].cpu())
        distances.append(distance(x, log_p))
    return Walk(torch.stack(images), torch.tensor(distances))


def distance(x: Tensor, log_p: Tensor) -> float:
    """½ Σ |histogram of x − p|."""
    share = torch.bincount(state_index(x).cpu(), minlength=len(log_p)).double() / len(x)
    return float((share - log_p.exp()).abs().sum() / 2)


def frame_chains(floor: float, longest: int, figure: Figure) -> None:
    """Draw the distance that samples of the law itself have, and a place for images."""
    figure.add_axes((0.01, 0.02, 0.46, 0.86)).set_axis_off()
    ax = figure.add_axes((0.58, 0.17, 0.4, 0.71), xlim=(-0.05 * longest, 1.05 * longest), ylim=(0, 1.05))
    ax.axhline(floor, color=BLACK, lw=1.5, ls="--")
    ax.text(longest, floor + 0.03, "samples of p itself", size=12, ha="right", va="bottom")
    ax.set(xlabel="steps", ylabel="total variation")


def draw_chains(walks: dict[str, Walk], count: int, figure: Figure, *, steps: int, start: str) -> None:
    """Draw 24 of the chains after so many steps, and the distance of all of them to the law."""
    now = walks[start]
    left, right = figure.axes
    plots.images(now.images[steps], columns=6, title=f"24 chains after {steps} steps", ax=left)
    right.plot(now.distances, color=BLUE)
    right.plot(steps, now.distances[steps], "o", color=VERMILLION, ms=11)
    right.set_title(f"{count:,} chains: TV {now.distances[steps]:.2f}")

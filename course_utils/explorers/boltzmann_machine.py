"""The explorers of notebook 17: the landscape of an energy, chains that walk it, and chains that fill in."""

from collections.abc import Iterator
from functools import lru_cache

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.explorers.engine import Explorer, bare, choice, slider
from course_utils.plots.canvas import BLACK, BLUE, VERMILLION
from course_utils.taxonomy import ExplicitMarkovChain
from course_utils.universe import all_images, state_index

MOST_PIXELS = 12
LONGEST, CHAINS, SHOWN = 60, 2000, 24  # steps; chains whose histogram is taken; those whose images are seen
NOISE, ONE_IMAGE = STARTS = ("noise", "one image, all pixels on")
UPPER, LEFT, CHESSBOARD = GIVEN = ("upper half", "left half", "chessboard")
ROWS, MOST_STEPS = 3, 100  # chains for each image, and how far they walk
UNKNOWN = 0.3  # the grey of pixels that are not given


def enumerated(model: ExplicitMarkovChain, who: str) -> tuple[Tensor, Tensor]:
    """Every image of a small model and its log p in nats: ``(S, *event_shape)`` and ``(S,)`` float64."""
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

    Raises:
        ValueError: the model has no free energy, or its binary images (1, H, W) have more than 12 pixels.
    """
    states, log_p = enumerated(model, "landscape")
    log_p, order = log_p.sort(descending=True, stable=True)
    states = states[order]

    def frame(figure: Figure) -> None:
        ax = figure.add_axes((0.1, 0.17, 0.52, 0.71))
        ax.plot(torch.arange(1, len(log_p) + 1), -log_p, color=BLUE)
        ax.set_xscale("log")
        ticks = [10**k for k in range(4) if 10**k <= len(log_p)]
        ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        ax.minorticks_off()
        ax.set(xlabel="images by rising free energy", ylabel="F(x) + log Z (nats)")
        figure.add_axes((0.68, 0.08, 0.3, 0.74)).set_axis_off()

    def draw(figure: Figure, *, place: int) -> None:
        left, right = figure.axes
        left.plot(place, -log_p[place - 1], "o", color=VERMILLION, ms=11)
        left.set_title(f"the lowest {place:,} share {100 * log_p[:place].exp().sum():.1f} %")
        share = f"p(x) = {100 * log_p[place - 1].exp():.2g} %"
        plots.images(states[place - 1 : place], title=share, ax=right)

    return Explorer(
        draw,
        title="The free energy of every image, lowest first, and one of the images",
        size=(9, 4.2),
        frame=frame,
        place=slider(1, len(states), value=14, tooltip="Which image is shown, by rising free energy"),
    )


def chains(model: ExplicitMarkovChain) -> Explorer:
    """2,000 chains at once: images that they visit, and how far their histogram is from the model.

    Raises:
        ValueError: the model has no free energy, or its binary images (1, H, W) have more than 12 pixels.
    """
    states, log_p = enumerated(model, "chains")
    generator = torch.Generator().manual_seed(0)
    perfect = torch.multinomial(log_p.exp(), CHAINS, replacement=True, generator=generator)
    baseline = distance(states[perfect], log_p)
    walks = {start: walk(model, log_p, start) for start in STARTS}

    def frame(figure: Figure) -> None:
        figure.add_axes((0.01, 0.02, 0.46, 0.86)).set_axis_off()
        ax = figure.add_axes((0.58, 0.17, 0.4, 0.71), xlim=(-3, LONGEST + 3), ylim=(0, 1.05))
        ax.axhline(baseline, color=BLACK, lw=1.5, ls="--")
        ax.text(LONGEST, baseline - 0.01, "exact samples", size=12, ha="right", va="top")
        ax.set(xlabel="steps", ylabel="TV to the model")

    def draw(figure: Figure, *, steps: int, start: str) -> None:
        images, distances = walks[start]
        left, right = figure.axes
        plots.images(images[steps], columns=6, title=f"24 chains after {steps} steps", ax=left)
        right.plot(distances, color=BLUE)
        right.plot(steps, distances[steps], "o", color=VERMILLION, ms=11)
        right.set_title(f"{CHAINS:,} chains: TV {distances[steps]:.2f}")

    return Explorer(
        draw,
        title="Chains of Gibbs sampling, and the distance of their histogram to the model's distribution",
        size=(9, 4.2),
        frame=frame,
        steps=slider(0, LONGEST, value=10, tooltip="How many steps each chain has taken"),
        start=choice(list(STARTS), value=ONE_IMAGE, tooltip="Where all chains begin"),
    )


def walk(model: ExplicitMarkovChain, log_p: Tensor, start: str) -> tuple[Tensor, Tensor]:
    """Images after 0 … T steps from a start, ``(T + 1, 24, …)``, and TV to the model, ``(T + 1,)``."""
    like = model.reference
    generator = torch.Generator(like.device).manual_seed(0)
    x = torch.ones(CHAINS, *model.event_shape).to(like)
    if start == NOISE:
        x = torch.rand(x.shape, generator=generator, dtype=like.dtype, device=like.device).round()
    visited = [x]
    for _ in range(LONGEST):
        visited.append(model.step(visited[-1], generator=generator))
    images = torch.stack([x[:SHOWN].cpu() for x in visited])
    return images, torch.tensor([distance(x, log_p) for x in visited])


def distance(x: Tensor, log_p: Tensor) -> float:
    """½ Σ |histogram of x − p|."""
    share = torch.bincount(state_index(x).cpu(), minlength=len(log_p)).double() / len(x)
    return float((share - log_p.exp()).abs().sum() / 2)


def filling_in(model: ExplicitMarkovChain, x: Tensor) -> Explorer:
    """Chains that hold a part of each image as it is and draw the rest: the part and the steps by choice.

    Args:
        model: of binary images with one channel.
        x: images of its shape, at most 12.

    Raises:
        ValueError: there are more images, or they are none of the model's.
    """
    if len(model.check(x.to(model.reference))) > SHOWN // 2:
        raise ValueError(f"filling_in: expected at most {SHOWN // 2} images, got {len(x)}")

    @lru_cache(len(GIVEN))
    def walks(given: str) -> tuple[Tensor, list[Tensor]]:
        kept = part(x, given).to(model.reference.device)
        start = x.to(model.reference).repeat(ROWS, 1, 1, 1)
        return kept.cpu(), [image.cpu() for image in holding(model, start, kept, MOST_STEPS)]

    def draw(figure: Figure, *, steps: int, given: str) -> None:
        kept, images = walks(given)
        rows = ["given", *(f"chain {k}" for k in range(1, ROWS + 1))]
        tiles = torch.cat([torch.where(kept, x.cpu(), UNKNOWN), images[steps]])
        title = f"after {steps} steps; grey pixels are not given"
        plots.images(tiles, columns=len(x), rows=rows, title=title, ax=figure.axes[0])

    return Explorer(
        draw,
        title="Chains that hold a part of each digit and draw the rest",
        size=(9, 4.0),
        frame=bare((0.11, 0.01, 0.88, 0.89)),
        steps=slider(0, MOST_STEPS, value=50, tooltip="How many steps each chain has taken"),
        given=choice(list(GIVEN), tooltip="Which pixels stay as they are"),
    )


def part(x: Tensor, given: str) -> Tensor:
    """Which pixels of images ``(N, C, H, W)`` are given: True or False, ``(H, W)``."""
    H, W = x.shape[-2:]
    row, column = torch.arange(H)[:, None], torch.arange(W)
    masks = {UPPER: (row < H // 2).expand(H, W), LEFT: (column < W // 2).expand(H, W)}
    return masks.get(given, (row + column) % 2 == 0)


def holding(model: ExplicitMarkovChain, x: Tensor, kept: Tensor, steps: int) -> Iterator[Tensor]:
    """Chains that start at noise, as dark as x, and hold the kept pixels of x: the images of 0 … T steps.

    Of a model whose pixels are drawn independently, given what it draws them from, these are Gibbs chains
    whose stationary distribution is p(all other pixels | kept pixels).
    """
    generator = torch.Generator(x.device).manual_seed(0)
    noise = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device) < x.mean()
    yield (image := torch.where(kept, x, noise.to(x)))
    for _ in range(steps):
        yield (image := torch.where(kept, x, model.step(image, generator=generator)))

"""The explorers of notebook 11: what a pixel sees, and an image as it is drawn pixel by pixel."""

from functools import cache, lru_cache, partial
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from course_utils.checks import check_count
from course_utils.explorers.engine import Explorer, choice, slider
from course_utils.models import PixelCNN, PixelRNN
from course_utils.plots.canvas import BLUE, ORANGE, VERMILLION
from course_utils.taxonomy import Autoregressive

NETWORKS = ("PixelCNN", "gated PixelCNN", "Row LSTM", "Diagonal BiLSTM")
LATER = "#D0D0D0"
MEANINGS = {"still to come": LATER, "not seen": ORANGE, "seen": BLUE, "the pixel": VERMILLION}
SEEDS = 21


def seen_from(model: Autoregressive, row: int, column: int, *, n: int = 16) -> Tensor:
    """Which pixels the logits of one pixel depend on, by the gradient at n random images: ``(H, W)``.

    Args:
        model: a model over images with ``logits`` ``(B, C, H, W, K)``.
        row, column: the pixel.
        n: how many images.

    >>> seen_from(PixelCNN((1, 3, 3), first_kernel=3, blocks=1, hidden=4), 1, 1).int().tolist()
    [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    """
    return depends(*asked(model, n), row, column)


def asked(model: Any, n: int) -> tuple[Tensor, Tensor]:
    """Random images ``(n, C, H, W)``, and the logits of the model there, ready for gradients."""
    dice = torch.Generator(model.reference.device).manual_seed(0)
    like = {"dtype": model.reference.dtype, "device": model.reference.device}
    x = torch.rand(n, *model.event_shape, generator=dice, **like).requires_grad_()
    with torch.enable_grad():
        return x, model.logits(x)


def depends(x: Tensor, logits: Tensor, row: int, column: int) -> Tensor:
    """On which pixels of x the logits of one depend: ``(H, W)``."""
    (gradient,) = torch.autograd.grad(logits[:, :, row, column].sum(), x, retain_graph=True)
    return (gradient != 0).flatten(0, 1).any(0).cpu()


def receptive_field(side: int = 8, *, row: int = 6, column: int = 3) -> Explorer:
    """What a pixel sees of those before it, in four networks of any depth, all kernels 3 wide.

    Args:
        side: of the image.
        row, column: the pixel to begin with.

    Raises:
        ValueError: the pixel lies outside the image.
    """
    if not 0 <= row < check_count(side, "receptive_field: side") or not 0 <= column < side:
        raise ValueError(f"receptive_field: expected a pixel inside {side}×{side}, got ({row}, {column})")
    return Explorer(
        partial(draw_receptive_field, side),
        title="What one pixel sees of the pixels before it, by the gradient of its logit",
        size=(7, 5.4),
        frame=partial(frame_receptive_field, side),
        network=choice(list(NETWORKS), tooltip="Which network computes the logit"),
        layers=slider(1, 8, value=6, tooltip="How many layers the network has"),
        row=slider(0, side - 1, value=row, tooltip="The row of the pixel, from the top"),
        column=slider(0, side - 1, value=column, tooltip="The column of the pixel, from the left"),
    )


def build(name: str, side: int, layers: int) -> Autoregressive:
    """A small untrained network of this kind; a first masked layer counts as one of the layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        shape, small = (1, side, side), {"hidden": 6, "first_kernel": 3}
        if name in NETWORKS[:2]:
            return PixelCNN(shape, gated=name == NETWORKS[1], blocks=layers, **small).double().eval()
        kind = "row" if name == NETWORKS[2] else "diagonal"
        return PixelRNN(shape, kind=kind, layers=layers, **small).double().eval()


@lru_cache(1)  # while a pixel moves, its network stays
def asked_of(network: str, side: int, layers: int) -> tuple[Tensor, Tensor]:
    """Random images and the answers of a network of this kind."""
    return asked(build(network, side, layers), 16)


@cache
def seen(network: str, side: int, layers: int, row: int, column: int) -> Tensor:
    """Which pixels one pixel sees in a network of this kind: ``(side, side)``."""
    return depends(*asked_of(network, side, layers), row, column)


def frame_receptive_field(side: int, figure: Figure) -> None:
    """Say what the colours are, beside a place for the image."""
    figure.add_axes((0.03, 0.02, 0.6, 0.86), xlim=(0, side), ylim=(side, 0), aspect="equal").set_axis_off()
    for line, (name, colour) in enumerate(MEANINGS.items()):
        figure.text(0.67, 0.4 + 0.07 * line, "■", color=colour, size=18)
        figure.text(0.72, 0.4 + 0.07 * line, name)


def draw_receptive_field(
    side: int, figure: Figure, *, network: str, layers: int, row: int, column: int
) -> None:
    """Draw the image with the pixel, what it sees, what it misses, and what is still to come."""
    looks = seen(network, side, layers, row, column)
    place = row * side + column
    before = torch.arange(side * side).view(side, side) < place
    (ax,) = figure.axes
    ax.pcolormesh(
        before.int() + (before & looks).int(),
        cmap=ListedColormap([LATER, ORANGE, BLUE]),
        vmin=0,
        vmax=2,
        edgecolor="white",
    )
    ax.add_patch(Rectangle((column, row), 1, 1, facecolor=VERMILLION, edgecolor="black", lw=2))
    missed = int((before & ~looks).sum())
    ax.set_title(f"{network}: {missed} of {place} pixels unseen", x=0, ha="left")


def drawing(model: Autoregressive, *, seed: int = 0) -> Explorer:
    """An image as the model draws it, and the probability that it gave to each pixel before drawing it.

    Args:
        model: over binary images (1, H, W).
        seed: of the random numbers to begin with.

    Raises:
        ValueError: the model's images are not binary with one channel.
    """
    if model.support != "binary" or len(model.event_shape) != 3 or model.event_shape[0] != 1:
        raise ValueError(
            f"drawing: expected a model of binary images (1, H, W), got {type(model).__name__} "
            f"on {model.event_shape} with support {model.support!r}"
        )
    return Explorer(
        partial(draw_drawing, *drawn(model, SEEDS)),
        title="An image drawn pixel by pixel, and the probabilities that decided",
        size=(9, 4.6),
        frame=partial(frame_drawing, model.event_shape[1:]),
        pixels=slider(0, model.dims, value=model.dims // 2, tooltip="How many pixels are drawn"),
        seed=slider(0, SEEDS - 1, value=seed, tooltip="Which random numbers are used"),
    )


@torch.no_grad()
def drawn(model: Autoregressive, n: int) -> tuple[Tensor, Tensor]:
    """Images ``(n, H, W)`` of the model, and p(white) of each of their pixels given those before."""
    x = model.sample(n, generator=torch.Generator(model.reference.device).manual_seed(0))
    return x[:, 0].cpu(), model.conditionals(x)[:, 0].cpu()


def frame_drawing(shape: tuple[int, int], figure: Figure) -> None:
    """Two places for images on the paper's colour, and the scale of their greys."""
    height, width = shape
    limits = {"xlim": (-0.5, width - 0.5), "ylim": (height - 0.5, -0.5), "aspect": "equal"}
    for left in (0.02, 0.48):
        figure.add_axes((left, 0.03, 0.42, 0.84), facecolor="#BFD7EA", xticks=[], yticks=[], **limits)
    place = figure.add_axes((0.92, 0.1, 0.02, 0.7))
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), "gray"), cax=place, ticks=[0, 0.5, 1])
    bar.ax.tick_params(labelsize=12)


def draw_drawing(xs: Tensor, ps: Tensor, figure: Figure, *, pixels: int, seed: int) -> None:
    """Draw the image so far, and p(white) of each pixel so far and of the next."""
    x, p = xs[seed], ps[seed]
    (height, side), total = x.shape, x.numel()
    known = (torch.arange(total) < pixels).view(height, side)
    upcoming = (torch.arange(total) <= pixels).view(height, side)
    panels = figure.axes[:2]
    show(panels[0], x, known)
    panels[0].set_title(f"{pixels} of {total} pixels drawn")
    show(panels[1], p, upcoming)
    if pixels < total:
        row, column = divmod(pixels, side)
        for ax in panels:
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec=VERMILLION, lw=4))
        panels[1].set_title(f"p(next pixel is white) = {p[row, column]:.2f}")
    else:
        panels[1].set_title("p(white) of every pixel")


def show(ax: Axes, values: Tensor, known: Tensor) -> None:
    """Show values in [0, 1] as grey where they are known; elsewhere the paper's colour."""
    shown = values.masked_fill(~known, float("nan"))
    ax.imshow(shown.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")

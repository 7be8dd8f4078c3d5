"""The explorers of notebook 11: what a pixel sees, and an image as it is drawn pixel by pixel."""

from collections.abc import Callable
from functools import cache, partial

import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from course_utils.checks import check_count
from course_utils.explorers.base import Explorer
from course_utils.explorers.controls import choice, slider
from course_utils.models import PixelCNN, PixelRNN
from course_utils.plots.canvas import BLUE, ORANGE, VERMILLION
from course_utils.taxonomy import Autoregressive

NETWORKS = ("PixelCNN", "gated PixelCNN", "Row LSTM", "Diagonal BiLSTM")
LATER = "#D0D0D0"


def seen_from(model: Autoregressive, row: int, column: int, *, n: int = 16) -> Tensor:
    """Which pixels the logits of one pixel depend on, by the gradient at n random images: ``(H, W)``.

    Args:
        model: a model over images with ``logits`` ``(B, C, H, W, K)``.
        row, column: the pixel.
        n: how many images.

    >>> seen_from(PixelCNN((1, 3, 3), first_kernel=3, blocks=1, hidden=4), 1, 1).int().tolist()
    [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    """
    dice = torch.Generator(model.reference.device).manual_seed(0)
    like = {"dtype": model.reference.dtype, "device": model.reference.device}
    x = torch.rand(n, *model.event_shape, generator=dice, **like).requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(model.logits(x)[:, :, row, column].sum(), x)
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


def draw_receptive_field(
    side: int, figure: Figure, *, network: str, layers: int, row: int, column: int
) -> None:
    """Draw the image with the pixel, what it sees, what it misses, and what is still to come."""
    looks = seen_from(build(network, side, layers), row, column)
    place = row * side + column
    before = torch.arange(side * side).view(side, side) < place
    ax = figure.add_axes((0.03, 0.02, 0.6, 0.86))
    names = {"still to come": LATER, "not seen": ORANGE, "seen": BLUE, "the pixel": VERMILLION}
    ax.pcolormesh(
        before.int() + (before & looks).int(),
        cmap=ListedColormap([LATER, ORANGE, BLUE]),
        vmin=0,
        vmax=2,
        edgecolor="white",
    )
    ax.add_patch(Rectangle((column, row), 1, 1, facecolor=VERMILLION, edgecolor="black", lw=2))
    ax.set(xlim=(0, side), ylim=(side, 0), aspect="equal")
    ax.set_axis_off()
    missed = int((before & ~looks).sum())
    ax.set_title(f"{network}: {missed} of {place} pixels unseen", loc="left")
    for line, (name, colour) in enumerate(names.items()):
        figure.text(0.67, 0.4 + 0.07 * line, "■", color=colour, size=18)
        figure.text(0.72, 0.4 + 0.07 * line, name)


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
        partial(draw_drawing, cache(partial(drawn, model))),
        title="An image drawn pixel by pixel, and the probabilities that decided",
        size=(9, 4.6),
        pixels=slider(0, model.dims, value=model.dims // 2, tooltip="How many pixels are drawn"),
        seed=slider(0, 20, value=seed, tooltip="Which random numbers are used"),
    )


@torch.no_grad()
def drawn(model: Autoregressive, seed: int) -> tuple[Tensor, Tensor]:
    """The image ``(H, W)`` of these random numbers, and p(white) of each pixel given those before."""
    x = model.sample(1, generator=torch.Generator(model.reference.device).manual_seed(seed))
    return x[0, 0].cpu(), model.conditionals(x)[0, 0].cpu()


def draw_drawing(
    draw: Callable[[int], tuple[Tensor, Tensor]], figure: Figure, *, pixels: int, seed: int
) -> None:
    """Draw the image so far, and p(white) of each pixel so far and of the next."""
    x, p = draw(seed)
    (height, side), total = x.shape, x.numel()
    known = (torch.arange(total) < pixels).view(height, side)
    upcoming = (torch.arange(total) <= pixels).view(height, side)
    panels = figure.add_axes((0.02, 0.03, 0.42, 0.84)), figure.add_axes((0.48, 0.03, 0.42, 0.84))
    show(panels[0], x, known)
    panels[0].set_title(f"{pixels} of {total} pixels drawn")
    image = show(panels[1], p, upcoming)
    if pixels < total:
        row, column = divmod(pixels, side)
        for ax in panels:
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec=VERMILLION, lw=4))
        panels[1].set_title(f"p(next pixel is white) = {p[row, column]:.2f}")
    else:
        panels[1].set_title("p(white) of every pixel")
    bar = figure.colorbar(image, cax=figure.add_axes((0.92, 0.1, 0.02, 0.7)), ticks=[0, 0.5, 1])
    bar.ax.tick_params(labelsize=12)


def show(ax: Axes, values: Tensor, known: Tensor) -> object:
    """Show values in [0, 1] as grey where they are known; elsewhere the paper's colour."""
    ax.set_facecolor("#BFD7EA")
    ax.set(xticks=[], yticks=[])
    shown = values.masked_fill(~known, float("nan"))
    return ax.imshow(shown.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")

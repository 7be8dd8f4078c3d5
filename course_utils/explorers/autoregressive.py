"""The explorers of notebook 11: what a pixel sees, and an image as it is drawn pixel by pixel."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from torch import Tensor

from course_utils.explorers.engine import Explorer, choice, slider
from course_utils.models import PixelCNN, PixelRNN
from course_utils.plots.canvas import BLUE, ORANGE, VERMILLION
from course_utils.taxonomy import Autoregressive

SMALL: dict[str, Any] = {"hidden": 6, "first_kernel": 3}
NETWORKS: dict[str, Callable[..., Autoregressive]] = {
    "PixelCNN": lambda shape, n: PixelCNN(shape, blocks=n, **SMALL),
    "gated PixelCNN": lambda shape, n: PixelCNN(shape, blocks=n, gated=True, **SMALL),
    "Row LSTM": lambda shape, n: PixelRNN(shape, layers=n, kind="row", **SMALL),
    "Diagonal BiLSTM": lambda shape, n: PixelRNN(shape, layers=n, kind="diagonal", **SMALL),
}
MEANINGS = {"still to come": "#D0D0D0", "not seen": ORANGE, "seen": BLUE, "the pixel": VERMILLION}
UNKNOWN = "#BFD7EA"
SIDE, SEEDS = 8, 21


def seen_from(model: Autoregressive, row: int, column: int) -> Tensor:
    """Which pixels the logits of one pixel depend on, by the gradient at 16 random images: ``(H, W)``.

    Args:
        model: a model over images with ``logits`` ``(B, C, H, W, K)``.
        row, column: the pixel.

    >>> seen_from(PixelCNN((1, 3, 3), first_kernel=3, blocks=1, hidden=4), 1, 1).int().tolist()
    [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    """
    return depends(*evaluated(model), row, column)


def evaluated(model: Any) -> tuple[Tensor, Tensor]:
    """Random images ``(16, C, H, W)``, and the logits of the model there, ready for gradients."""
    device = model.reference.device
    generator = torch.Generator(device).manual_seed(0)
    x = torch.rand(16, *model.event_shape, generator=generator, dtype=model.reference.dtype, device=device)
    with torch.enable_grad():
        return x.requires_grad_(), model.logits(x)


def depends(x: Tensor, logits: Tensor, row: int, column: int) -> Tensor:
    """On which pixels of x the logits of one depend: ``(H, W)``."""
    (gradient,) = torch.autograd.grad(logits[:, :, row, column].sum(), x, retain_graph=True)
    return (gradient != 0).flatten(0, 1).any(0).cpu()


@lru_cache(1)  # while a pixel moves, its network stays
def evaluated_network(network: str, side: int, layers: int) -> tuple[Tensor, Tensor]:
    """Random images and the logits of an untrained network, whose first masked layer is one of the layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return evaluated(NETWORKS[network]((1, side, side), layers).double().eval())


@cache
def seen(network: str, side: int, layers: int, row: int, column: int) -> Tensor:
    """Which pixels one pixel sees in a network of this kind: ``(side, side)``."""
    return depends(*evaluated_network(network, side, layers), row, column)


def receptive_field() -> Explorer:
    """What a pixel of 8×8 sees of those before it, in four networks of any depth, all kernels 3 wide."""

    def frame(figure: Figure) -> None:
        image = figure.add_axes((0.03, 0.02, 0.6, 0.86), xlim=(0, SIDE), ylim=(SIDE, 0), aspect="equal")
        image.set_axis_off()
        squares = [Patch(color=colour, label=name) for name, colour in MEANINGS.items()]
        figure.legend(handles=squares, loc=(0.66, 0.38), fontsize=14, handlelength=1)

    def draw(figure: Figure, *, network: str, layers: int, row: int, column: int) -> None:
        (ax,) = figure.axes
        place = row * SIDE + column
        before = torch.arange(SIDE * SIDE).view(SIDE, SIDE) < place
        kinds = before.int() + (before & seen(network, SIDE, layers, row, column)).int()
        colours = ListedColormap([*MEANINGS.values()][:3])
        ax.pcolormesh(kinds, cmap=colours, vmin=0, vmax=2, edgecolor="white")
        ax.add_patch(Rectangle((column, row), 1, 1, facecolor=VERMILLION, edgecolor="black", lw=2))
        ax.set_title(f"{network}: {int((kinds == 1).sum())} of {place} pixels unseen", x=0, ha="left")

    return Explorer(
        draw,
        frame=frame,
        title="What one pixel sees of the pixels before it, by the gradient of its logit",
        size=(7, 4.2),
        network=choice(list(NETWORKS), tooltip="Which network computes the logit"),
        layers=slider(1, 8, value=6, tooltip="How many layers the network has"),
        row=slider(0, SIDE - 1, value=6, tooltip="The row of the pixel, from the top"),
        column=slider(0, SIDE - 1, value=3, tooltip="The column of the pixel, from the left"),
    )


def drawing(model: Autoregressive) -> Explorer:
    """An image as the model draws it, and the probability that it gave to each pixel before drawing it.

    Args:
        model: over binary images (1, H, W). One with classes is asked for each in turn, seed by seed.

    Raises:
        ValueError: the model's images are not binary with one channel.
    """
    if model.support != "binary" or len(model.event_shape) != 3 or model.event_shape[0] != 1:
        got = f"{type(model).__name__} on {model.event_shape} with support {model.support!r}"
        raise ValueError(f"drawing: expected a model of binary images (1, H, W), got {got}")
    device, classes = model.reference.device, getattr(model, "classes", None)
    asked = {"y": torch.arange(SEEDS, device=device) % classes} if classes else {}
    x = model.sample(SEEDS, generator=torch.Generator(device).manual_seed(0), **asked)
    with torch.no_grad():
        images, probabilities = x[:, 0].cpu(), model.conditionals(x, **asked)[:, 0].cpu()
    _, height, width = model.event_shape
    raster = torch.arange(height * width).view(height, width)

    def frame(figure: Figure) -> None:
        for left in (0.02, 0.48):
            ax = figure.add_axes((left, 0.03, 0.42, 0.84), facecolor=UNKNOWN, xticks=[], yticks=[])
            ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
        scale = figure.add_axes((0.92, 0.1, 0.02, 0.7))
        figure.colorbar(ScalarMappable(Normalize(0, 1), "Greys"), cax=scale, ticks=[0, 0.5, 1])
        scale.tick_params(labelsize=12)

    def draw(figure: Figure, *, pixels: int, seed: int) -> None:
        p, titles = probabilities[seed], [f"{pixels} of {model.dims} pixels drawn", "p(ink) of every pixel"]
        if pixels < model.dims:
            titles[1] = f"p(next pixel is ink) = {p.flatten()[pixels]:.2f}"
        for k, values in enumerate((images[seed], p)):
            ax, shown = figure.axes[k], values.masked_fill(raster >= pixels + k, torch.nan)
            ax.imshow(shown.numpy(), cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
            ax.set_title(titles[k])
            if pixels < model.dims:
                corner = pixels % width - 0.5, pixels // width - 0.5
                ax.add_patch(Rectangle(corner, 1, 1, fill=False, ec=VERMILLION, lw=4))

    return Explorer(
        draw,
        frame=frame,
        title="An image drawn pixel by pixel, and the probabilities that decided",
        size=(8, 3.9),
        pixels=slider(0, model.dims, value=(model.dims + width) // 2, tooltip="How many pixels are drawn"),
        seed=slider(0, SEEDS - 1, value=0, tooltip="Which random numbers are used"),
    )

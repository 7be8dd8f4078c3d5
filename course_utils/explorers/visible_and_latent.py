"""The explorer of notebook 09: what changes when one pixel changes, and when one hidden number does."""

import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from course_utils.explorers.engine import Explorer, slider
from course_utils.models import VAE
from course_utils.plots.canvas import VERMILLION
from course_utils.taxonomy import Autoregressive

HALF, CHANGES = 0.5, "RdBu_r"  # the largest change that has a colour of its own, and the colours


def downstream(visible: Autoregressive, hidden: VAE, x: Tensor) -> Explorer:
    """Flip one pixel of a fully visible model, or move one number of a code: what becomes of p(ink)?

    Args:
        visible: over binary images (1, H, W).
        hidden: a VAE of the same images, without classes.
        x: images ``(N, 1, H, W)``, at least two.

    Raises:
        ValueError: the models differ in shape, or x is no batch of at least two of their images.
    """
    if visible.event_shape != hidden.event_shape or len(visible.check(x.to(visible.reference))) < 2:
        got = f"{visible.event_shape}, {hidden.event_shape} and {len(x)} images"
        raise ValueError(f"downstream: expected two models of one shape and at least 2 images, got {got}")
    with torch.no_grad():
        codes = hidden.encode(x.to(hidden.reference)).mean
    used = codes.var(0).argsort(descending=True, stable=True).tolist()
    _, height, width = visible.event_shape

    def frame(figure: Figure) -> None:
        limits = {"xlim": (-0.5, width - 0.5), "ylim": (height - 0.5, -0.5), "aspect": "equal"}
        for i, paper in enumerate(("white", "0.8", "0.8")):  # grey is exactly no change
            ax = figure.add_axes((0.01 + 0.293 * i, 0.03, 0.28, 0.8), facecolor=paper)
            ax.set(xticks=[], yticks=[], **limits)
            ax.spines[:].set_visible(True)
        figure.axes[0].set_title("the image")
        place = figure.add_axes((0.884, 0.115, 0.015, 0.63))
        colours = ScalarMappable(Normalize(-HALF, HALF), CHANGES)
        bar = figure.colorbar(colours, cax=place, ticks=[-HALF, 0, HALF])
        bar.ax.tick_params(labelsize=12)
        bar.set_label(f"change of p(ink), cut at ±{HALF}", size=12)

    def draw(figure: Figure, *, image: int, pixel: int, number: int, move: float) -> None:
        one, axes = x[image - 1 : image], figure.axes[:3]
        axes[0].imshow(one[0, 0].cpu().numpy(), cmap="gray_r", vmin=0, vmax=1)
        of_pixel = effect_of_pixel(visible, one.to(visible.reference), pixel - 1)
        of_code = effect_of_code(hidden, codes[image - 1 : image], used[number - 1], move)
        titles = f"pixel {pixel} flipped:", f"number {number} of z, {move:+.2f}:"
        for ax, title, change in zip(axes[1:], titles, (of_pixel, of_code), strict=True):
            shown = change.masked_fill(change == 0, float("nan"))  # there the grey shows through
            ax.imshow(shown.numpy(), cmap=CHANGES, vmin=-HALF, vmax=HALF, interpolation="nearest")
            ax.set_title(f"{title}\n{int((change != 0).sum())} of {change.numel()} pixels change")
        row, column = divmod(pixel - 1, width)
        for ax in axes[:2]:
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec=VERMILLION, lw=3))

    return Explorer(
        draw,
        frame=frame,
        title="What follows from one pixel flipped, and from one hidden number moved",
        size=(9, 4.0),
        image=slider(1, min(20, len(x)), value=1, tooltip="Which image it is"),
        pixel=slider(1, visible.dims, value=visible.dims // 3, tooltip="Which pixel is flipped"),
        number=slider(1, len(used), value=1, tooltip="Which number of the code is moved, most used first"),
        move=slider(-3.0, 3.0, value=2.0, step=0.25, tooltip="How far it is moved"),
    )


@torch.no_grad()
def effect_of_pixel(visible: Autoregressive, x: Tensor, pixel: int) -> Tensor:
    """The change of every p(x_j = 1 | x_{<j}) when one pixel of x ``(1, 1, H, W)`` is flipped: ``(H, W)``."""
    flipped = x.clone()
    flipped.view(-1)[pixel] = 1 - flipped.view(-1)[pixel]
    return (visible.conditionals(flipped) - visible.conditionals(x))[0, 0].cpu()


@torch.no_grad()
def effect_of_code(hidden: VAE, z: Tensor, number: int, move: float) -> Tensor:
    """The change of every p(x_j = 1 | z) when one number of the code z ``(1, K)`` is moved: ``(H, W)``."""
    moved = z.clone()
    moved[0, number] += move
    return (hidden.decode(moved).mean - hidden.decode(z).mean)[0, 0].cpu()

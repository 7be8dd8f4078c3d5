"""The explorer of notebook 09: what changes when one pixel changes, and when one hidden number does."""

from functools import partial

import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from course_utils.explorers.engine import Explorer, slider
from course_utils.models import VAE
from course_utils.plots.canvas import VERMILLION
from course_utils.taxonomy import Autoregressive

HALF, CHANGES = 0.5, "RdBu_r"  # the largest change that is told apart, and the colours


def downstream(visible: Autoregressive, hidden: VAE, x: Tensor) -> Explorer:
    """Turn one pixel of a fully visible model, or move one number of a code: what becomes of p(white)?

    Args:
        visible: over binary images (1, H, W).
        hidden: a VAE of the same images, without classes.
        x: images ``(N, 1, H, W)``, at least two.

    Raises:
        ValueError: the models differ in shape, or x is no batch of at least two of their images.
    """
    if visible.event_shape != hidden.event_shape or len(visible.check(x.to(visible.reference))) < 2:
        raise ValueError(
            f"downstream: expected two models of one shape and at least 2 images, got "
            f"{visible.event_shape}, {hidden.event_shape} and {len(x)} images"
        )
    with torch.no_grad():
        codes = hidden.encode(x.to(hidden.reference)).mean
    used = codes.var(0).argsort(descending=True, stable=True).tolist()
    _, height, width = visible.event_shape
    return Explorer(
        partial(draw_downstream, visible, hidden, x, codes, used),
        title="What follows from one pixel turned, and from one hidden number moved",
        size=(9, 4.0),
        frame=partial(frame_downstream, (height, width)),
        image=slider(1, min(20, len(x)), value=1, tooltip="Which image it is"),
        pixel=slider(1, visible.dims, value=visible.dims // 3, tooltip="Which pixel is turned"),
        number=slider(
            1, codes.shape[1], value=1, tooltip="Which number of the code is moved, most used first"
        ),
        move=slider(-3.0, 3.0, value=2.0, step=0.25, tooltip="How far it is moved"),
    )


@torch.no_grad()
def effect_of_pixel(visible: Autoregressive, x: Tensor, pixel: int) -> Tensor:
    """The change of every p(x_j = 1 | x_{<j}) when one pixel of x ``(1, 1, H, W)`` is turned: ``(H, W)``."""
    turned = x.clone()
    turned.view(-1)[pixel] = 1 - turned.view(-1)[pixel]
    return (visible.conditionals(turned) - visible.conditionals(x))[0, 0].cpu()


@torch.no_grad()
def effect_of_code(hidden: VAE, z: Tensor, number: int, move: float) -> Tensor:
    """The change of every p(x_j = 1 | z) when one number of the code z ``(1, K)`` is moved: ``(H, W)``."""
    moved = z.clone()
    moved[0, number] += move
    return (hidden.decode(moved).mean - hidden.decode(z).mean)[0, 0].cpu()


def frame_downstream(shape: tuple[int, int], figure: Figure) -> None:
    """Places for three images, and what the colours of a change are; grey is exactly none."""
    height, width = shape
    limits = {"xlim": (-0.5, width - 0.5), "ylim": (height - 0.5, -0.5), "aspect": "equal"}
    for i, paper in enumerate(("white", "0.8", "0.8")):
        place = (0.01 + 0.293 * i, 0.03, 0.28, 0.8)
        figure.add_axes(place, facecolor=paper, xticks=[], yticks=[], **limits)
    figure.axes[0].set_title("the image")
    place = figure.add_axes((0.884, 0.115, 0.015, 0.63))
    bar = figure.colorbar(ScalarMappable(Normalize(-HALF, HALF), CHANGES), cax=place, ticks=[-HALF, 0, HALF])
    bar.ax.tick_params(labelsize=12)
    bar.set_label(f"change of p(white), cut at ±{HALF}", size=12)


def draw_downstream(
    visible: Autoregressive,
    hidden: VAE,
    x: Tensor,
    codes: Tensor,
    used: list[int],
    figure: Figure,
    *,
    image: int,
    pixel: int,
    number: int,
    move: float,
) -> None:
    """Draw the image, and both changes of p(white): red is up, blue is down."""
    one = x[image - 1 : image]
    axes = figure.axes[:3]
    axes[0].imshow(one[0, 0].cpu().numpy(), cmap="gray", vmin=0, vmax=1)
    effect = effect_of_pixel(visible, one.to(visible.reference), pixel - 1)
    draw_effect(axes[1], effect)
    axes[1].set_title(f"pixel {pixel} turned")
    draw_effect(axes[2], effect_of_code(hidden, codes[image - 1 : image], used[number - 1], move))
    axes[2].set_title(f"z moved by {move:+.2f}")
    row, column = divmod(pixel - 1, one.shape[-1])
    for ax in axes[:2]:
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec=VERMILLION, lw=3))


def draw_effect(ax: Axes, change: Tensor) -> None:
    """Show changes, those beyond ±½ as ±½; where there is exactly none, the paper."""
    shown = change.masked_fill(change == 0, float("nan"))
    ax.imshow(shown.numpy(), cmap=CHANGES, vmin=-HALF, vmax=HALF, interpolation="nearest")

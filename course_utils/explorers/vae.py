"""The explorers of notebook 16: the plane of codes that a VAE decodes, and its guess beside the posterior."""

from functools import partial
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.checks import check_classes
from course_utils.explorers.engine import Explorer, picture, slider
from course_utils.models import VAE
from course_utils.plots.canvas import BLUE, ORANGE, VERMILLION

HALF = 3.0  # of the part of the plane that is shown: all but 0.5 % of the prior
POINTS = 91  # along a side, where densities are summed
WIDER = 4.5  # half of the part over which they are summed


def latent_plane(model: VAE, x: Tensor, y: Tensor) -> Explorer:
    """A point z moves over the plane of codes; beside it, what the decoder makes of it.

    Args:
        model: a VAE with a code of two dimensions, without classes.
        x: images to place on the plane, each at the mean of q(z | x).
        y: their digits ``(N,)``, 0 to 9.

    Raises:
        ValueError: the code has not two dimensions, or x or y is not what it should be.
    """
    _check_plane(model, "latent_plane")
    y = check_classes(y, len(model.check(x)), 10, like=y, who="latent_plane")
    with torch.no_grad():
        means = model.encode(x).mean.cpu()
    return Explorer(
        partial(draw_plane, model),
        title="A code z on the plane of encoded digits, and the image that the decoder makes of it",
        size=(8.4, 4.4),
        frame=partial(frame_plane, means, y.cpu()),
        z1=slider(-HALF, HALF, value=0.0, step=0.1, name="z₁", tooltip="The first number of the code"),
        z2=slider(-HALF, HALF, value=0.0, step=0.1, name="z₂", tooltip="The second number of the code"),
    )


def frame_plane(means: Tensor, y: Tensor, figure: Figure) -> None:
    """Draw the digits where they are encoded, and a place for an image."""
    left = _window(figure, 1.0)
    for digit in range(10):
        left.plot(*means[y == digit].T.numpy(), ls="none", marker=f"${digit}$", ms=8, mew=0, color=BLUE)
    left.set_title("digits where q puts them")
    figure.add_axes((0.57, 0.06, 0.41, 0.78)).set_axis_off()


@torch.no_grad()
def draw_plane(model: VAE, figure: Figure, *, z1: float, z2: float) -> None:
    """Draw the point z, and the decoder's mean there."""
    left, right = figure.axes
    left.plot(z1, z2, "o", color=VERMILLION, ms=13, mfc="none", mew=3, clip_on=False)
    z = torch.tensor([[z1, z2]]).to(model.reference)
    plots.images(model.decode(z).mean.cpu(), title=f"decoded: z = ({z1:.1f}, {z2:.1f})", ax=right)


def posterior(model: VAE, x: Tensor) -> Explorer:
    """The true posterior p(z | x) of an image, summed on a grid, under the encoder's guess q(z | x).

    The ELBO lies below log p(x) by KL(q(z | x)‖p(z | x)): by as much as the two differ.

    Args:
        model: a binary VAE with a code of two dimensions, without classes.
        x: images ``(N, …)``, at least 2.

    Raises:
        ValueError: the code has not two dimensions, or x is no batch of at least two images.
    """
    _check_plane(model, "posterior")
    if len(model.check(x)) < 2:
        raise ValueError(f"posterior: expected at least 2 images, got {len(x)}")
    z, log_joint = joint_on_grid(model, x)
    with torch.no_grad():
        q: Any = model.encode(x.to(model.reference))
    mean, log_variance = q.mean.cpu(), q.log_variance.cpu()
    of_each = zip(mean, log_variance, log_joint, strict=True)
    gaps = [gap(m, s, z, joint) for m, s, joint in of_each]
    return Explorer(
        partial(draw_posterior, x.cpu(), log_joint, mean, (0.5 * log_variance).exp(), gaps),
        title="The posterior of the code of an image, and the encoder's guess of it",
        size=(8.4, 4.4),
        frame=frame_posterior,
        image=slider(1, len(x), value=1, tooltip="Which image"),
    )


@torch.no_grad()
def joint_on_grid(model: VAE, x: Tensor) -> tuple[Tensor, Tensor]:
    """Codes on a square grid, and log p(x, z) plus the log of a cell's area there: ``(S, 2)``, ``(N, S)``.

    Its logsumexp over S is log p(x), since next to nothing of the prior lies outside.
    """
    side = torch.linspace(-WIDER, WIDER, POINTS)
    z = torch.cartesian_prod(side, side)
    law = model.decode(z.to(model.reference))
    log_p = torch.stack([law.log_prob(one[None].expand(len(z), *one.shape)) for one in x]).cpu().double()
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1).double()
    return z, log_p + prior + 2 * (side[1] - side[0]).log().double()


def gap(mean: Tensor, log_variance: Tensor, z: Tensor, log_joint: Tensor) -> tuple[float, float]:
    """log p(x) of one image, and its ELBO with this guess q, both by sums over the grid: nats."""
    cell = 2 * (z[1, 1] - z[0, 1]).log().item()
    log_q = _on_grid(mean, log_variance, z) + cell
    log_q = log_q - log_q.logsumexp(0)
    return log_joint.logsumexp(0).item(), (log_q.exp() * (log_joint - log_q)).sum().item()


def _on_grid(mean: Tensor, log_variance: Tensor, z: Tensor) -> Tensor:
    law = torch.distributions.Normal(mean.double(), (0.5 * log_variance.double()).exp())
    return law.log_prob(z.double()).sum(1)


def frame_posterior(figure: Figure) -> None:
    """A place for the image, and the plane of codes."""
    figure.add_axes((0.02, 0.1, 0.33, 0.74)).set_axis_off()
    _window(figure, 4.4)


def draw_posterior(
    x: Tensor,
    log_joint: Tensor,
    mean: Tensor,
    std: Tensor,
    gaps: list[tuple[float, float]],
    figure: Figure,
    *,
    image: int,
) -> None:
    """Draw the image, its posterior as a map, and one and two standard deviations of the guess."""
    left, right = figure.axes
    one, joint = x[image - 1], log_joint[image - 1]
    left.imshow(picture(one[None]), interpolation="nearest")
    left.set_title(f"x, image {image}")
    density = (joint - joint.max()).exp().view(POINTS, POINTS).T.numpy()
    box = (-WIDER, WIDER, -WIDER, WIDER)
    right.imshow(density, extent=box, origin="lower", cmap="Blues", interpolation="bilinear")
    angle = torch.linspace(0, 2 * torch.pi, 60)
    circle = torch.stack([angle.cos(), angle.sin()], 1)
    for many in (1, 2):
        outline = mean[image - 1] + many * std[image - 1] * circle
        right.plot(*outline.T.numpy(), color=ORANGE if many == 2 else VERMILLION, ls="-", lw=2.5)
    log_p, elbo = gaps[image - 1]
    nats = f"log p(x) {log_p:.2f}, ELBO {elbo:.2f}".replace("-", "−")
    right.set_title(f"{nats}: gap {log_p - elbo:.2f} nats", x=1, ha="right")


def _window(figure: Figure, left: float) -> Axes:
    """The square of the plane that is shown, so many inches from the left."""
    width, height = figure.get_size_inches()
    ax = figure.add_axes((left / width, 0.7 / height, (height - 1.2) / width, 1 - 1.2 / height))
    ax.set(xlabel="$z_1$", ylabel="$z_2$", xlim=(-HALF, HALF), ylim=(-HALF, HALF))
    ax.set(xticks=[-2, 0, 2], yticks=[-2, 0, 2], aspect="equal")
    return ax


def _check_plane(model: VAE, who: str) -> None:
    if not isinstance(model, VAE) or model.latent_shape != (2,) or model.classes is not None:
        got = f"a code of shape {model.latent_shape}" if isinstance(model, VAE) else type(model).__name__
        raise ValueError(f"{who}: expected a VAE with latent=2 and no classes, got {got}")

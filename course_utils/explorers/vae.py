"""The explorers of notebook 16: the plane of codes that a VAE decodes, and its guess beside the posterior."""

from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.distributions import Normal

from course_utils import plots
from course_utils.checks import check_classes
from course_utils.explorers.engine import Explorer, picture, slider
from course_utils.models import VAE
from course_utils.plots.canvas import BLUE, ORANGE, VERMILLION

HALF = 3.0  # of the part of the plane that is shown: all but 0.5 % of the prior
WIDER, POINTS = 4.5, 91  # half of the part over which densities are summed, and the points along its side


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
    y = check_classes(y, len(model.check(x)), 10, like=y, who="latent_plane").cpu()
    with torch.no_grad():
        means = model.encode(x).mean.cpu()

    def frame(figure: Figure) -> None:
        left = _window(figure, 1.0)
        for digit in range(10):
            left.plot(*means[y == digit].T.numpy(), ls="none", marker=f"${digit}$", ms=8, mew=0, color=BLUE)
        left.set_title("digits where q puts them")
        figure.add_axes((0.57, 0.06, 0.41, 0.78)).set_axis_off()

    @torch.no_grad()
    def draw(figure: Figure, *, z1: float, z2: float) -> None:
        left, right = figure.axes
        left.plot(z1, z2, "o", color=VERMILLION, ms=13, mfc="none", mew=3, clip_on=False)
        z = torch.tensor([[z1, z2]]).to(model.reference)
        plots.images(model.decode(z).mean.cpu(), title=f"decoded: z = ({z1:.1f}, {z2:.1f})", ax=right)

    return Explorer(
        draw,
        title="A code z on the plane of encoded digits, and the image that the decoder makes of it",
        size=(8.4, 4.4),
        frame=frame,
        z1=slider(-HALF, HALF, value=1.5, step=0.1, name="z₁", tooltip="The first number of the code"),
        z2=slider(-HALF, HALF, value=0.3, step=0.1, name="z₂", tooltip="The second number of the code"),
    )


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
    log_joint, guess, bounds = on_grid(model, x)
    angle = torch.linspace(0, 2 * torch.pi, 60)
    circle = torch.stack([angle.cos(), angle.sin()], 1)

    def frame(figure: Figure) -> None:
        figure.add_axes((0.02, 0.1, 0.33, 0.74)).set_axis_off()
        _window(figure, 4.4)

    def draw(figure: Figure, *, image: int) -> None:
        left, right = figure.axes
        i = image - 1
        left.imshow(picture(x[i : i + 1]), interpolation="nearest")
        left.set_title(f"x, image {image}")
        density = (log_joint[i] - log_joint[i].max()).exp().view(POINTS, POINTS).T.numpy()
        box = (-WIDER, WIDER, -WIDER, WIDER)
        right.imshow(density, extent=box, origin="lower", cmap="Blues", interpolation="bilinear")
        for many, colour in ((1, VERMILLION), (2, ORANGE)):
            outline = guess.mean[i] + many * guess.stddev[i] * circle
            right.plot(*outline.T.numpy(), color=colour, ls="-", lw=2.5)
        log_p, bound = log_joint[i].logsumexp(0), bounds[i]
        nats = f"log p(x) {log_p:.2f}, ELBO {bound:.2f}".replace("-", "−")
        right.set_title(f"{nats}: gap {log_p - bound:.2f} nats", x=1, ha="right")

    return Explorer(
        draw,
        title="The posterior of the code of an image, and the encoder's guess of it",
        size=(8.4, 4.4),
        frame=frame,
        image=slider(1, len(x), value=2, tooltip="Which image"),
    )


@torch.no_grad()
def on_grid(model: VAE, x: Tensor) -> tuple[Tensor, Normal, Tensor]:
    """What sums over a square grid of S codes say of N images, in nats where they are logs.

    Returns:
        log p(x, z) plus the log of a cell's area, ``(N, S)``: its logsumexp is log p(x), as next to nothing
        of the prior lies outside; the guess q(z | x); and its ELBO, ``(N,)``.
    """
    side = torch.linspace(-WIDER, WIDER, POINTS)
    z = torch.cartesian_prod(side, side)
    decoded = model.decode(z.to(model.reference))
    q: Any = model.encode(x)
    log_p = torch.stack([decoded.log_prob(one.expand(len(z), *one.shape)) for one in x]).cpu().double()
    log_joint = log_p + Normal(0.0, 1.0).log_prob(z).sum(1) + 2 * (side[1] - side[0]).log()
    guess = Normal(q.mean.cpu().double(), (0.5 * q.log_variance).exp().cpu().double())
    log_q = Normal(guess.mean[:, None], guess.stddev[:, None]).log_prob(z).sum(2).log_softmax(1)
    return log_joint, guess, (log_q.exp() * (log_joint - log_q)).sum(1)


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

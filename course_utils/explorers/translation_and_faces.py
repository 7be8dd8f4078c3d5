"""The explorers of notebook 06: what a translated zebra hides, and faces between two others."""

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.applications.style_gan import LEVELS, StyleGAN
from course_utils.applications.translation import CycleGAN, difference
from course_utils.explorers.engine import Explorer, bare, choice, slider

FEW = 3  # animals that are shown
PAIRS = 4  # of faces
CHOICES = {"all levels": LEVELS, **{f"{level} alone": (level,) for level in LEVELS}}
CHOICES |= {"coarse and middle": LEVELS[:2]}


def stripes(model: CycleGAN, horses: Tensor, zebras: Tensor, body: Tensor) -> Explorer:
    """G of pictures on the way from F(y) to the true horse x, under those pictures, over the zebra y.

    Args:
        model: G makes zebras of horses.
        horses, zebras: the same animals under both coats, ``(N, 3, H, W)`` each; three of them are shown.
        body: where the animals are, ``(N, 1, H, W)``.

    Raises:
        ValueError: the model is none, or the three differ in number or size.
    """
    if not isinstance(model, CycleGAN):
        raise ValueError(f"stripes: expected a CycleGAN, got {type(model).__name__}")
    size = (len(horses), *model.event_shape[1:])
    if horses.shape != zebras.shape or (len(body), *body.shape[2:]) != size:
        got = ", ".join(str(tuple(part.shape)) for part in (horses, zebras, body))
        raise ValueError(f"stripes: expected pictures of the same animals, and their bodies, got {got}")
    x, y, where = (part[:FEW].to(model.to_y.fine.weight.device) for part in (horses, zebras, body))
    made = model.translate(y, "x")

    def draw(figure: Figure, *, way: float) -> None:
        between = torch.lerp(made, x, way)
        back = model.translate(between)
        error = difference(back, y, where).mean().item()
        title = f"{100 * way:.0f} % of the way from F(y) to x: G is {error:.2f} off the zebra"
        plots.images(
            torch.cat([between, back, y]).cpu(),
            columns=len(y),
            rows=["input", "G(input)", "zebra y"],
            title=title,
            ax=figure.axes[0],
        )

    return Explorer(
        draw,
        title="From a zebra made a horse to the true horse, and what G makes of them",
        size=(6.5, 5.75),
        frame=bare((0.1, 0.01, 0.89, 0.86)),
        way=slider(
            0.0, 1.0, value=0.0, step=0.05, tooltip="From F(y), a horse that was made, to the true one"
        ),
    )


def between(model: StyleGAN) -> Explorer:
    """Four faces A on their way to four faces B, in style, not in pixels; truncation pulls to the mean."""

    def draw(figure: Figure, *, way: float, levels: str, truncation: float, seed: int) -> None:
        dice = torch.Generator(model.generator.constant.device).manual_seed(seed)
        a, b = model.new_styles(2 * PAIRS, truncation=truncation, generator=dice).chunk(2)
        mixed = model.mix(a, torch.lerp(a, b, way), CHOICES[levels])
        x = model.draw(torch.cat([a, mixed, b])).cpu()
        title = f"between: {100 * way:.0f} % of the way, {levels}"
        plots.images(x, rows=["A", "mix", "B"], columns=PAIRS, title=title, ax=figure.axes[0])

    return Explorer(
        draw,
        title="Faces A, faces B, and mixtures of their styles",
        size=(6.5, 4.875),
        frame=bare((0.09, 0.01, 0.90, 0.88)),
        way=slider(0.0, 1.0, value=0.5, step=0.05, tooltip="How far A has gone towards B"),
        levels=choice(list(CHOICES), value="all levels", tooltip="On which levels A's style moves"),
        truncation=slider(0.0, 1.0, value=1.0, step=0.05, tooltip="From the mean face to faces as drawn"),
        seed=slider(0, 20, value=0, tooltip="Which faces they are"),
    )

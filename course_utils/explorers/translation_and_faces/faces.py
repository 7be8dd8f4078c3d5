"""Two faces and what lies between them, on the levels of a style-based generator that one chooses."""

import torch
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.applications.style_gan import LEVELS, StyleGAN
from course_utils.explorers.engine import Explorer, choice, slider

PAIRS = 4
CHOICES = {"all levels": LEVELS, **{f"{level} alone": (level,) for level in LEVELS}}
CHOICES |= {"coarse and middle": LEVELS[:2]}


def between(model: StyleGAN) -> Explorer:
    """Four faces A on their way to four faces B, in style, not in pixels; truncation pulls all to the mean.

    Args:
        model: whose faces they are.
    """

    def frame(figure: Figure) -> None:
        figure.add_axes((0.09, 0.01, 0.90, 0.88)).set_axis_off()

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
        frame=frame,
        way=slider(0.0, 1.0, value=0.5, step=0.05, tooltip="How far A has gone towards B"),
        levels=choice(list(CHOICES), value="all levels", tooltip="On which levels A's style moves"),
        truncation=slider(0.0, 1.0, value=1.0, step=0.05, tooltip="From the mean face to faces as drawn"),
        seed=slider(0, 20, value=0, tooltip="Which faces they are"),
    )

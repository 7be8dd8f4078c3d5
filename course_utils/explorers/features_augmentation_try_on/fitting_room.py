"""A fitting room: any person tries on any shirt, and every step of it is shown."""

from collections.abc import Mapping

import torch
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.applications.try_on import TryOn, inputs
from course_utils.datasets.people import People, dressed
from course_utils.explorers.engine import Explorer, choice, slider

STEPS = (
    "the shirt",
    "the person",
    "without shirt",
    "ĉ, warped",
    "M, the mask",
    "r, painted",
    "o = M ĉ + (1−M) r",
    "truth",
)


def fitting_room(systems: Mapping[str, TryOn], some: People) -> Explorer:
    """What one person looks like in the shirt of another, step by step, and what it would truly be.

    Args:
        systems: trained systems to choose from, by name.
        some: at least two people, with their shirts.

    Raises:
        ValueError: there is no system, or fewer than two people.
    """
    if (
        not isinstance(systems, Mapping)
        or not systems
        or not all(isinstance(s, TryOn) for s in systems.values())
    ):
        raise ValueError(f"fitting_room: expected a TryOn or several by name, got {systems!r:.60}")
    if not isinstance(some, People) or len(some) < 2:
        raise ValueError(f"fitting_room: expected two people or more, got {some!r:.60}")
    device = next(iter(systems.values())).weights.device

    def frame(figure: Figure) -> None:
        figure.add_axes((0.0, 0.0, 1.0, 0.97)).set_axis_off()

    def draw(figure: Figure, *, person: int, shirt: int, system: str) -> None:
        now = some[person - 1]
        new = dressed(now.body, some.cloth[shirt - 1 : shirt], side=some.x.shape[-1])
        with torch.no_grad():
            o, mask, r, warp = (part.cpu().clamp(0, 1) for part in systems[system](*inputs(new.to(device))))
        steps = (new.garment, now.x, new.agnostic, warp, mask.expand_as(o), r, o, new.x)
        plots.images(torch.cat(steps), columns=4, labels=STEPS, ink=False, ax=figure.axes[0])

    return Explorer(
        draw,
        title="From a flat shirt and a person to the person in the shirt",
        size=(8.6, 4.9),
        frame=frame,
        person=slider(1, len(some), value=1, tooltip="Who tries it on"),
        shirt=slider(1, len(some), value=2, tooltip="Whose shirt it is"),
        system=choice(list(systems), tooltip="Which system composes the picture"),
    )

"""The command ``train``: the list of recipes, following one, and measuring what ships."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.checks import check_number
from course_utils.datasets import DatasetUnavailable, Images, mnist_shipped
from course_utils.datasets.fetch import DATA
from course_utils.divergences import Estimate
from course_utils.pretrained.applications import APPLICATIONS, Application
from course_utils.pretrained.recipes import RECIPES
from course_utils.pretrained.samples import kind_of, nearest, own_samples, scores, scores_of_real
from course_utils.pretrained.weights import FOLDER, card, load, recipe, rounded, save, start
from course_utils.taxonomy import GenerativeModel
from course_utils.training import fit, ranks

UNFINISHED = DATA / "training"
EVERY = 60.0  # seconds between two writings of the state


def measure(name: str, model: nn.Module, train: Tensor | None = None) -> dict[str, Estimate]:
    """Every figure of a recipe, on all shipped test images, and of its samples.

    Always with the same random numbers. Given training images, it says how near to them samples are, too.
    """
    of = recipe(name, "train")
    if isinstance(of, Application):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return of.measure(model)
    x, y = mnist_shipped("static" if of.data == "static" else "levels")
    found = of.measure(model, x, y) if of.measure else {}
    if not isinstance(model, GenerativeModel):
        return found | scores_of_real("static") | scores_of_real("levels")
    (fake, asked), kind = own_samples(model), kind_of(model)
    found |= scores(fake, kind, asked)
    return found if train is None else found | nearest(fake, train, kind)


def train(
    name: str, minutes: float | None = None, folder: Path = FOLDER, unfinished: Path = UNFINISHED
) -> str:
    """Follow a recipe, store weights and card, and say how good they are.

    The state of the training is kept in a file: a run that was stopped in any way goes on after its last
    whole epoch. Of several processes (``torchrun``) the first stores and measures; the others say nothing.

    Args:
        name: of the recipe.
        minutes: stop after so many; None: follow the recipe to its end.
        folder: where weights and card go when the end is reached.
        unfinished: where the state is kept until then, and weights and card of a run that was stopped.

    Raises:
        ValueError: no recipe of this name.
        DatasetUnavailable: the training images are not here.
    """
    of = recipe(name, "train")
    if minutes is not None and check_number(minutes, "train: minutes", low=0) == 0:
        raise ValueError(f"train: expected minutes above 0, got {minutes}")
    model, (x, valid) = of.model(), of.sets()
    start(model, name, folder)
    unfinished.mkdir(parents=True, exist_ok=True)
    file = unfinished / f"{name}.checkpoint"
    clock, cpu = time.perf_counter(), time.process_time()
    history = fit(
        model,
        x,
        valid=valid,
        seconds=None if minutes is None else 60 * minutes,
        checkpoint=file,
        checkpoint_every=EVERY,
        **of.training,
    )
    if ranks.rank() > 0:
        return ""
    on_cpu = next(model.parameters()).device.type == "cpu"
    share = (time.process_time() - cpu) / (time.perf_counter() - clock) * ranks.count() if on_cpu else 1.0
    if history.stopped == "interrupted":
        return f"{name}: interrupted; the same command goes on after the last whole epoch"
    done = history.stopped != "seconds"
    place = folder if done else unfinished
    seen = None
    if isinstance(x, Images) and isinstance(model, GenerativeModel):
        seen = of.training["transform"](x.x)[0] if "transform" in of.training else x.x
    made = save(name, model, measure(name, rounded(model), seen), share * sum(history.seconds), place)
    if done:
        file.unlink(missing_ok=True)
    where = f"Weights in {place}" + (
        "" if done else "; not at its end: the same command goes on after the last whole epoch"
    )
    return f"{made}. {where}"


def listed() -> str:
    """The recipes, one a line: size, cost, the paper's figure, and the course's, which may be long."""
    lines = [f"{'recipe':<18}{'kB':>6}  {'cost':<18}{'paper':<7}figure"]
    for name, of in {**RECIPES, **APPLICATIONS}.items():
        made, path = card(name), FOLDER / f"{name}.safetensors"
        size = f"{path.stat().st_size / 1000:.0f}" if path.is_file() else "—"
        figure = f"{made[made.first]} {made.first}" if made else "—"
        cost = made.cost if made else "not trained yet"
        lines.append(f"{name:<18}{size:>6}  {cost:<18}{of.paper or '—':<7}{figure}")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """The command ``train [NAME] [--minutes M] [--measure]``."""
    parser = argparse.ArgumentParser(prog="python -m course_utils train", description=__doc__)
    parser.add_argument("name", nargs="?", help="a recipe; none: list them")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes")
    parser.add_argument(
        "--measure", action="store_true", help="measure the weights that ship, on all test images"
    )
    given = parser.parse_args(argv)
    if given.name is None and (given.measure or given.minutes is not None):
        parser.error("expected the NAME of a recipe, got none")
    try:
        if given.name is None:
            print(listed())
        elif given.measure:
            for name, figure in measure(given.name, load(given.name)).items():
                print(f"{name}: {figure}")
            print(f"The card says: {card(given.name)}")
        else:
            with ranks.joined():
                if said := train(given.name, given.minutes):
                    print(said)
    except (ValueError, OSError, DatasetUnavailable) as error:
        parser.error(str(error))
    return 0

"""The explorers that the notebooks show, and what tests hand to those that need arguments, such as a model.

An explorer whose arguments all have defaults needs no entry.
"""

import ast
import json
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any, TypeVar

import torch

from course_utils.applications.colourisation import Colouriser
from course_utils.applications.style_gan import StyleGAN
from course_utils.applications.translation import CycleGAN
from course_utils.applications.try_on import TryOn
from course_utils.datasets import digits, scenes
from course_utils.datasets.herd import herd
from course_utils.datasets.people import people
from course_utils.explorers.engine import Explorer
from course_utils.explorers.gan import lattice
from course_utils.models import FFJORD, GAN, GSN, NADE, VAE, BoltzmannMachine, PixelCNN, RealNVP
from course_utils.models.any_order import AnyOrder
from course_utils.models.diffusion import Diffusion
from course_utils.models.flow_matching import FlowMatching
from course_utils.notebooks.command import FOLDER
from course_utils.recognition.detections import Detections
from course_utils.universe import all_images, bars_and_stripes, gaussians


@cache
def imports() -> dict[str, list[tuple[str, str]]]:
    """What each notebook, by its stem, imports: module and name. Read once, for all who ask."""
    found = {}
    for path in sorted(FOLDER.glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        nodes = [node for source in code if "import" in source for node in ast.walk(ast.parse(source))]
        lines = [node for node in nodes if isinstance(node, ast.ImportFrom)]
        found[path.stem[3:]] = [(line.module or "", alias.name) for line in lines for alias in line.names]
    return found


def imported(package: str) -> dict[str, list[tuple[str, str]]]:
    """The same from one package of the course."""
    return {
        stem: [(module, name) for module, name in each if module.startswith(package)]
        for stem, each in imports().items()
    }


def shown() -> dict[str, Callable[..., Explorer]]:
    """Every explorer that a notebook shows, by the stem of the first that does, a point and its name."""
    found: dict[str, Callable[..., Explorer]] = {}
    for stem, names in imported("course_utils.explorers").items():
        for module, name in names:
            function = getattr(import_module(module), name)
            explores = signature(function).return_annotation in (Explorer, "Explorer")
            if explores and function not in found.values():
                found[f"{stem}.{name}"] = function
    return found


def learning() -> tuple[Any, ...]:
    """Three looks at a model that does not learn."""
    samples = [NADE((1, 8, 8)).sample(9, generator=torch.Generator().manual_seed(i)) for i in range(3)]
    return [0, 1, 5], samples, [44.0, 20.0, 17.0]


def approach() -> tuple[Any, ...]:
    """From the uniform law to the truth."""
    universe = bars_and_stripes(3)
    return universe.log_p, [0, 9], [torch.full((512,), 1 / 512).double().log(), universe.log_p]


Model = TypeVar("Model", bound=torch.nn.Module)


def shaken(build: Callable[[], Model], by: float, anew: bool = False) -> Model:
    """A model, from a fixed seed, whose parameters have moved at random, or are random altogether."""
    torch.manual_seed(0)
    model = build()
    for parameter in model.parameters():
        parameter.data = (0 if anew else parameter.data) + by * torch.randn_like(parameter)
    return model


def drifting() -> tuple[Any, ...]:
    """A continuous flow that moves images."""
    return (shaken(lambda: FFJORD((1, 8, 8), hidden=8), 0.3, anew=True),)


def encoded() -> tuple[Any, ...]:
    """A VAE of two dimensions that does not guess the posterior, images and their digits."""
    model = shaken(lambda: VAE((1, 8, 8), latent=2, hidden=(16,)).eval(), 0.5)
    return model, (torch.rand(300, 1, 8, 8) < 0.5).float(), torch.arange(300) % 10


def two_clouds() -> tuple[Any, ...]:
    """Points of two classes on the plane, close enough to be mistaken."""
    x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    y = torch.arange(200) % 2
    return x + 1.5 * y[:, None], y


def scattered() -> tuple[Any, ...]:
    """Images in two groups, with labels."""
    y = torch.arange(60) % 2
    return (
        0.6 * torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0)) + 0.4 * y.view(-1, 1, 1, 1)
    ), y


def walked() -> tuple[Any, ...]:
    """A small machine whose images differ in energy."""
    return (shaken(lambda: BoltzmannMachine((1, 3, 3), hidden=4), 1.0, anew=True),)


def told() -> tuple[Any, ...]:
    """A flow of images that moves them, and goes another way for each class."""
    return (shaken(lambda: FlowMatching((1, 8, 8), hidden=8, classes=10), 0.3),)


def played() -> tuple[Any, ...]:
    """A game that was looked at three times: samples come nearer to the data."""
    data, dice = gaussians(8), torch.Generator().manual_seed(0)
    samples = [data.sample(300, generator=dice) * share for share in (0.1, 0.6, 1.0)]
    return data, [0, 4, 9], samples, [torch.sigmoid(k * lattice(data)[:, 0]) for k in (0.0, 0.5, 2.0)]


def answered() -> tuple[Any, ...]:
    """Scenes, and right answers of four networks that are more or less sure."""
    x, labels, boxes, masks = scenes(6)
    scene, k = (labels >= 0).nonzero(as_tuple=True)
    dice = torch.Generator().manual_seed(0)
    parts = torch.rand(len(k), generator=dice), labels[scene, k], boxes[scene, k]
    p = torch.rand(6, 3, generator=dice).softmax(1)
    located = labels[:, 0], boxes[:, 0]
    return x, p, located, Detections(scene, *parts), Detections(scene, *parts, masks[scene, k])


def striped() -> tuple[Any, ...]:
    """Translators that change nothing, and the same animals under two coats."""
    x, y = herd(6, "horse", side=16), herd(6, "zebra", side=16)
    return CycleGAN((3, 16, 16), hidden=4, deep=4, blocks=1), x.x, y.x, x.body


def restored() -> tuple[Any, ...]:
    """A photograph that is wider than high, and two that are more or less like it."""
    x = (torch.arange(80)[:, None] * torch.arange(120) % 90 / 90).expand(1, 3, -1, -1)
    return x, {"nearly": 0.9 * x, "hardly": 0.2 + 0.3 * x}


def judged() -> tuple[Any, ...]:
    """Digits, their classes, and three kinds of features of them."""
    x, y = (part[:450] for part in digits("levels").train)
    pixels = x.flatten(1)
    return x, y, {"pixels": pixels, "the upper half": pixels[:, :32], "squares": pixels**2}


def warped() -> tuple[Any, ...]:
    """Ten digits, and what reads anything: the row with the most ink."""
    return digits("levels").train.x[:10], lambda x: x.sum((1, 3)).argmax(1)


def two_systems() -> tuple[Any, ...]:
    """Two systems that dress people differently, and some people."""
    one = shaken(lambda: TryOn(points=3, features=8, channels=8), 0.1)
    return {"one": one, "other": shaken(lambda: deepcopy(one), 0.1)}, people(3)


INPUTS: dict[str, Callable[[], tuple[Any, ...]]] = {
    "autoregressive.drawing": lambda: (PixelCNN((1, 8, 8), hidden=8, blocks=1).eval(),),
    "features_augmentation_try_on.fitting_room": two_systems,
    "ffjord.digits_in_time": drifting,
    "ffjord.time_of_a_flow": lambda: (shaken(lambda: FFJORD((2,), hidden=8), 0.6, anew=True),),
    "discriminative_and_generative.boundary": two_clouds,
    "boltzmann_machine.chains": walked,
    "boltzmann_machine.filling_in": lambda: (*walked(), all_images(1, 9)[40:50].view(-1, 1, 3, 3)),
    "boltzmann_machine.landscape": walked,
    "gsn.walking": lambda: (GSN((1, 8, 8)), (torch.rand(12, 1, 8, 8) < 0.5).float()),
    "glow.interpolation": lambda: (RealNVP((1, 8, 8), hidden=8), torch.rand(6, 1, 8, 8)),
    "nice_and_realnvp.layers": lambda: (shaken(lambda: RealNVP((2,), hidden=8), 0.3), torch.randn(200, 2)),
    "visible_and_latent.downstream": lambda: (
        NADE((1, 8, 8)),
        VAE((1, 8, 8), hidden=8, latent=3).eval(),
        (torch.rand(12, 1, 8, 8) < 0.5).float(),
    ),
    "vae.latent_plane": encoded,
    "vae.posterior": lambda: encoded()[:2],
    "translation_and_faces.between": lambda: (StyleGAN(adversarial=False).eval(),),
    "gan.replay": played,
    "gan.styles": lambda: (GAN((1, 8, 8), hidden=(16,), classes=10),),
    "generative_models.approach": approach,
    "generative_models.learning": learning,
    "generative_models.temperature": lambda: (NADE((1, 8, 8)),),
    "translation_and_faces.stripes": striped,
    "start_here.writing": lambda: (learning()[1],),
    "super_resolution_and_colourisation.lens": restored,
    "super_resolution_and_colourisation.row_by_row": lambda: (
        Colouriser(16, hidden=8).eval(),
        torch.rand(3, 1, 16, 16),
    ),
    "supervised_learning.four_tasks": answered,
    "features_augmentation_try_on.labels": judged,
    "features_augmentation_try_on.warps": warped,
    "beyond_supervision.clustering": scattered,
    "where_the_tree_has_grown.guessed": lambda: (Diffusion((1, 8, 8), hidden=16), torch.rand(10, 1, 8, 8)),
    "where_the_tree_has_grown.guided": told,
    "where_the_tree_has_grown.uncover": lambda: (AnyOrder((1, 8, 8), hidden=16),),
    "beyond_supervision.components": lambda: (scattered()[0], scattered()[0][:8]),
}

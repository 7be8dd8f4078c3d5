"""The recipes of applications, on drawn pictures and on photographs: slides 8 to 10."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from course_utils.applications.colourisation import Colouriser
from course_utils.applications.face_reader import FaceReader
from course_utils.applications.style_gan import StyleGAN
from course_utils.applications.super_resolution import SRGAN, SRResNet, turned
from course_utils.applications.translation import CycleGAN
from course_utils.applications.try_on import Matching, TryOn
from course_utils.divergences import Estimate
from course_utils.models import PixelCNN
from course_utils.models.flow_matching import FlowMatching
from course_utils.pretrained import colouring, drawn_faces, dressing, restoration, translating
from course_utils.pretrained.recipes import COSINE, untrained


@dataclass(frozen=True)
class Application:
    """A system that is no density of digits: what it learns, how, and what it is measured by.

    Attributes:
        system: what makes the system.
        arguments: of the system.
        sets: what makes the tensors to learn from, and those that are held out.
        about: what they show, such as "drawn faces, 64×64".
        training: of ``fit``.
        measure: figures of a trained system, the most telling one first, on pictures it has not seen.
        source: the paper that it follows.
        paper: what that reports in the same unit; None: nothing that compares.
        start: the recipe of a first stage: parts of the same name start from its weights; None: from none.
    """

    system: Callable[..., nn.Module]
    arguments: Mapping[str, Any]
    sets: Callable[[], tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]
    about: str
    training: Mapping[str, Any]
    measure: Callable[[Any], dict[str, Estimate]]
    source: str
    paper: str | None = None
    start: str | None = None

    def model(self) -> Any:
        """The system before training."""
        return untrained(self.system, **self.arguments)


TURNED = {"transform": turned, "schedule": "cosine"}
PHOTOGRAPHS = Application(
    SRResNet,
    {"channels": 40, "blocks": 5, "top": 20},
    restoration.photo_patches,
    "photographs, ×4",
    {"epochs": 7, "batch_size": 8, "lr": 3e-3, "average": 0.999, **TURNED, **COSINE},
    restoration.restored,
    "Ledig et al. 2017",
)
COLOURS = Application(
    Colouriser,
    {"given": "grey", "side": 64, "levels": 20, "hidden": 40, "blocks": 4, "reading": 1, "refining": 32},
    colouring.pictures,
    "grey drawings to colour, 64×64",
    {"epochs": 10, "lr": 5e-3, "batch_size": 32, "clip": 1.0, "average": 0.998, **COSINE},
    colouring.colours,
    "Guadarrama et al. 2017, PixColor",
)
CP_VTON = "Wang et al. 2018 (CP-VTON)"
SHIRTS = Application(
    TryOn,
    {},
    dressing.in_own_shirts,
    "drawn people in shirts, 64×64",
    {"epochs": 7, "lr": 2e-3, "batch_size": 16, "clip": 1.0, "average": 0.995, **COSINE},
    dressing.in_other_shirts,
    CP_VTON,
    start="matching",
)
APPLICATIONS: Mapping[str, Application] = MappingProxyType(
    {
        "digits_from_four": Application(
            PixelCNN,
            {"event_shape": (1, 8, 8), "levels": 17, "given": 1},
            restoration.digit_pairs,
            "digits, 8×8 from 2×2",
            {"epochs": 50, "batch_size": 50, "lr": 1e-2, "weight_decay": 0.5, "average": 0.99, **COSINE},
            restoration.filled_in,
            "van den Oord et al. 2016b",
        ),
        "srresnet": PHOTOGRAPHS,
        "srgan": replace(
            PHOTOGRAPHS,
            system=SRGAN,
            arguments={**PHOTOGRAPHS.arguments, "critic": 32},
            training={"epochs": 2, "batch_size": 8, "lr": 1e-3, "average": 0.995, **TURNED},
            start="srresnet",
        ),
        "colourise": COLOURS,
        "sketch": replace(
            COLOURS,
            arguments={**COLOURS.arguments, "given": "sketch"},
            about="outlines of drawings to pictures, 64×64",
            training={**COLOURS.training, "epochs": 6},
            source=f"{COLOURS.source}, from sketches",
        ),
        "face_reader": Application(
            FaceReader,
            {},
            drawn_faces.with_factors,
            "drawn faces, 32×32",
            {"epochs": 8, "lr": 2e-3, "batch_size": 50, "average": 0.99, **COSINE},
            drawn_faces.read,
            "a regression, the judge of generated faces",
        ),
        "face_copies": Application(
            StyleGAN,
            {"adversarial": False, "fast": True},
            drawn_faces.with_codes,
            "drawn faces, 64×64",
            {"epochs": 10, "lr": 1e-2, "batch_size": 16, "average": 0.998, "schedule": "cosine"},
            drawn_faces.copied,
            "a regression, with the generator of Karras, Laine & Aila 2019",
        ),
        "faces": Application(
            StyleGAN,
            {"fast": True},
            drawn_faces.with_codes,
            "drawn faces, 64×64",
            {"epochs": 4, "lr": 4e-3, "batch_size": 16, "average": 0.998, "schedule": "cosine"},
            drawn_faces.generated,
            "Karras, Laine & Aila 2019; told the factors, as in Isola et al. 2017",
            start="face_copies",
        ),
        "flow_faces": Application(
            FlowMatching,
            {
                "event_shape": (3, 64, 64),
                "network": "convolutional",
                "hidden": (24, 36, 40),
                "patch": 2,
                "preconditioned": True,
                "classes": len(drawn_faces.KINDS),
                "guidance": 1.0,
                "solver": "midpoint",
                "alpha": 0.1,
            },
            drawn_faces.with_kinds,
            "drawn faces, 64×64",
            {"epochs": 40, "lr": 3e-3, "batch_size": 12, "clip": 5000.0, "average": 0.999, **COSINE},
            drawn_faces.asked_for,
            "Lipman et al. 2023; told the kind of face, as in Ho & Salimans 2022",
        ),
        "zebras": Application(
            CycleGAN,
            {"event_shape": (3, 64, 64), "deep": 48, "blocks": 3, "sight": 3, "own": False},
            translating.horses_and_zebras,
            "drawn horses and zebras, unpaired, 64×64",
            {"epochs": 14, "lr": 2e-3, "batch_size": 4, "average": 0.995, "schedule": "cosine"},
            translating.translations,
            "Zhu, Park, Isola & Efros 2017",
        ),
        "matching": replace(
            SHIRTS,
            system=Matching,
            training={**SHIRTS.training, "epochs": 24},
            source=f"{CP_VTON}, first stage",
            start=None,
        ),
        "try_on": SHIRTS,
        "try_on_unmatched": replace(
            SHIRTS,
            arguments={"match": False},
            training={**SHIRTS.training, "epochs": 2},
            source=f"{CP_VTON} without its first stage",
            start=None,
        ),
    }
)

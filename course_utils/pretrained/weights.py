"""Files of weights, half as precise as in training, and the cards that say what is in them."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read
from safetensors.torch import save as written
from torch import Tensor, nn

from course_utils.datasets.fetch import DATA
from course_utils.divergences import Estimate
from course_utils.pretrained.applications import APPLICATIONS, Application
from course_utils.pretrained.recipes import RECIPES, Recipe
from course_utils.storage import write_bytes

FOLDER = DATA / "shipped" / "weights"
MANY = 2**16  # numbers: of fewer a byte each is not worth a word


@dataclass(frozen=True)
class Card:
    """What is known of a file of weights; as text, one sentence.

    Attributes:
        name: of the recipe.
        figures: by name, value and standard error, measured on the shipped test images after rounding to
            float16; the first is what the recipe is known by.
        parameters: how many numbers were learned.
        seconds: that training took: of processor time on a CPU, by the clock elsewhere.
        device: where, such as "cpu".
        torch: the version of torch.
        sha256: of the file.
    """

    name: str
    figures: dict[str, list[float]]
    parameters: int
    seconds: float
    device: str
    torch: str
    sha256: str

    def __getitem__(self, name: str) -> Estimate:
        """A figure with its standard error."""
        return Estimate(*self.figures[name])

    @property
    def first(self) -> str:
        """The name of the figure that the recipe is known by."""
        return next(iter(self.figures))

    @property
    def cost(self) -> str:
        """How long training took, and where."""
        return f"{self.seconds / 60:.0f} min, {self.device}"

    def __str__(self) -> str:
        of = recipe(self.name, "card")
        figures = (f"{name} {self[name]}" for name in self.figures)
        paper = f"; the paper: {of.paper} ({of.source})" if of.paper else ""
        what = of.about if isinstance(of, Application) else "MNIST"
        cost = f"{self.parameters:,} parameters, trained for {self.seconds / 60:.0f} min on {self.device}"
        return f"{of.system.__name__} on {what}: {'; '.join(figures)}{paper}; {cost}"


def recipe(name: str, who: str) -> Recipe | Application:
    """The recipe of this name; a ValueError that lists them where there is none."""
    known: dict[str, Recipe | Application] = {**RECIPES, **APPLICATIONS}
    if name not in known:
        raise ValueError(f"{who}: expected one of the recipes {', '.join(known)}, got {name!r}")
    return known[name]


def card(name: str, folder: Path = FOLDER) -> Card | None:
    """The card of the weights of this name; None where nobody has trained them yet.

    Raises:
        ValueError: there is no recipe of this name, or the card is damaged.
    """
    recipe(name, "card")
    path = folder / f"{name}.json"
    try:
        found = Card(**json.loads(path.read_text("utf-8")))
        if found.name != name or not found.figures:
            raise ValueError(f"it is of {found.name}")
        return found
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ValueError(f"card: {path} is damaged ({error}); {way_out(name)}") from None


def load(name: str, folder: Path = FOLDER) -> Any:
    """The trained model of a recipe, one of ``RECIPES`` or ``APPLICATIONS``, on the CPU, in eval mode.

    Raises:
        ValueError: no such recipe, no weights, or a file that is damaged or not the card's: it names the file
            and the way out.

    >>> model = load("pixelcnn")
    >>> model.sample(2, y=torch.tensor([3, 8])).shape
    torch.Size([2, 1, 28, 28])
    """
    known, path = card(name, folder), folder / f"{name}.safetensors"
    if known is None or not path.is_file():
        raise ValueError(f"load: expected weights at {path}, got none; {way_out(name)}")
    content = path.read_bytes()
    if sha256(content).hexdigest() != known.sha256:
        raise ValueError(f"load: {path} is not the file of its card; {way_out(name)}")
    model = recipe(name, "load").model()
    if fixed(model):
        start(model, name, folder)
    try:
        fill(model, read(content))
    except (SafetensorError, KeyError, RuntimeError):
        raise ValueError(f"load: {path} holds no weights of its recipe; {way_out(name)}") from None
    return model.eval()


def start(model: nn.Module, name: str, folder: Path = FOLDER) -> None:
    """Give a second stage the weights of its first; what has no first stage stays as it is."""
    of = recipe(name, "train")
    if of.start:
        model.load_state_dict(load(of.start, folder).state_dict(), strict=False)


def way_out(name: str) -> str:
    """How to get weights."""
    return f"get it back with: git checkout -- data/shipped, or train: python -m course_utils train {name}"


def save(
    name: str, model: nn.Module, figures: dict[str, Estimate], seconds: float, folder: Path = FOLDER
) -> Card:
    """Write weights, as ``rounded`` left them, and their card: the weights first, so that no card lacks them.

    Seconds are those of training: of processor time on a CPU, by the clock elsewhere.
    """
    content = written(packed(model))
    made = Card(
        name=name,
        figures={name: [round(number, 5) for number in figure] for name, figure in figures.items()},
        parameters=sum(p.numel() for p in model.parameters()),
        seconds=round(seconds),
        device=next(model.parameters()).device.type,
        torch=torch.__version__.split("+")[0],
        sha256=sha256(content).hexdigest(),
    )
    write_bytes(folder / f"{name}.safetensors", content)
    write_bytes(folder / f"{name}.json", (json.dumps(asdict(made), indent=1) + "\n").encode())
    return made


def half(value: Tensor) -> Tensor:
    """Numbers as they are stored, in 16 bits: floats rounded, whole numbers (orders, degrees) if they fit.

    Many zeros and ones, such as the chains of a Boltzmann machine, take 8.
    """
    if value.is_floating_point():
        coins = value.numel() >= MANY and bool(((value == 0) | (value == 1)).all())
        return value.to(torch.uint8) if coins else value.half()
    short = value.short()
    return short if value.dtype == torch.int64 and bool((short == value).all()) else value


def open_weights(model: nn.Module) -> dict[str, Tensor]:
    """Which weights a mask leaves open, bool, by their names in the ``state_dict``, of masked layers."""
    masks = ((name, getattr(module, "mask", None)) for name, module in model.named_modules())
    own = model.state_dict()
    found = {f"{name}.weight": mask != 0 for name, mask in masks if isinstance(mask, Tensor)}
    return {name: mask.expand_as(own[name]) for name, mask in found.items() if name in own}


def fixed(model: nn.Module) -> list[str]:
    """The names of the weights that training leaves as the first stage made them: they lie in its file."""
    return [name for name, value in model.named_parameters() if not value.requires_grad]


def packed(model: nn.Module) -> dict[str, Tensor]:
    """What is stored: what was learned, in 16 bits; of masked weights only those that are open, in a row."""
    masks, own = open_weights(model), model.state_dict()
    for name in fixed(model):
        del own[name]
    parts = {name: value[masks[name]] if name in masks else value for name, value in own.items()}
    return {name: half(value).cpu().contiguous() for name, value in parts.items()}


def fill(model: nn.Module, stored: dict[str, Tensor]) -> None:
    """Put what ``packed`` gave back into a model; a KeyError or RuntimeError where it does not fit."""
    masks, own = open_weights(model), model.state_dict()
    state = {name: own[name] for name in fixed(model)}
    for name, value in stored.items():
        state[name] = value.to(own[name])
        if name in masks:
            state[name] = torch.zeros_like(own[name]).masked_scatter(masks[name], state[name])
    model.load_state_dict(state)


@torch.no_grad()
def rounded(model: nn.Module) -> nn.Module:
    """The model with its weights rounded as they are stored: what is measured is what ships."""
    fill(model, packed(model))
    return model.eval()

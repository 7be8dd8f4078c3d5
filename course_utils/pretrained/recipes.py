"""How each model that ships was trained: recipes are data, and following one again is one command."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import fold, unfold

from course_utils import models
from course_utils.datasets import Images, binarise, binarized_mnist, mnist
from course_utils.datasets.mnist import LEVELS
from course_utils.divergences import Estimate
from course_utils.models.flow_matching import FlowMatching
from course_utils.pretrained import measures
from course_utils.recognition import DigitClassifier

SHAPE, CLASSES, BLOCK = (1, 28, 28), 10, 7
VALID = 2_000  # enough to tell which epoch is best, and dear for some: the pseudo-likelihood
Kind = Literal["static", "levels", "unit"]


def untrained(system: Callable[..., nn.Module], *args: Any, **arguments: Any) -> Any:
    """A system before training, always with the same weights; the caller's random numbers go on."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return system(*args, **arguments)


@dataclass(frozen=True)
class Recipe:
    """A model, the data it learns, how, and what it is measured by.

    Attributes:
        system: the class of the model.
        data: "static": MNIST in black and white as papers have it; "levels": its 256 grey levels k/255;
            "unit": the same, dequantised.
        arguments: of the system beside its event_shape.
        training: of ``fit``.
        measure: what test images cost, by names of ``evaluation.results``, the paper's kind of figure first;
            None: the model has no density.
        paper: what the paper reports on the same set in the same unit; None: nothing that compares.
        source: whose figure that is.
        start: the recipe of a first stage: parts of the same name start from its weights; None: from none.
        part: how many images to learn from, None: all, and to hold out; fewer where a step is dear.
    """

    system: type[nn.Module]
    data: Kind
    arguments: Mapping[str, Any]
    training: Mapping[str, Any]
    measure: Callable[[Any, Tensor, Tensor], dict[str, Estimate]] | None
    paper: str | None
    source: str
    start: str | None = None
    part: tuple[int | None, int] = (None, VALID)

    def model(self) -> Any:
        """The model before training."""
        return untrained(self.system, SHAPE, **self.arguments)

    def sets(self) -> tuple[Images, Images]:
        """The images to learn, and those that decide which epoch was best.

        Raises:
            DatasetUnavailable: they are not here: the message says how to get them.
        """
        splits = binarized_mnist() if self.data == "static" else mnist(self.data)
        (x, y), (held_out, classes), (n, m) = splits.train, splits.valid, self.part
        levels = splits.train.levels
        return Images(x[:n], y[:n], levels), Images(held_out[:m], classes[:m], levels)


def tossed(x: Tensor, *more: Tensor) -> tuple[Tensor, ...]:
    """Grey levels tossed anew to black and white in every step: the *dynamic* binarisation."""
    return (binarise(x, LEVELS), *more)


def digits_and_others(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """What a reader of samples must know: digits, moved a little, grey or tossed; and what is no digit.

    Every eighth image becomes one of class 10: its 7×7 blocks change places, or all its pixels do.
    """
    B, device = len(x), x.device
    x = x.roll(tuple(torch.randint(-1, 2, (2,)).tolist()), (2, 3))
    blocks = unfold(x[: B // 8], BLOCK, stride=BLOCK)[:, :, torch.randperm(16, device=device)]
    x = torch.cat([fold(blocks, SHAPE[1:], BLOCK, stride=BLOCK), x[B // 8 :]])
    x[: B // 16] = x[: B // 16].flatten(1)[:, torch.randperm(784, device=device)].view(-1, *SHAPE)
    coin = torch.rand(B, 1, 1, 1, device=device) < 0.5
    y = torch.cat([torch.full_like(y[: B // 8], CLASSES), y[B // 8 :]])
    return torch.where(coin, binarise(x, LEVELS), x), y


HOLLOW = {"network": "hollow", "hidden": 48, "alpha": 1e-6, "steps": 12}
COSINE = {"schedule": "cosine", "patience": inf}
RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "pixelrnn": Recipe(
            models.PixelRNN,
            "static",
            {"kind": "row", "hidden": 24, "layers": 1},
            {"epochs": 3, "lr": 1e-2, "batch_size": 32, "clip": 1.0, "average": 0.999, **COSINE},
            measures.nats,
            "79.20",
            "van den Oord, Kalchbrenner & Kavukcuoglu 2016, 7 layers of Diagonal BiLSTM",
        ),
        "pixelcnn": Recipe(
            models.PixelCNN,
            "static",
            {"hidden": 32, "blocks": 4, "classes": CLASSES, "dropout": 0.0},
            {"epochs": 4, "lr": 3e-3, "batch_size": 32, "clip": 1.0, "average": 0.999, **COSINE},
            measures.nats,
            "81.30",
            "van den Oord, Kalchbrenner & Kavukcuoglu 2016",
        ),
        "nade": Recipe(
            models.NADE,
            "static",
            {"hidden": 500},
            {"epochs": 9, "lr": 3e-3, "batch_size": 100, "average": 0.999, **COSINE},
            measures.nats,
            "88.33",
            "Larochelle & Murray 2011, 500 hidden units",
        ),
        "made": Recipe(
            models.MADE,
            "static",
            {"hidden": (500,)},
            {"epochs": 30, "lr": 2e-3, "batch_size": 100, "weight_decay": 0.1, "average": 0.999, **COSINE},
            measures.nats,
            "88.04",
            "Germain et al. 2015, one hidden layer of 8,000 and 32 masks; 86.64 with two",
        ),
        "nice": Recipe(
            models.NICE,
            "unit",
            {"net": "conv", "hidden": 40, "depth": 1, "couplings": 10, "patch": 4},
            {"epochs": 12, "lr": 2e-3, "batch_size": 50, "clip": 50.0, "average": 0.999, **COSINE},
            measures.bits,
            "4.36",
            "Dinh, Krueger & Bengio 2015",
        ),
        "realnvp": Recipe(
            models.RealNVP,
            "unit",
            {"net": "conv", "hidden": 32, "depth": 1, "couplings": 2, "scales": 3},
            {"epochs": 8, "lr": 2e-3, "batch_size": 50, "clip": 50.0, "average": 0.999, **COSINE},
            measures.bits,
            "1.06",
            "as reported by Grathwohl et al. 2019",
        ),
        "glow": Recipe(
            models.Glow,
            "unit",
            {"net": "conv", "hidden": 32, "depth": 1, "classes": CLASSES},
            {"epochs": 8, "lr": 2e-3, "batch_size": 50, "clip": 50.0, "average": 0.999, **COSINE},
            measures.bits,
            "1.05",
            "as reported by Grathwohl et al. 2019",
        ),
        "ffjord_regression": Recipe(
            FlowMatching,
            "unit",
            HOLLOW,
            {"epochs": 6, "lr": 3e-3, "batch_size": 32, "clip": 1000.0, "average": 0.999, **COSINE},
            measures.bits,
            None,
            "Lipman et al. 2023: the velocity of FFJORD, learned without an ODE",
        ),
        "ffjord": Recipe(
            models.FFJORD,
            "unit",
            {**HOLLOW, "trace": "exact", "training_steps": 8},
            # 200 small steps: after more, RK4 with 8 steps, and with 12, takes the flow for better than it is
            {"epochs": 1, "lr": 5e-5, "batch_size": 32, "clip": 50.0, "average": 0.98, **COSINE},
            measures.bits,
            "0.99",
            "Grathwohl et al. 2019, convolutional, at several scales",
            start="ffjord_regression",
            part=(6_400, 300),
        ),
        "vae": Recipe(
            models.VAE,
            "levels",
            {"latent": 40, "hidden": (350, 200), "classes": CLASSES, "dropout": 0.0},
            {"epochs": 300, "lr": 2e-3, "batch_size": 100, "average": 0.999, "transform": tossed, **COSINE},
            measures.bounds,
            "86.76",
            "Burda, Grosse & Salakhutdinov 2016, −L₅₀₀₀ of a VAE; 84.78 of an IWAE with k = 50",
        ),
        "rbm": Recipe(
            models.BoltzmannMachine,
            "static",
            {"hidden": 500, "gradient": "PCD", "k": 1, "chains": 200},
            {"epochs": 150, "lr": 2e-3, "batch_size": 100, "average": 0.999, **COSINE},
            measures.annealed_nats,
            "86.34",
            "Salakhutdinov & Murray 2008, 500 hidden units, 25 steps of CD",
            part=(None, 200),
        ),
        "gsn": Recipe(
            models.GSN,
            "static",
            {"hidden": (600, 480), "walkback": 5, "start": "blank"},
            {"epochs": 20, "lr": 2e-3, "batch_size": 100, "average": 0.999, **COSINE},
            None,
            None,
            "Bengio et al. 2014 report a Parzen score of 214, which ranks nothing",
        ),
        "gan": Recipe(
            models.GAN,
            "levels",
            {"network": "dense", "hidden": (400, 180), "latent": 32, "classes": CLASSES},
            {"epochs": 20, "lr": 1e-3, "batch_size": 100, "average": 0.999, "schedule": "cosine"},
            None,
            None,
            "Goodfellow et al. 2014 report a Parzen score of 225, which ranks nothing",
        ),
        "flow_matching": Recipe(
            FlowMatching,
            "unit",
            {
                "network": "convolutional",
                "hidden": (16, 32, 64),
                "classes": CLASSES,
                "guidance": 1.0,
                "solver": "midpoint",
                "alpha": 0.1,
            },
            {"epochs": 2, "lr": 3e-3, "batch_size": 64, "clip": 50.0, "average": 0.999, **COSINE},
            None,  # the exact trace of a convolutional velocity takes 784 passes back
            None,
            "Lipman et al. 2023; no figure on MNIST",
        ),
        "classifier": Recipe(
            DigitClassifier,
            "levels",
            {"classes": CLASSES + 1},
            {
                "epochs": 12,
                "lr": 3e-3,
                "batch_size": 100,
                "transform": digits_and_others,
                "average": 0.999,
                **COSINE,
            },
            measures.errors,
            None,
            "reads the samples of the others",
        ),
    }
)

"""Settings that are none: one ValueError that names the model, for every leaf of the tree."""

from math import nan

import pytest
import torch

from course_utils.models import (
    FFJORD,
    GAN,
    GSN,
    MADE,
    NADE,
    NICE,
    VAE,
    BoltzmannMachine,
    Glow,
    PixelCNN,
    PixelRNN,
    RealNVP,
)
from course_utils.models.flow_steps import Logit
from course_utils.taxonomy import leaves

COUNTS = (0, -1, 2.5, True, None)
WIDTHS = (0, (), (4, 0), (2.5,), (True,), None, 1.5, "9")
ORDERS = ([0, 1, 1, 3], [0, 1], "columns", [0.5, 1, 2, 3])
KERNELS = {"hidden": (0,), "levels": (1, 257), "first_kernel": (2,)}
BAD = {
    PixelRNN: {**KERNELS, "kind": ("column",), "layers": (0,)},
    PixelCNN: {**KERNELS, "kernel": (4,), "blocks": (0,), "classes": (0,)},
    NADE: {"hidden": (0, 2.5), "order": ORDERS},
    MADE: {"hidden": WIDTHS, "order": ORDERS, "masks": (0, 1.5, True), "seed": (-1, "0", True)},
    NICE: {"couplings": (1,), "depth": (0,), "net": (None,), "patch": (0, 3)},
    RealNVP: {"scales": (0, 5), "couplings": (0,), "hidden": (0,), "net": ("big",)},
    Glow: {"scales": (0,), "steps": (0,), "net": ("deep",), "classes": (0,)},
    FFJORD: {
        "trace": ("hutchinson",),
        "dynamics": (torch.tanh,),
        "solver": ("heun",),
        "steps": (0,),
        "training_steps": (1.5,),
        "tolerance": (-1,),
        "hidden": (0,),
        "alpha": (0.5,),
    },
    VAE: {
        "latent": (0,),
        "hidden": ((4, 0),),
        "decoder": ("softmax",),
        "network": ("recurrent",),
        "beta": (-1, nan),
        "samples": (0,),
        "classes": (0,),
        "dropout": (1,),
    },
    BoltzmannMachine: {
        **dict.fromkeys(("hidden", "k", "chains", "mixing"), COUNTS),
        "connections": ("none", None, 1),
        "gradient": ("cd", None, 1),
    },
    GSN: {
        "hidden": WIDTHS,
        "noise": (-0.1, 1.1, "a", None),
        "latent_noise": (-1, "a"),
        "walkback": (0, 1, 1.5, True),
        "mixing": (0, 2.0),
    },
    GAN: {
        "loss": ("hinge",),
        "latent": (0,),
        "hidden": (0, (5, 1.5)),
        "network": ("deep",),
        "classes": (0,),
        "discriminator_steps": (0,),
        "penalty": (-1,),
    },
}
TOGETHER = [  # shapes and settings that do not go together
    *((leaf, (4,), {}) for leaf in (PixelCNN, PixelRNN)),
    *((leaf, (3, 2, 2), {"hidden": 2}) for leaf in (PixelCNN, PixelRNN)),
    *((leaf, shape, {}) for leaf in (RealNVP, Glow) for shape in ((1,), (8, 8), (1, 7, 8), (1, 8, 7))),
    *((Glow, shape, {}) for shape in ((1, 6, 8), (1, 8, 6))),
    (Glow, (1, 3, 3), {"scales": 1}),
    *((NICE, shape, {}) for shape in ((1, 1, 1), (1, 2, 2, 2))),
    (VAE, (16,), {"network": "convolutional"}),
    (VAE, (1, 4, 4), {"network": "convolutional", "hidden": 2.5}),
    (VAE, (1, 4, 4), {"decoder": "discretised logistic", "levels": 1}),
    (VAE, (1, 4, 4), {"decoder": "gaussian", "scale": 0}),
    (VAE, (1, 4, 4), {"samples": 7, "beta": 2}),
    (BoltzmannMachine, (1, 3, 3), {"connections": "full", "hidden": 13}),
    (BoltzmannMachine, (1, 4, 4), {"connections": "full", "hidden": 12, "gradient": "exact"}),
    (BoltzmannMachine, (1, 5, 5), {"hidden": 23, "gradient": "exact"}),
    (GSN, (1, 2, 2), {"hidden": (4, 4, 4, 4), "walkback": 2}),
    (GAN, (2,), {"network": "convolutional"}),
]
PARTS = {  # what speaks for itself
    FFJORD: "FFJORD|Velocity|Logit|Solver",
    PixelCNN: "PixelCNN|MaskedConv2d",
    PixelRNN: "PixelRNN|MaskedConv2d",
}


def test_every_leaf_is_here():
    assert set(BAD) == set(leaves())


@pytest.mark.parametrize("leaf", BAD)
def test_bad_settings_are_named(leaf):
    square = (1, 8, 8) if leaf in (RealNVP, Glow) else (1, 2, 2)
    cases = [(square, {name: bad}) for name, values in BAD[leaf].items() for bad in values]
    cases += [(shape, settings) for other, shape, settings in TOGETHER if other is leaf]
    for shape, settings in cases:
        with pytest.raises(ValueError, match=f"({PARTS.get(leaf, leaf.__name__)}).*got"):
            leaf(shape, **settings)


def test_sizes_that_look_bad_are_not():
    RealNVP((1, 7, 7), scales=1, hidden=4)
    assert [b.numel() for b in GSN((2, 4, 8), hidden=5, walkback=1).b] == [64, 5]
    with pytest.raises(ValueError, match="alpha"):
        Logit(0.5)

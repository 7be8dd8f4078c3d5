"""Settings that are none: one ValueError that names the model, for every leaf and what is younger than it."""

from math import nan

import pytest
import torch

from course_utils import models
from course_utils.models import younger
from course_utils.models.flow_steps import Logit
from course_utils.taxonomy import leaves, tree

COUNTS = (0, -1, 2.5, True, None)
WIDTHS = (0, (), (4, 0), (2.5,), (True,), None, 1.5, "9")
ORDERS = ([0, 1, 1, 3], [0, 1], "columns", [0.5, 1, 2, 3])
KERNELS = {"hidden": (0,), "levels": (1, 257), "first_kernel": (2,)}
BAD = {
    models.PixelRNN: {**KERNELS, "kind": ("column",), "layers": (0,)},
    models.PixelCNN: {**KERNELS, "kernel": (4,), "blocks": (0,), "classes": (0,)},
    models.NADE: {"hidden": (0, 2.5), "order": ORDERS},
    models.MADE: {"hidden": WIDTHS, "order": ORDERS, "masks": (0, 1.5, True), "seed": (-1, "0", True)},
    models.NICE: {"couplings": (1,), "depth": (0,), "net": (None,), "patch": (0, 3)},
    models.RealNVP: {"scales": (0, 5), "couplings": (0,), "hidden": (0,), "net": ("big",)},
    models.Glow: {"scales": (0,), "steps": (0,), "net": ("deep",), "classes": (0,)},
    models.FFJORD: {
        "trace": ("hutchinson",),
        "dynamics": (torch.tanh,),
        "solver": ("heun",),
        "steps": (0,),
        "training_steps": (1.5,),
        "tolerance": (-1,),
        "hidden": (0,),
        "alpha": (0.5,),
    },
    models.VAE: {
        "latent": (0,),
        "hidden": ((4, 0),),
        "decoder": ("softmax",),
        "network": ("recurrent",),
        "beta": (-1, nan),
        "samples": (0,),
        "classes": (0,),
        "dropout": (1,),
    },
    models.BoltzmannMachine: {
        **dict.fromkeys(("hidden", "k", "chains", "mixing"), COUNTS),
        "connections": ("none", None, 1),
        "gradient": ("cd", None, 1),
    },
    models.GSN: {
        "hidden": WIDTHS,
        "noise": (-0.1, 1.1, "a", None),
        "latent_noise": (-1, "a"),
        "walkback": (0, 1, 1.5, True),
        "mixing": (0, 2.0),
    },
    models.GAN: {
        "loss": ("hinge",),
        "latent": (0,),
        "hidden": (0, (5, 1.5)),
        "network": ("deep",),
        "classes": (0,),
        "discriminator_steps": (0,),
        "penalty": (-1,),
    },
    younger.AnyOrder: {
        **dict.fromkeys(("hidden", "blocks"), (0,)),
        "levels": (1, 257),
        "orders": (0, None),
        "dropout": (1,),
        "seed": (-1,),
    },
    younger.DeepEnergy: {"hidden": ((0,), None), "mixing": (0,)},
    younger.Diffusion: {"hidden": (0,), "dropout": (1,), "lowest": (None, 8.0), "steps": (0,), "alpha": (0,)},
    younger.FlowMatching: {
        **dict.fromkeys(("patch", "classes", "steps"), (0,)),
        "hidden": (0, (4, 4)),
        "network": ("deep",),
        "guidance": (None,),
        "dropout": (1,),
        "solver": ("heun",),
        "alpha": (0.5,),
    },
    younger.SplineFlow: {
        **dict.fromkeys(("bound", "couplings", "hidden", "depth"), (0,)),
        "bins": (1, 2.5),
        "scales": (0, 4),
        "dropout": (1,),
        "net": ("no",),
        "alpha": (0.5,),
    },
    younger.VQVAE: {
        **dict.fromkeys(("width", "hidden"), (0,)),
        "levels": (1, 300),
        "tokens": (0, 5),
        "codes": (1,),
        "dropout": (1,),
        "commitment": (-1, None),
    },
}
ODD = ((1,), (8, 8), (1, 7, 8), (1, 8, 7))
TOGETHER = [  # shapes and settings that do not go together
    *((leaf, (4,), {}) for leaf in (models.PixelCNN, models.PixelRNN)),
    *((leaf, (3, 2, 2), {"hidden": 2}) for leaf in (models.PixelCNN, models.PixelRNN)),
    *((models.RealNVP, shape, {}) for shape in ODD),
    *((models.Glow, shape, {}) for shape in (*ODD, (1, 6, 8), (1, 8, 6))),
    (models.Glow, (1, 3, 3), {"scales": 1}),
    *((models.NICE, shape, {}) for shape in ((1, 1, 1), (1, 2, 2, 2))),
    (models.VAE, (16,), {"network": "convolutional"}),
    (models.VAE, (1, 4, 4), {"network": "convolutional", "hidden": 2.5}),
    (models.VAE, (1, 4, 4), {"decoder": "discretised logistic", "levels": 1}),
    (models.VAE, (1, 4, 4), {"decoder": "gaussian", "scale": 0}),
    (models.VAE, (1, 4, 4), {"samples": 7, "beta": 2}),
    (models.BoltzmannMachine, (1, 3, 3), {"connections": "full", "hidden": 13}),
    (models.BoltzmannMachine, (1, 4, 4), {"connections": "full", "hidden": 12, "gradient": "exact"}),
    (models.BoltzmannMachine, (1, 5, 5), {"hidden": 23, "gradient": "exact"}),
    (models.GSN, (1, 2, 2), {"hidden": (4, 4, 4, 4), "walkback": 2}),
    (models.GAN, (2,), {"network": "convolutional"}),
    (younger.DeepEnergy, (1, 8, 8), {}),
    (younger.FlowMatching, (2,), {"network": "convolutional"}),
    (younger.FlowMatching, (1, 4, 4), {"network": "convolutional", "hidden": (6,)}),
    (younger.FlowMatching, (1, 4, 4), {"network": "convolutional", "hidden": ()}),
    (younger.FlowMatching, (1, 4, 4), {"network": "convolutional", "patch": 3}),
    (younger.SplineFlow, (1,), {}),
]
SQUARE = dict.fromkeys(younger.YOUNGER, (1, 4, 4)) | dict.fromkeys((models.RealNVP, models.Glow), (1, 8, 8))
PARTS = {  # what speaks for itself
    models.FFJORD: "FFJORD|Velocity|Logit|Solver",
    models.PixelCNN: "PixelCNN|MaskedConv2d",
    models.PixelRNN: "PixelRNN|MaskedConv2d",
    younger.Diffusion: "Diffusion|Logit",
    younger.FlowMatching: "FlowMatching|Solver|Logit",
    younger.SplineFlow: "SplineFlow|Logit",
}


def test_every_system_is_here_and_the_younger_ones_are_not_on_slide_14():
    assert set(BAD) == {*leaves(), *younger.YOUNGER}
    for system in younger.YOUNGER:
        assert system.title not in tree() and system.descends_from in set(leaves())


@pytest.mark.parametrize("leaf", BAD)
def test_bad_settings_are_named(leaf):
    square = SQUARE.get(leaf, (1, 2, 2))
    cases = [(square, {name: bad}) for name, values in BAD[leaf].items() for bad in values]
    cases += [(shape, settings) for other, shape, settings in TOGETHER if other is leaf]
    for shape, settings in cases:
        with pytest.raises(ValueError, match=f"({PARTS.get(leaf, leaf.__name__)}).*got"):
            leaf(shape, **settings)


def test_sizes_that_look_bad_are_not():
    models.RealNVP((1, 7, 7), scales=1, hidden=4)
    assert [b.numel() for b in models.GSN((2, 4, 8), hidden=5, walkback=1).b] == [64, 5]
    with pytest.raises(ValueError, match="alpha"):
        Logit(0.5)

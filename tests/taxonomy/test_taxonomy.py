"""The class tree is the tree of slide 14."""

import pytest
import torch

from course_utils import runtime, taxonomy
from course_utils.checks import check_number
from course_utils.taxonomy import (
    ApproximateDensity,
    Autoregressive,
    Direct,
    ExplicitDensity,
    ExplicitMarkovChain,
    Flow,
    GenerativeModel,
    ImplicitDensity,
    ImplicitMarkovChain,
    TractableDensity,
    Variational,
    leaves,
    tree,
)

SLIDE_14 = {
    GenerativeModel: [ExplicitDensity, ImplicitDensity],
    ExplicitDensity: [TractableDensity, ApproximateDensity],
    TractableDensity: [Autoregressive, Flow],
    ApproximateDensity: [Variational, ExplicitMarkovChain],
    ImplicitDensity: [ImplicitMarkovChain, Direct],
}


def test_the_branches_are_those_of_slide_14_in_its_order():
    for node, below in SLIDE_14.items():
        assert taxonomy.children(node) == below


def test_the_tree_draws_itself_from_the_classes():
    lines = tree().splitlines()
    assert lines[0].startswith("Generative models")
    assert next(line for line in lines if "NADE" in line).startswith("│  │  │  ├─ ")
    for leaf in leaves():
        assert sum(leaf.title in line for line in lines) == 1
    assert sum("Markov chain" in line for line in lines) == 2


def test_a_students_own_class_does_not_grow_the_lectures_tree():
    before = tree()

    class Mine(Direct):
        title = "mine"
        _generator_loss = _discriminator_loss = _discriminate = None

        def _sample(self, n, generator):
            return torch.zeros(n, *self.event_shape)

    assert Mine((1, 2, 2)).sample(2).shape == (2, 1, 2, 2)
    assert tree() == before and Mine not in leaves()


@pytest.mark.parametrize("node", [*SLIDE_14, Autoregressive, Flow, Variational, Direct])
def test_a_branch_cannot_be_built(node):
    with pytest.raises(TypeError, match="abstract"):
        node((1, 2, 2))


def test_device_falls_back_with_one_line_and_unknown_names_are_refused(capsys, monkeypatch):
    monkeypatch.setattr(runtime, "works", lambda kind: kind == "cpu")
    assert runtime.device("cuda").type == "cpu"
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "cuda is not available" in said and "CPU" in said
    monkeypatch.setenv("COURSE_DEVICE", "mps")
    assert runtime.device().type == "cpu" and "mps" in capsys.readouterr().out
    monkeypatch.delenv("COURSE_DEVICE")
    assert runtime.device().type == "cpu" and capsys.readouterr().out == ""
    for bad in ("gpu", "cuda:x", "meta", "xla"):
        with pytest.raises(ValueError, match="cuda, mps, cpu"):
            runtime.device(bad)


def test_one_seed_sets_every_generator():
    import random

    import numpy as np

    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    runtime.set_seed(5)
    first = draw()
    runtime.set_seed(5)
    assert draw() == first
    runtime.set_seed(6)
    assert all(a != b for a, b in zip(draw(), first, strict=True))
    for bad in (-1, 2**32, 1.0, "0", None, True):
        with pytest.raises(ValueError, match="set_seed"):
            runtime.set_seed(bad)


def test_check_number_refuses_what_is_no_number():
    for bad in (float("nan"), float("inf"), "1", None, True, -0.1, 1.1):
        with pytest.raises(ValueError, match="flip: expected a number in"):
            check_number(bad, "flip", low=0, high=1)


def test_systems_stand_in_the_order_of_the_slide():
    on_slide = "PixelRNN PixelCNN NADE MADE NICE RealNVP Glow FFJORD VAE BoltzmannMachine GSN GAN"
    assert [leaf.__name__ for leaf in leaves()] == on_slide.split()

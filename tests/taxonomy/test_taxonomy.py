"""The class tree is the tree of slide 14."""

import pytest
import torch

from course_utils import taxonomy
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


def test_systems_stand_in_the_order_of_the_slide():
    on_slide = "PixelRNN PixelCNN NADE MADE NICE RealNVP Glow FFJORD VAE BoltzmannMachine GSN GAN"
    assert [leaf.__name__ for leaf in leaves()] == on_slide.split()

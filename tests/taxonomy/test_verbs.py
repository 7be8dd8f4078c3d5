"""What the tree grants: verbs read from the classes, each where the mathematics has it."""

import pytest

import course_utils.models  # noqa: F401
from course_utils import taxonomy
from course_utils.explorers.taxonomy import label, nodes
from course_utils.taxonomy import GenerativeModel, leaves, verbs

WHERE = {
    "log_prob": taxonomy.TractableDensity,
    "conditionals": taxonomy.Autoregressive,
    "complete": taxonomy.Autoregressive,
    "encode": (taxonomy.Flow, taxonomy.Variational),
    "decode": (taxonomy.Flow, taxonomy.Variational),
    "elbo": taxonomy.Variational,
    "importance_weighted_bound": taxonomy.Variational,
    "free_energy": taxonomy.ExplicitMarkovChain,
    "step": taxonomy.MarkovChain,
    "discriminate": taxonomy.Direct,
}


@pytest.mark.parametrize("node", nodes(), ids=lambda node: node.__name__)
def test_a_class_has_the_verbs_of_its_branch_and_no_others(node):
    spoken = verbs(node)
    assert spoken[0] == "sample" and len(set(spoken)) == len(spoken)
    for verb, branch in WHERE.items():
        assert (verb in spoken) == issubclass(node, branch), verb
    for verb in spoken:
        assert callable(getattr(node, verb)) and "loss" not in verb and verb != "check"


def test_a_leaf_adds_no_verb_to_its_branch():
    for leaf in leaves():
        branch = next(base for base in leaf.__mro__ if base.__module__.startswith("course_utils.taxonomy"))
        assert verbs(leaf) == verbs(branch), leaf


def test_every_class_of_the_tree_is_found_once_and_has_a_name_of_its_own():
    found = nodes()
    assert found[0] is GenerativeModel and set(leaves()) < set(found) and len(set(found)) == len(found)
    names = [label(node) for node in found]
    assert len(set(names)) == len(names)
    assert sum("Markov chain (" in name for name in names) == 2

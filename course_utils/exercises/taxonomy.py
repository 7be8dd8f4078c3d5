"""The exercises of notebook 10: a place on the tree, what bounds can prove, the best that any test can do."""

from collections.abc import Iterable, Sequence
from itertools import product

import torch
from torch import Tensor

from course_utils import taxonomy
from course_utils.exercises.engine import Cases, agrees, exercise, holds
from course_utils.taxonomy import verbs
from course_utils.universe import bars_and_stripes

Result = tuple[float, str, str]
NAMES = ("Autoregressive", "Flow", "Variational", "ExplicitMarkovChain", "ImplicitMarkovChain", "Direct")
VERBS: Cases = {name: (verbs(getattr(taxonomy, name)),) for name in NAMES}
VERBS_IN_NO_ORDER: Cases = {name: ({*found, "to", "parameters"},) for name, (found,) in VERBS.items()}


def results(ones: Sequence[str], others: Sequence[str], *values: tuple[float, float]) -> Cases:
    """Two results on one set, of each pair of kinds, with each pair of values."""
    return {
        f"{a:g} ({one}) against {b:g} ({other})": ((a, one, "digits"), (b, other, "digits"))
        for one, other, (a, b) in product(ones, others, values)
    }


KINDS = ("exact", "upper bound", "lower bound")
PROVABLE = results(KINDS[:2], KINDS[::2], (17.0, 18.0))
OPEN_QUESTIONS: Cases = {
    name: pair
    for name, pair in results(KINDS, KINDS, (17.0, 18.0), (18.0, 17.0), (17.0, 17.0)).items()
    if name not in PROVABLE
} | {"another set": ((1.0, "exact", "digits"), (80.0, "exact", "MNIST"))}
THREE = torch.tensor([0.1, 0.6, 0.3])
BARS = bars_and_stripes(3).log_p.exp()
EQUAL: Cases = {"a distribution and itself": (THREE, THREE)}
DISJOINT: Cases = {"no state in common": (torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 0.0, 1.0]))}
PAIRS: Cases = {
    "a fair coin and a biased one": (torch.tensor([0.5, 0.5]), torch.tensor([0.8, 0.2])),
    "three states": (THREE, torch.tensor([0.3, 0.3, 0.4])),
    "p_D of 3×3 and the uniform distribution": (BARS, torch.full_like(BARS, 1 / 512)),
}


@exercise(
    "A verb that only one family has settles the question at once. Which verbs are those?",
    "`conditionals`: autoregressive. `elbo`: variational. `free_energy`: the explicit Markov chain.",
    "`log_prob`, no conditionals: a flow. `step`, no free_energy: the implicit chain. The rest: direct.",
    holds("it is the name of a family", lambda came, _: came in NAMES, "one of " + ", ".join(NAMES), VERBS),
    agrees(VERBS, says="the verbs of every class on the tree lead back to it"),
    agrees(VERBS_IN_NO_ORDER, says="neither order nor other verbs matter"),
)
def family_of(verbs: Iterable[str]) -> str:
    """The family of a system, by the name of its class on the tree, from the verbs that it has."""
    verbs = set(verbs)
    if "log_prob" in verbs:
        return "Autoregressive" if "conditionals" in verbs else "Flow"
    if "elbo" in verbs:
        return "Variational"
    if "free_energy" in verbs:
        return "ExplicitMarkovChain"
    return "ImplicitMarkovChain" if "step" in verbs else "Direct"


@exercise(
    "What is the largest that a's true cost can be, and the smallest that b's can be?",
    "An upper bound says: the true cost is this or less. It proves something of a, and nothing of b.",
    "Numbers on different data say nothing about each other. Otherwise a must not be a lower bound, "
    "b not an upper bound, and a's value must be the smaller: equal ones prove nothing.",
    agrees(PROVABLE, says="what follows is seen to follow"),
    agrees(OPEN_QUESTIONS, says="nothing is claimed that does not follow"),
)
def surely_better(a: Result, b: Result) -> bool:
    """Whether a's true −log p is surely below b's: each (value, kind, data), kind of the value."""
    (value_a, kind_a, data_a), (value_b, kind_b, data_b) = a, b
    same = data_a == data_b
    return same and kind_a != "lower bound" and kind_b != "upper bound" and value_a < value_b


@exercise(
    "Given x, the best guess is the one that makes x more probable. How often is that guess right?",
    "Half of the x come from p, half from q: at state s the best guess is right with ½ max(p_s, q_s).",
    "Sum ½ max(p, q) over all states. It is ½ + ½ TV(p, q).",
    agrees(EQUAL, says="equal distributions leave nothing but guessing"),
    agrees(DISJOINT, says="disjoint distributions are always distinguished"),
    agrees(PAIRS, says="it agrees with the reference on other distributions"),
)
def best_accuracy(p: Tensor, q: Tensor) -> Tensor:
    """How often the best classifier is right that gets x from p or q, a coin deciding, ``(S,)`` each."""
    return torch.maximum(p, q).sum() / 2

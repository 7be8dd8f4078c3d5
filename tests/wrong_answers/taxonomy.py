"""Answers to the exercises of notebook 10."""

import torch

from course_utils.exercises.taxonomy import family_of
from wrong_answers import Answers


def by_encode(verbs):
    return "Flow" if "encode" in verbs else family_of(verbs)


def by_step(verbs):
    return "ImplicitMarkovChain" if "step" in verbs else family_of(verbs)


def by_title(verbs):
    return "Markov chain" if "step" in verbs else family_of(verbs)


def by_table(verbs):
    own = {"conditionals": "Autoregressive", "elbo": "Variational", "free_energy": "ExplicitMarkovChain"}
    own |= {"log_prob": "Flow", "step": "ImplicitMarkovChain", "sample": "Direct"}
    return next(name for verb, name in own.items() if verb in verbs)


def by_ends(a, b):
    most = float("inf") if a[1] == "lower bound" else a[0]
    least = float("-inf") if b[1] == "upper bound" else b[0]
    return a[2] == b[2] and most < least


ANSWERS = {
    "family_of": Answers(wrong=(by_encode, by_step, by_title), right=(by_table,)),
    "surely_better": Answers(
        wrong=(
            lambda a, b: a[0] < b[0],
            lambda a, b: a[2] == b[2] and a[0] < b[0],
            lambda a, b: a[2] == b[2] and a[1] == b[1] == "exact" and a[0] < b[0],
        ),
        right=(by_ends,),
    ),
    "best_accuracy": Answers(
        wrong=(
            lambda p, q: (p - q).abs().sum() / 2,
            lambda p, q: torch.maximum(p, q).sum(),
            lambda p, q: 0.5 + (p - q).abs().sum() / 2,
        ),
        right=(lambda p, q: 0.5 + (p - q).abs().sum() / 4, lambda p, q: 1 - torch.minimum(p, q).sum() / 2),
    ),
}

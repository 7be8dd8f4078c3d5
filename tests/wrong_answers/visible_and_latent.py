"""Answers to the exercises of notebook 09."""

import torch

from course_utils.exercises.visible_and_latent import log_marginal
from wrong_answers import Answers


def fits(x, prefix):
    return (x[:, : len(prefix)] == torch.tensor(prefix, dtype=x.dtype)).all(1)


def ink(x, prefix):
    return x[:, len(prefix)] == 1


def best(q):
    return q.argmax(1), q.max(1).values


ANSWERS = {
    "next_pixel": Answers(
        wrong=(
            lambda p, x, prefix: p[ink(x, prefix)].sum(),
            lambda p, x, prefix: p[fits(x, prefix) & ink(x, prefix)].sum(),
            lambda p, x, prefix: p[fits(x, prefix) & ink(x, prefix)].sum() / p[ink(x, prefix)].sum(),
        ),
        right=(
            lambda p, x, prefix: (p * fits(x, prefix) * x[:, len(prefix)]).sum() / p[fits(x, prefix)].sum(),
        ),
    ),
    "log_marginal": Answers(
        wrong=(
            lambda prior, given: given.logsumexp(1),
            lambda prior, given: (prior + given).max(1).values,
            lambda prior, given: (prior + given).logsumexp(0),
        ),
        right=(
            lambda prior, given: torch.logaddexp((prior + given)[:, 0], (prior + given)[:, 1:].logsumexp(1)),
        ),
    ),
    "explain": Answers(
        wrong=(
            lambda prior, given: best(given.softmax(1)),
            lambda prior, given: best((prior + given).exp()),
            lambda prior, given: best((prior + given).softmax(1))[::-1],
        ),
        right=(lambda prior, given: best((prior + given - log_marginal(prior, given)[:, None]).exp()),),
    ),
}

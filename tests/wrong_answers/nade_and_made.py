"""Answers to the exercises of notebook 12."""

from math import log

import torch

from course_utils.exercises.nade_and_made import naive_logits
from wrong_answers import Answers


def recursion(squash=torch.sigmoid, early=False, forgets=False):
    """The right loop, unless a mistake is asked for."""

    def answer(x, W, V, b, c):
        a, logits = c.repeat(len(x), 1), []
        for i in range(len(W)):
            after = (c if forgets else a) + x[:, i, None] * W[i]
            logits.append(squash(after if early else a) @ V[i] + b[i])
            a = after
        return torch.stack(logits, 1)

    return answer


def hidden(x, W, c):
    a = torch.cat([c.expand(len(x), 1, -1), (x[:, :, None] * W).cumsum(1) + c], 1)
    return torch.sigmoid(a[:, :-1])


def masks(into, out):
    def answer(m, D):
        d = torch.arange(1, D + 1)
        return into(m[:, None], d), out(d[:, None], m)

    return answer


ANSWERS = {
    "recursive_logits": Answers(
        wrong=(recursion(early=True), recursion(forgets=True), naive_logits),
        right=(lambda x, W, V, b, c: torch.einsum("bdh,dh->bd", hidden(x, W, c), V) + b,),
    ),
    "made_masks": Answers(
        wrong=(
            masks(lambda m, d: m >= d, lambda d, m: d >= m),
            masks(lambda m, d: m > d, lambda d, m: d > m),
            lambda m, D: tuple(mask.T for mask in masks(torch.ge, torch.gt)(m, D)),
        ),
        right=(masks(lambda m, d: ~(m < d), lambda d, m: d - 1 >= m),),
    ),
    "ensemble_log_prob": Answers(
        wrong=(
            lambda log_ps: log_ps.mean(0),
            lambda log_ps: log_ps.exp().mean(0).log(),
            lambda log_ps: log_ps.sum(0).log_softmax(0),
        ),
        right=(lambda log_ps: (log_ps - log(len(log_ps))).logsumexp(0),),
    ),
}

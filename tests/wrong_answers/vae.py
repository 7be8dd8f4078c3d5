"""Answers to the exercises of notebook 16."""

from math import log

import torch

from course_utils.exercises.vae import by_torch
from wrong_answers import Answers

ANSWERS = {
    "reparameterise": Answers(
        wrong=(
            lambda m, v, e: m + v.exp() * e,
            lambda m, v, e: m * e + v.exp().sqrt(),
            lambda m, v, e: (m + (0.5 * v).exp() * e).detach(),
        ),
        right=(lambda m, v, e: m + v.exp().sqrt() * e, lambda m, v, e: torch.addcmul(m, torch.exp(v / 2), e)),
    ),
    "kl_to_prior": Answers(
        wrong=(
            lambda m, v: -0.5 * (m**2 + v.exp() - 1 - v).sum(1),
            lambda m, v: 0.5 * (m**2 + v.exp() - v).sum(1),
            lambda m, v: (m**2 + v.exp() - 1 - v).sum(1),
            lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v).sum(1).detach(),
        ),
        right=(by_torch, lambda m, v: -0.5 * (1 + v - m.square() - v.exp()).sum(-1)),
    ),
    "k_sample_bound": Answers(
        wrong=(
            lambda log_w: log_w.mean(0),
            lambda log_w: log_w.exp().mean(0).log(),
            lambda log_w: log_w.logsumexp(0),
        ),
        right=(lambda log_w: (log_w - log(len(log_w))).logsumexp(0),),
    ),
}

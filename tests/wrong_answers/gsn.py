"""Answers to the exercises of notebook 18."""

import torch
from torch.nn.functional import binary_cross_entropy

from course_utils.exercises.gsn import corruption_probability, walkback_loss
from wrong_answers import Answers


def uniform(T):
    return torch.full((len(T),), 1 / len(T), dtype=T.dtype)


def power(T, steps):
    return torch.linalg.matrix_power(T, steps)


def cost(p, x):
    return -(x * p.log() + (1 - x) * (1 - p).log())


ANSWERS = {
    "corruption_probability": Answers(
        wrong=(
            lambda x, noisy, noise: torch.where(x == noisy, 1 - noise, noise).prod(1),
            lambda x, noisy, noise: torch.where(x == noisy, noise / 2, 1 - noise / 2).prod(1),
            lambda x, noisy, noise: torch.where(x == noisy, 1 - noise / 2, noise / 2).mean(1),
        ),
        right=(
            lambda x, noisy, noise: torch.where(x == noisy, 1 - noise / 2, noise / 2).prod(1),
            lambda x, noisy, noise: corruption_probability(noisy, x, noise),
        ),
    ),
    "distribution_after": Answers(
        wrong=(
            lambda T, steps: power(T.T, steps).mean(0),
            lambda T, steps: power(T, steps)[0],
            lambda T, steps: power(T, steps).sum(0),
        ),
        right=(lambda T, steps: power(T, steps).mean(0), lambda T, steps: uniform(T) @ power(T, steps)),
    ),
    "walkback_loss": Answers(
        wrong=(
            lambda p, walk: cost(p, walk).sum(-1).mean(),
            lambda p, walk: cost(p[0], walk[0]).sum(-1).mean(),
            lambda p, walk: cost(p, walk[0]).sum(-1),
        ),
        right=(
            lambda p, walk: binary_cross_entropy(p, walk[:1].expand_as(p), reduction="none").sum(-1).mean(),
            lambda p, walk: torch.stack([walkback_loss(q[None], walk) for q in p]).mean(),
        ),
    ),
}

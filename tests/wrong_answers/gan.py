"""Answers to the exercises of notebook 19."""

import torch

from wrong_answers import Answers


def by_rows(x, patterns):
    seen = {tuple(row) for row in x.tolist()}
    return sum(tuple(row) in seen for row in patterns.tolist())


ANSWERS = {
    "best_discriminator": Answers(
        wrong=(lambda p, q: q / (p + q), lambda p, q: p / q, lambda p, q: p - q),
        right=(lambda p, q: 1 / (1 + q / p), lambda p, q: torch.sigmoid(p.log() - q.log())),
    ),
    "generator_slopes": Answers(
        wrong=(
            lambda t: (-(1 - torch.sigmoid(t)), -torch.sigmoid(t)),
            lambda t: (torch.sigmoid(t), 1 - torch.sigmoid(t)),
            lambda t: -torch.sigmoid(t),
        ),
        right=(lambda t: (-torch.sigmoid(t), -torch.sigmoid(-t)),),
    ),
    "modes_hit": Answers(
        wrong=(
            lambda x, patterns: int((x[:, None] == patterns).all(2).sum()),
            lambda x, patterns: int((x[:, None] == patterns).any(2).any(0).sum()),
            lambda x, patterns: len(x.unique(dim=0)),
        ),
        right=(by_rows,),
    ),
}

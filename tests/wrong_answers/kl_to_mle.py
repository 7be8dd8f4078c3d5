"""Answers to the exercises of notebook 04."""

import torch

from wrong_answers import Answers


def dots(*args): ...


ANSWERS = {
    "expected_nll": Answers(
        wrong=(
            lambda log_p, log_q: -(log_q.exp() * log_p).sum(),
            lambda log_p, log_q: -(log_p * log_q).sum(),
            lambda log_p, log_q: (log_p.exp() * log_q).sum(),
            lambda log_p, log_q: -(log_p.exp() * log_q).mean(),
            lambda log_p, log_q: -(log_p.exp() * log_p).sum(),
            lambda log_p, log_q: (log_p.exp() * (log_p - log_q)).sum(),
            lambda log_p, log_q: -log_q.mean(),
            lambda log_p, log_q: -log_p.exp() * log_q,
            lambda log_p, log_q: -(log_p.exp() @ log_q).item(),
            lambda log_p, log_q: -(log_p.exp() @ log_q).detach(),
            lambda log_p, log_q: -(log_p.exp().numpy() * log_q.numpy()).sum(),
        ),
        right=(
            lambda log_p, log_q: -(log_p.exp() @ log_q),
            lambda log_p, log_q: torch.nn.functional.cross_entropy(log_q, log_p.exp()),
        ),
        untouched=(dots, ..., None),
    ),
    "bernoulli_mle": Answers(
        wrong=(
            lambda x: x.sum(),
            lambda x: 1 - x.mean(),
            lambda x: x.median(),
            lambda x: (x.sum() + 1) / (len(x) + 2),
            lambda x: torch.tensor(0.5),
            lambda x: x.sum() / (len(x) - 1),
            lambda x: x.mean().round(),
        ),
        right=(lambda x: x.sum() / len(x), lambda x: (x == 1).float().mean()),
        untouched=(dots, ..., None),
    ),
    "mle_divergence": Answers(
        wrong=("reverse KL", "JS", "TV", "KL", "forward", 1, ("forward KL",)),
        right=("forward KL",),
        untouched=(..., None),
    ),
}

"""Answers to the exercises of notebook 04."""

import torch

from wrong_answers import Answers

ANSWERS = {
    "expected_nll": Answers(
        wrong=(
            lambda log_p, log_q: -(log_q.exp() * log_p).sum(),
            lambda log_p, log_q: -(log_p * log_q).sum(),
            lambda log_p, log_q: -(log_p.exp() @ log_q).item(),
        ),
        right=(
            lambda log_p, log_q: -(log_p.exp() @ log_q),
            lambda log_p, log_q: torch.nn.functional.cross_entropy(log_q, log_p.exp()),
        ),
    ),
    "bernoulli_mle": Answers(
        wrong=(lambda x: x.sum(), lambda x: 1 - x.mean(), lambda x: x.median()),
        right=(lambda x: x.sum() / len(x), lambda x: (x == 1).float().mean()),
    ),
    "mle_divergence": Answers(wrong=("reverse KL", "KL", 1), right=("forward KL",), untouched=(..., None)),
}

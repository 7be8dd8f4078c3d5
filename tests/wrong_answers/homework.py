"""Answers to the exercises of notebook 21."""

import torch

from course_utils.divergences import js, kl
from wrong_answers import Answers


def shares(draws, states):
    return torch.bincount(draws, minlength=states) / len(draws)


ANSWERS = {
    "kl_as_sum": Answers(
        wrong=(
            lambda log_p, log_q: (log_q.exp() * (log_q - log_p)).sum(),
            lambda log_p, log_q: -(log_p.exp() * (log_p - log_q)).sum(),
            lambda log_p, log_q: -(log_p.exp() * log_q).sum(),
        ),
        right=(lambda log_p, log_q: log_p.exp() @ (log_p - log_q), kl),
    ),
    "split_kl": Answers(
        wrong=(
            lambda log_p, log_q: ((log_p.exp() * log_q).sum(), (log_p.exp() * log_p).sum()),
            lambda log_p, log_q: (log_p.sum(), log_q.sum()),
            lambda log_p, log_q: (kl(log_p, log_q), torch.zeros(())),
        ),
        right=(lambda log_p, log_q: (log_p.exp() @ log_p, log_p.exp() @ log_q),),
    ),
    "sum_with_theta": Answers(
        wrong=("first", "both", 2), right=("second", "Second", " second. "), untouched=(..., None)
    ),
    "nll_minus_kl": Answers(
        wrong=(
            lambda log_p, log_qs: -(log_qs @ log_p.exp()),
            lambda log_p, log_qs: (log_p - log_qs) @ log_p.exp(),
            lambda log_p, log_qs: -(log_p.exp() * log_p).sum(),
        ),
        right=(lambda log_p, log_qs: -(log_p.exp() * log_p).sum().expand(len(log_qs)),),
    ),
    "nll_of_samples": Answers(
        wrong=(
            lambda log_q, draws: log_q[draws].mean(),
            lambda log_q, draws: -log_q[draws].sum(),
            lambda log_q, draws: -log_q.mean(),
        ),
        right=(lambda log_q, draws: -(shares(draws, len(log_q)) * log_q).sum(),),
    ),
    "likeliest_distribution": Answers(
        wrong=(
            lambda draws, states: torch.full((states,), 1 / states),
            lambda draws, states: torch.bincount(draws, minlength=states).float(),
            lambda draws, states: torch.bincount(draws) / len(draws),
        ),
        right=(lambda draws, states: torch.eye(states)[draws].mean(0),),
    ),
    "argument": Answers(
        wrong=("ABCDEF", "CEBFDA", "CBEFAD", "CEBF"),
        right=("CEBFAD", "cebfad", " C E B F A D ", "C, E, B, F, A, D"),
        untouched=(..., None),
    ),
    "reverse_choice": Answers(
        wrong=(
            lambda log_p, log_qs: int((log_p.exp() * (log_p - log_qs)).sum(1).argmin()),
            lambda log_p, log_qs: int((log_qs.exp() * (log_qs - log_p)).sum(1).argmax()),
            lambda log_p, log_qs: float((log_qs.exp() * (log_qs - log_p)).sum(1).min()),
        ),
        right=(lambda log_p, log_qs: min(range(len(log_qs)), key=lambda t: kl(log_qs[t], log_p).item()),),
    ),
    "lowest_training_nll": Answers(
        wrong=(
            lambda draws, states: torch.tensor(float(states)).log(),
            lambda draws, states: torch.tensor(0.0),
            lambda draws, states: -(shares(draws, states) * shares(draws, states).log()).sum(),
        ),
        right=(lambda draws, states: -shares(draws, states)[draws].log().mean(),),
    ),
    "js_of_the_best_discriminator": Answers(
        wrong=(
            lambda log_p, log_q: kl(log_p, log_q),
            lambda log_p, log_q: (kl(log_p, log_q) + kl(log_q, log_p)) / 2,
            lambda log_p, log_q: js(log_p, log_q) - torch.tensor(2.0).log(),
        ),
        right=(js,),
    ),
}

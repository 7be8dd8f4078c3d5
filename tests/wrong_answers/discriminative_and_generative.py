"""Answers to the exercises of notebook 08."""

import torch

from wrong_answers import Answers


def odds(p):
    return p / (1 - p)


def w(mu):
    return odds(mu[1]).log() - odds(mu[0]).log()


def nb(x, mu):
    return x @ mu.log().T + (1 - x) @ (1 - mu).log().T


ANSWERS = {
    "posterior_by_bayes": Answers(
        wrong=(
            lambda log_px, log_py: log_px.softmax(1),
            lambda log_px, log_py: (log_px + log_py).softmax(0),
            lambda log_px, log_py: log_px.exp() * log_py.exp() / (log_px.exp() * log_py.exp()).sum(1, True),
        ),
        right=(
            lambda log_px, log_py: (log_px + log_py - (log_px + log_py).logsumexp(1, keepdim=True)).exp(),
        ),
    ),
    "naive_bayes_weights": Answers(
        wrong=(
            lambda mu, p1: (mu[1].log() - mu[0].log(), (p1 / (1 - p1)).log()),
            lambda mu, p1: (w(mu), odds(p1).log()),
            lambda mu, p1: (-w(mu), ((1 - mu[0]) / (1 - mu[1])).log().sum() - odds(p1).log()),
        ),
        right=(lambda mu, p1: (w(mu), (1 - mu).log().sum(1) @ torch.tensor([-1.0, 1.0]) + torch.logit(p1)),),
    ),
    "log_px_of_seen": Answers(
        wrong=(
            lambda x, seen, mu: nb(x, mu),
            lambda x, seen, mu: nb(x * seen, mu),
            lambda x, seen, mu: nb(x[:, seen], mu[:2, seen]),
        ),
        right=(lambda x, seen, mu: (seen * x) @ mu.log().T + (seen * (1 - x)) @ (1 - mu).log().T,),
    ),
    "with_prior": Answers(
        wrong=(
            lambda p, old, new: p * new / old,
            lambda p, old, new: p,
            lambda p, old, new: odds(p) * odds(new) / odds(old) / (1 + odds(p) * odds(new) / odds(old)),
        ),
        right=(
            lambda p, old, new: torch.sigmoid(
                torch.logit(p) + torch.logit(torch.tensor(new)) - torch.logit(torch.tensor(old))
            ),
        ),
    ),
}

"""Answers to the exercises of notebook 16."""

from math import log

import torch
from torch.distributions import Normal, kl_divergence

from wrong_answers import Answers


def dots(*args): ...


ANSWERS = {
    "reparameterise": Answers(
        wrong=(
            lambda mean, log_variance, noise: mean + log_variance.exp() * noise,
            lambda mean, log_variance, noise: mean + log_variance * noise,
            lambda mean, log_variance, noise: mean + noise,
            lambda mean, log_variance, noise: mean * noise + log_variance.exp().sqrt(),
            lambda mean, log_variance, noise: mean + (-0.5 * log_variance).exp() * noise,
            lambda mean, log_variance, noise: mean + (0.5 * log_variance).exp() * torch.randn_like(mean),
            lambda mean, log_variance, noise: mean,
            lambda mean, log_variance, noise: (mean + (0.5 * log_variance).exp() * noise).detach(),
            lambda mean, log_variance, noise: mean + (0.5 * log_variance).exp().detach() * noise,
            lambda mean, log_variance, noise: (mean + (0.5 * log_variance).exp() * noise).sum(1),
        ),
        right=(
            lambda mean, log_variance, noise: mean + log_variance.exp().sqrt() * noise,
            lambda mean, log_variance, noise: torch.addcmul(mean, torch.exp(log_variance / 2), noise),
        ),
        untouched=(dots, ..., None),
    ),
    "kl_to_prior": Answers(
        wrong=(
            lambda mean, log_variance: -0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1),
            lambda mean, log_variance: 0.5 * (mean**2 + log_variance.exp() - log_variance).sum(1),
            lambda mean, log_variance: 0.5 * (mean**2 + log_variance.exp() - 1 + log_variance).sum(1),
            lambda mean, log_variance: (mean**2 + log_variance.exp() - 1 - log_variance).sum(1),
            lambda mean, log_variance: 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean(1),
            lambda mean, log_variance: 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(),
            lambda mean, log_variance: 0.5 * (mean**2 + log_variance - 1 - log_variance.log()).sum(1),
            lambda mean, log_variance: (
                0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).detach()
            ),
            lambda mean, log_variance: kl_divergence(
                Normal(0.0, 1.0), Normal(mean, (0.5 * log_variance).exp())
            ).sum(1),
        ),
        right=(
            lambda mean, log_variance: kl_divergence(
                Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)
            ).sum(1),
            lambda mean, log_variance: -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(-1),
        ),
        untouched=(dots, ..., None),
    ),
    "k_sample_bound": Answers(
        wrong=(
            lambda log_w: log_w.mean(0),
            lambda log_w: log_w.exp().mean(0).log(),
            lambda log_w: log_w.logsumexp(0),
            lambda log_w: log_w.logsumexp(0) / len(log_w),
            lambda log_w: log_w.logsumexp(0) + log(len(log_w)),
            lambda log_w: log_w.logsumexp(1) - log(log_w.shape[1]),
            lambda log_w: log_w.max(0).values,
            lambda log_w: log_w.exp().mean(0),
            lambda log_w: log_w.logsumexp((0, 1)) - log(log_w.numel()),
        ),
        right=(
            lambda log_w: (log_w - log(len(log_w))).logsumexp(0),
            lambda log_w: log_w.max(0).values + (log_w - log_w.max(0).values).exp().mean(0).log(),
        ),
        untouched=(dots, ..., None),
    ),
}

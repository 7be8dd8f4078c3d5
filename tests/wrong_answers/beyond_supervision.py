"""Answers to the exercises of notebook 02."""

import torch

from wrong_answers import Answers


def gap(usual, odd):
    return odd[:, None] - usual


ANSWERS = {
    "nearest_centre": Answers(
        wrong=(
            lambda x, centres: (x[:, None] - centres).square().sum(2).argmax(1),
            lambda x, centres: (x[:, None] - centres).square().sum(2).min(1).values,
            lambda x, centres: (x[:, None] - centres).square().sum(2).argmin(0),
        ),
        right=(
            lambda x, centres: torch.cdist(x, centres).argmin(1),
            lambda x, centres: (centres.square().sum(1) - 2 * x @ centres.T).argmin(1),
        ),
    ),
    "from_components": Answers(
        wrong=(
            lambda x, mean, axes: (x - mean) @ axes.T @ axes,
            lambda x, mean, axes: x @ axes.T @ axes,
            lambda x, mean, axes: (x - mean) @ axes.T,
        ),
        right=(lambda x, mean, axes: mean + ((x - mean) @ axes.T) @ axes,),
    ),
    "auroc": Answers(
        wrong=(
            lambda usual, odd: (gap(usual, odd) > 0).double().mean(),
            lambda usual, odd: (1 - gap(usual, odd).sign().double().mean()) / 2,
            lambda usual, odd: odd.mean() - usual.mean(),
        ),
        right=(lambda usual, odd: (gap(usual, odd).sign().double().mean() + 1) / 2,),
    ),
}

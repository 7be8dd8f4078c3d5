"""Answers to the exercises of notebook 06."""

import torch

from wrong_answers import Answers


def over_all_pixels(x, made, body):
    return ((made - x).abs() * (1 - body)).mean()


ANSWERS = {
    "cycle_error": Answers(
        wrong=(
            lambda G, F, x, y: (F(G(x)) - x).abs().mean(),
            lambda G, F, x, y: (G(x) - y).abs().mean() if x.shape == y.shape else (F(G(x)) - x).mean(),
            lambda G, F, x, y: (F(G(x)) - x).square().mean() + (G(F(y)) - y).square().mean(),
            lambda G, F, x, y: (G(F(x)) - x).abs().mean() + (F(G(y)) - y).abs().mean(),
        ),
        right=(lambda G, F, x, y: abs(x - F(G(x))).mean() + abs(y - G(F(y))).mean(),),
    ),
    "meadow_error": Answers(
        wrong=(
            over_all_pixels,
            lambda x, made, body: (made - x).abs().mean(),
            lambda x, made, body: ((made - x).abs() * body).sum() / body.expand_as(x).sum(),
            lambda x, made, body: ((made - x).abs() * (1 - body)).sum() / (1 - body).sum(),
        ),
        right=(
            lambda x, made, body: ((made - x).abs().mean(1, keepdim=True) * (1 - body)).sum()
            / (1 - body).sum(),
        ),
    ),
    "mixed_styles": Answers(
        wrong=(
            lambda a, b, first: torch.cat([b[:, :first], a[:, first:]], 1),
            lambda a, b, first: torch.cat([a[:first], b[first:]]),
            lambda a, b, first: (a + b) / 2,
        ),
        right=(lambda a, b, first: torch.where(torch.arange(a.shape[1])[:, None] < first, a, b),),
    ),
}

"""Answers to the exercises of notebook 07."""

import torch

from wrong_answers import Answers

ANSWERS = {
    "hidden": Answers(
        wrong=(
            lambda x, W, c: torch.sigmoid(x @ W),
            lambda x, W, c: x @ W + c,
            lambda x, W, c: torch.sigmoid(x @ W + c).round(),
        ),
        right=(lambda x, W, c: 1 / (1 + (-x @ W - c).exp()),),
    ),
    "moved": Answers(
        wrong=(
            lambda p, right, down: p + torch.tensor([right, down]),
            lambda p, right, down: p - torch.tensor([down, right]),
            lambda p, right, down: p - right - down,
        ),
        right=(lambda p, right, down: torch.stack([p[..., 0] - right, p[..., 1] - down], -1),),
    ),
    "composed": Answers(
        wrong=(
            lambda M, c, r: M * r + (1 - M) * c,
            lambda M, c, r: M * c + r,
            lambda M, c, r: torch.where(M > 0.5, c, r),
        ),
        right=(lambda M, c, r: torch.lerp(r, c, M), lambda M, c, r: r + M * (c - r)),
    ),
}

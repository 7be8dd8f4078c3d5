"""Answers to the exercises of notebook 05."""

import torch

from wrong_answers import Answers


def shares(found, p):
    return torch.bincount(found[found >= 0], minlength=len(p)) / (found >= 0).sum()


def by_loop(found, p):
    right = [k for k in found.tolist() if k >= 0]
    return sum(abs(right.count(k) / len(right) - q) for k, q in enumerate(p.tolist())) / 2


ANSWERS = {
    "psnr": Answers(
        wrong=(
            lambda made, x: 10 * (made - x).square().mean().log10(),
            lambda made, x: -20 * (made - x).square().mean().log10(),
            lambda made, x: -10 * (made - x).square().mean().log(),
            lambda made, x: -10 * (made - x).abs().mean().log10(),
            lambda made, x: -10 * (made - x).square().sum().log10(),
        ),
        right=(
            lambda made, x: 10 * torch.log10(1 / ((made - x) ** 2).mean()),
            lambda made, x: -20 * (made - x).square().mean().sqrt().log10(),
        ),
    ),
    "lost": Answers(
        wrong=(
            lambda a: 10 * (1 + a).log10(),
            lambda a: 3.0103 * a,
            lambda a: 3.0103 * a**2,
            lambda a: -10 * (1 + a**2).log10(),
            lambda a: 20 * (1 + a**2).log10(),
            lambda a: 10 * (2 * a**2).log10(),
        ),
        right=(lambda a: 10 * torch.log1p(a * a) / torch.tensor(10.0).log(),),
    ),
    "l2_answer": Answers(
        wrong=(
            lambda colours, p: colours.mean(0),
            lambda colours, p: colours[p.argmax()],
            lambda colours, p: (p[:, None] * colours).mean(0),
        ),
        right=(lambda colours, p: p @ colours,),
    ),
    "total_variation": Answers(
        wrong=(
            lambda found, p: (shares(found, p) - p).abs().sum().item(),
            lambda found, p: (shares(found, p) - p).abs().max().item(),
            lambda found, p: (torch.bincount(found[found >= 0], minlength=len(p)) / len(found) - p)
            .abs()
            .sum()
            / 2,
        ),
        right=(by_loop, lambda found, p: (shares(found, p) - p).clamp(min=0).sum()),
    ),
}

"""Answers to the exercises of notebook 00."""

import torch

from wrong_answers import Answers


def no_return(x):
    x.mean(dim=(1, 2, 3))


def dots(x): ...


def raises(x):
    raise NotImplementedError("to do")


ANSWERS = {
    "ink": Answers(
        wrong=(
            lambda x: x.sum(dim=(1, 2, 3)),
            lambda x: 1 - x.mean(dim=(1, 2, 3)),
            lambda x: x.sum(dim=(1, 2, 3)) / 64,
            lambda x: x[:, 0].mean(dim=(1, 2)),
        ),
        right=(
            lambda x: torch.stack([image.mean() for image in x]),
            lambda x: x.flatten(1).sum(1) / x[0].numel(),
        ),
        untouched=(dots, raises, lambda x: ..., no_return, ..., None),
    ),
    "pixels": Answers(
        wrong=(8, 17, 64.5),
        right=(64, 64.0, 8 * 8, torch.tensor(64), torch.ones(1, 8, 8).sum()),
        untouched=(..., None),
    ),
}

"""Answers to the exercises of notebook 00."""

import torch

from wrong_answers import Answers


def sum_for_mean(x):
    return x.sum(dim=(1, 2, 3))


def whole_batch(x):
    return x.mean()


def black_for_white(x):
    return 1 - x.mean(dim=(1, 2, 3))


def squares_of_8(x):
    return x.sum(dim=(1, 2, 3)) / 64


def first_channel(x):
    return x[:, 0].mean(dim=(1, 2))


def binarised(x):
    return (x >= 0.5).float().mean(dim=(1, 2, 3))


def keeps_dims(x):
    return x.mean(dim=(1, 2, 3), keepdim=True)


def each_row(x):
    return x.mean(dim=(1, 2))


def list_of_floats(x):
    return [image.mean().item() for image in x]


def in_place(x):
    return x.clamp_(min=0.1).mean(dim=(1, 2, 3))


def no_return(x):
    x.mean(dim=(1, 2, 3))


def loop(x):
    return torch.stack([image.mean() for image in x])


def counted(x):
    return x.flatten(1).sum(1) / x[0].numel()


def dots(x): ...


def raises(x):
    raise NotImplementedError("to do")


def returns_dots(x):
    return ...


ANSWERS = {
    "ink": Answers(
        wrong=(
            sum_for_mean,
            whole_batch,
            black_for_white,
            squares_of_8,
            first_channel,
            binarised,
            keeps_dims,
            each_row,
            in_place,
            torch.mean(torch.zeros(2)),
        ),
        right=(loop, list_of_floats, counted, lambda x: x.double().mean((1, 2, 3))),
        untouched=(dots, raises, returns_dots, no_return, ..., None),
    ),
    "pixels": Answers(
        wrong=(
            8,
            16,
            17,
            28 * 28,
            64 * 17,
            2**64,
            -64,
            0,
            64.5,
            (1, 8, 8),
            "64",
            True,
            float("nan"),
            float("inf"),
        ),
        right=(64, 64.0, 8 * 8, torch.tensor(64), torch.ones(1, 8, 8).sum()),
        untouched=(..., None),
    ),
}

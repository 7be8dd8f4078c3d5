"""Answers to the exercises of notebook 14."""

import torch

from wrong_answers import Answers

ANSWERS = {
    "conv_log_det": Answers(
        wrong=(
            lambda s, h, w: s.abs().log().sum(),
            lambda s, h, w: h * w * s.log().sum(),
            lambda s, h, w: h * w * s.abs().sum().log(),
        ),
        right=(lambda s, h, w: h * w * torch.linalg.slogdet(torch.diag(s)).logabsdet,),
    ),
    "normalise_channels": Answers(
        wrong=(
            lambda x: (x - x.mean()) / x.std(),
            lambda x: (x - x.mean(0)) / x.std(0),
            lambda x: (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True),
        ),
        right=(lambda x: torch.nn.functional.batch_norm(x, None, None, training=True),),
    ),
    "between": Answers(
        wrong=(
            lambda a, b, t: t * a + (1 - t) * b,
            lambda a, b, t: a + t * b,
            lambda a, b, t: (1 - t) ** 0.5 * a + t**0.5 * b,
        ),
        right=(torch.lerp, lambda a, b, t: a + t * (b - a)),
    ),
}

"""Answers to the exercises of notebook 03."""

from math import log, log10

import torch

from wrong_answers import Answers

ANSWERS = {
    "log10_images": Answers(
        wrong=(
            lambda h, w, c, k: h * w * c * log(k),
            lambda h, w, c, k: h * w * log10(k),
            lambda h, w: h * w,
        ),
        right=(
            lambda h, w, c, k: log10(k) * c * w * h,
            lambda h, w, c, k: torch.tensor(float(k)).double().log10() * (h * w * c),
        ),
    ),
    "distance": Answers(
        wrong=(
            lambda p, q: (p - q).abs().sum(),
            lambda p, q: (p - q).abs().max(),
            lambda p, q: (p * (p / q).log()).sum(),
        ),
        right=(
            lambda p, q: (p - q).clamp_min(0).sum(),
            lambda p, q: 1 - torch.minimum(p, q).sum(),
        ),
    ),
}

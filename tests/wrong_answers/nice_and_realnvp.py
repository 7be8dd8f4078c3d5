"""Answers to the exercises of notebook 13."""

from math import log, log2

import torch

from wrong_answers import Answers

ANSWERS = {
    "log_density_of_x": Answers(
        wrong=(
            lambda log_p, d: log_p - d.abs().log(),
            lambda log_p, d: log_p + d.log(),
            lambda log_p, d: log_p.exp() * d.abs(),
        ),
        right=(lambda log_p, d: (log_p.exp() * d.abs()).log(), lambda log_p, d: log_p + d.square().log() / 2),
    ),
    "undo_coupling": Answers(
        wrong=(
            lambda z, t: torch.stack([z[:, 0], z[:, 1] + t(z[:, 0])], 1),
            lambda z, t: torch.stack([z[:, 0], z[:, 1] - t(z[:, 1])], 1),
            lambda z, t: z[:, 1] - t(z[:, 0]),
        ),
        right=(lambda z, t: z - torch.stack([torch.zeros(len(z)), t(z[:, 0])], 1),),
    ),
    "affine_log_det": Answers(
        wrong=(lambda s: s.sum(), lambda s: s.mean(1), lambda s: -s.sum(1)),
        right=(lambda s: s.exp().prod(1).log(), lambda s: torch.einsum("bd->b", s)),
    ),
    "density_to_bits": Answers(
        wrong=(
            lambda log_p, dims, levels: -log_p / dims / log(2),
            lambda log_p, dims, levels: (log_p / dims + log(levels)) / log(2),
            lambda log_p, dims, levels: (-log_p / dims - log(levels)) / log(2),
        ),
        right=(lambda log_p, dims, levels: log2(levels) - log_p / (dims * log(2)),),
    ),
}

"""Answers to the exercises of notebooks 13 and 14."""

from math import log, log2

import torch

from wrong_answers import Answers


def dots(*args): ...


ANSWERS = {
    "log_density_of_x": Answers(
        wrong=(
            lambda log_p, d: log_p - d.abs().log(),
            lambda log_p, d: log_p + d.log(),
            lambda log_p, d: log_p,
            lambda log_p, d: log_p * d.abs(),
            lambda log_p, d: log_p.exp() * d.abs(),
            lambda log_p, d: (log_p + d.abs().log()).sum(),
        ),
        right=(lambda log_p, d: (log_p.exp() * d.abs()).log(), lambda log_p, d: log_p + d.square().log() / 2),
        untouched=(dots, ..., None),
    ),
    "undo_coupling": Answers(
        wrong=(
            lambda z, t: torch.stack([z[:, 0], z[:, 1] + t(z[:, 0])], 1),
            lambda z, t: torch.stack([z[:, 0], z[:, 1] - t(z[:, 1])], 1),
            lambda z, t: torch.stack([z[:, 0] - t(z[:, 1]), z[:, 1]], 1),
            lambda z, t: z - t(z),
            lambda z, t: z,
            lambda z, t: z[:, 1] - t(z[:, 0]),
        ),
        right=(
            lambda z, t: torch.cat([z[:, :1], z[:, 1:] - t(z[:, :1])], 1),
            lambda z, t: z - torch.stack([torch.zeros(len(z)), t(z[:, 0])], 1),
        ),
        untouched=(dots, ..., None),
    ),
    "affine_log_det": Answers(
        wrong=(
            lambda s: s.sum(),
            lambda s: s.mean(1),
            lambda s: -s.sum(1),
            lambda s: s.exp().sum(1),
            lambda s: s.exp().prod(1),
            lambda s: s.abs().sum(1),
            lambda s: s.sum(0),
        ),
        right=(lambda s: s.exp().prod(1).log(), lambda s: torch.einsum("bd->b", s)),
        untouched=(dots, ..., None),
    ),
    "density_to_bits": Answers(
        wrong=(
            lambda log_p, dims, levels: -log_p / dims / log(2),
            lambda log_p, dims, levels: (log_p / dims + log(levels)) / log(2),
            lambda log_p, dims, levels: (-log_p / dims - log(levels)) / log(2),
            lambda log_p, dims, levels: -log_p / dims + log(levels),
            lambda log_p, dims, levels: (-log_p + log(levels)) / dims / log(2),
            lambda log_p, dims, levels: (-log_p / dims + levels) / log(2),
        ),
        right=(lambda log_p, dims, levels: log2(levels) - log_p / (dims * log(2)),),
        untouched=(dots, ..., None),
    ),
    "conv_log_det": Answers(
        wrong=(
            lambda s, h, w: s.abs().log().sum(),
            lambda s, h, w: h * w * s.log().sum(),
            lambda s, h, w: h * w * s.abs().sum().log(),
            lambda s, h, w: h * w * s.abs().prod(),
            lambda s, h, w: -h * w * s.abs().log().sum(),
            lambda s, h, w: (h + w) * s.abs().log().sum(),
            lambda s, h, w: h * w * s.abs().log(),
        ),
        right=(
            lambda s, h, w: h * w * torch.linalg.slogdet(torch.diag(s)).logabsdet,
            lambda s, h, w: (s.prod().abs() ** (h * w)).log(),
        ),
        untouched=(dots, ..., None),
    ),
    "normalise_channels": Answers(
        wrong=(
            lambda x: (x - x.mean()) / x.std(),
            lambda x: (x - x.mean(0)) / x.std(0),
            lambda x: (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True),
            lambda x: (x - x.mean((0, 2, 3), keepdim=True)) / x.var((0, 2, 3), keepdim=True),
            lambda x: x - x.mean((0, 2, 3), keepdim=True),
            lambda x: x / x.std((0, 2, 3), keepdim=True),
            lambda x: (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True),
        ),
        right=(
            lambda x: torch.nn.functional.batch_norm(x, None, None, training=True),
            lambda x: (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True),
        ),
        untouched=(dots, ..., None),
    ),
    "between": Answers(
        wrong=(
            lambda a, b, t: t * a + (1 - t) * b,
            lambda a, b, t: a + t * b,
            lambda a, b, t: (a + b) / 2,
            lambda a, b, t: (1 - t) ** 0.5 * a + t**0.5 * b,
            lambda a, b, t: a + t * (a - b),
            lambda a, b, t: a + t**2 * (b - a),
        ),
        right=(torch.lerp, lambda a, b, t: a + t * (b - a)),
        untouched=(dots, ..., None),
    ),
}

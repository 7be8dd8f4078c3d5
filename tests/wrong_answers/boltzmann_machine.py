"""Answers to the exercises of notebook 17."""

import torch
from torch.nn.functional import softplus

from course_utils.exercises.boltzmann_machine import summed, weight_gradient
from wrong_answers import Answers


def up(x, c, W):
    return torch.einsum("bi,bj->bij", x, torch.sigmoid(c + x @ W)).mean(0)


ANSWERS = {
    "free_energy": Answers(
        wrong=(
            lambda x, b, c, W: x @ b + softplus(c + x @ W).sum(1),
            lambda x, b, c, W: -x @ b - softplus(x @ W).sum(1) - c.sum(),
            lambda x, b, c, W: -(x @ b) - (1 + (c + x @ W).exp()).log().sum(1),
        ),
        right=(summed, lambda x, b, c, W: -(x @ b) - torch.logaddexp(c + x @ W, torch.zeros(())).sum(1)),
    ),
    "p_pixels": Answers(
        wrong=(
            lambda h, b, W: b + h @ W.T,
            lambda h, b, W: torch.sigmoid(h @ W.T),
            lambda h, b, W: torch.sigmoid(b + h @ W),
        ),
        right=(lambda h, b, W: 1 / (1 + (-b - (W @ h.T).T).exp()),),
    ),
    "weight_gradient": Answers(
        wrong=(
            lambda x, x_model, c, W: len(x) * up(x, c, W) - len(x_model) * up(x_model, c, W),
            lambda x, x_model, c, W: weight_gradient(x, x_model, c, W).T,
            lambda x, x_model, c, W: up(x, c, W),
        ),
        right=(lambda x, x_model, c, W: up(x, c, W) - up(x_model, c, W),),
    ),
}

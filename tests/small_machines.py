"""Boltzmann machines over the 512 images of 3×3 pixels, and what brute force knows of them."""

import torch
from scipy.special import chdtrc

from course_utils.models.boltzmann import BoltzmannMachine, binary_states
from course_utils.universe import all_images, state_index

STATES = all_images(3, 3).double()


def machine(seed=0, size=0.7, shape=(1, 3, 3), **kind) -> BoltzmannMachine:
    """A machine with large random weights in float64, so that units depend on each other."""
    torch.manual_seed(seed)
    model = BoltzmannMachine(shape, **{"hidden": 4, **kind}).double().eval()
    for parameter in model.parameters():
        parameter.data.normal_().mul_(size)
    return model


def law(model):
    """p(x) of all 512 images, from the energy alone: ``(512,)``."""
    with torch.no_grad():
        h = binary_states(len(model.c), like=model.W)
        each = [model.energy(STATES, one.expand(512, -1)) for one in h]
    return (-torch.stack(each)).logsumexp(0).softmax(0)


def chi_square(x, p):
    """The p-value of images as samples of p ``(512,)``."""
    counts, due = torch.bincount(state_index(x), minlength=512).double(), len(x) * p
    rare = due < 5
    seen = torch.cat([counts[~rare], counts[rare].sum()[None]])
    expected = torch.cat([due[~rare], due[rare].sum().clamp_min(1e-9)[None]])
    return float(chdtrc(len(seen) - 1, ((seen - expected).square() / expected).sum().item()))


def exact_step(model):
    """T(x, x′) of a step: h ∼ p(h | x) from the energy, then pixel after pixel given all the rest."""
    h = binary_states(len(model.c), like=model.W)
    with torch.no_grad():
        weight = torch.stack([-model.energy(STATES, one.expand(512, -1)) for one in h], 1).softmax(1)
        total = torch.zeros(512, 512).double()
        for k, one in enumerate(h):
            now, log_p = torch.diag(weight[:, k]), -model.energy(STATES, one.expand(512, -1))
            for pixel in range(9):
                other = torch.arange(512) ^ (1 << (8 - pixel))
                stay = torch.sigmoid(log_p - log_p[other])
                now = (now + now[:, other]) * stay
            total += now
    return total

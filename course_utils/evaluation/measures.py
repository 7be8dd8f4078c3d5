"""How good is p_M? Held-out nats and bits/dim, and exact distances on universes."""

from math import log

import torch
from torch import Tensor

from course_utils.checks import check_count
from course_utils.divergences import Estimate, cross_entropy, entropy, mean
from course_utils.divergences.estimate import check_vector
from course_utils.runtime import as_double
from course_utils.taxonomy import ExplicitMarkovChain, GenerativeModel, TractableDensity
from course_utils.universe import BinaryUniverse, all_images

LARGEST = 16  # pixels: 65,536 states are enumerated in a moment, more are not


@torch.no_grad()
def log_probs(model: TractableDensity, x: Tensor, batch_size: int = 8192) -> Tensor:
    """log p_M(x) in nats, ``(N, *event_shape)`` to ``(N,)`` float64, in batches and in eval mode.

    x is moved to the model's device and dtype.

    Raises:
        ValueError: the model has no log_prob, or it rejects x.

    >>> from course_utils.models import NADE
    >>> log_probs(NADE((1, 2, 2)), all_images(2, 2)).exp().sum().round(decimals=4).item()
    1.0
    """
    if not isinstance(model, TractableDensity):
        density = getattr(model, "density", "none")
        got = f"{type(model).__name__}, which cannot compute p(x); its density: {density}"
        raise ValueError(f"log_probs: expected a model with an exact density, got {got}")
    if not isinstance(x, Tensor) or x.dim() == 0:
        raise ValueError(f"log_probs: expected x as a tensor (N, …) of examples, got {x!r}")
    parts = x.split(check_count(batch_size, "log_probs: batch_size"))
    was_training = model.training
    model.eval()
    try:
        return as_double(torch.cat([model.log_prob(part.to(model.reference)) for part in parts]))
    finally:
        model.train(was_training)


def held_out(model: TractableDensity, x: Tensor) -> Estimate:
    """The mean negative log-likelihood E[−log p_M(x)] in nats per example, with its standard error.

    Raises:
        ValueError: as ``log_probs``, or there are fewer than two examples.
    """
    return mean(-log_probs(model, x))


def bits_per_dim(log_prob: Tensor, dims: int, levels: int = 1) -> Tensor:
    """Bits per dimension of grey values: (−log p(x) / D + ln L) / ln 2, elementwise.

    Args:
        log_prob: nats; a probability of discrete values (leave levels at 1), or a density of
            dequantised values (v + u)/L on [0, 1), of which each grey value fills a cell of 1/L.
        dims: the number D of dimensions of one example.
        levels: the number L of grey levels that were dequantised.

    >>> bits_per_dim(torch.tensor([0.0]), dims=64, levels=16)  # the uniform density costs log2 16
    tensor([4.])
    """
    if not isinstance(log_prob, Tensor) or not log_prob.is_floating_point():
        raise ValueError(f"bits_per_dim: expected log_prob as a float tensor, got {log_prob!r:.60}")
    check_count(dims, "bits_per_dim: dims")
    check_count(levels, "bits_per_dim: levels")
    return (-log_prob / dims + log(levels)) / log(2)


@torch.no_grad()
def state_log_probs(model: TractableDensity | ExplicitMarkovChain) -> Tensor:
    """log p_M of every binary image of the model's shape, ``(2^D,)`` float64, in the universe's order.

    An unnormalised density is divided by the sum over all images: here Z is within reach.

    Raises:
        ValueError: the model is not binary, has more than 16 pixels, or has neither log p(x) nor an energy.
    """
    if not isinstance(model, GenerativeModel):
        raise ValueError(f"state_log_probs: expected a generative model, got {type(model).__name__}")
    who = type(model).__name__
    if model.support != "binary":
        raise ValueError(
            f"state_log_probs: expected a model of binary images, got {who} on {model.support!r}"
        )
    if model.dims > LARGEST:
        raise ValueError(f"state_log_probs: expected at most {LARGEST} pixels, {who} has {model.dims}")
    states = all_images(1, model.dims).view(-1, *model.event_shape)
    if not isinstance(model, ExplicitMarkovChain):
        return log_probs(model, states)
    energies = [model.free_energy(part.to(model.reference)) for part in states.split(8192)]
    return torch.log_softmax(-as_double(torch.cat(energies)), 0)


def exact_kl(universe: BinaryUniverse, model: TractableDensity | ExplicitMarkovChain) -> float:
    """KL(p_D‖p_M) = −H(p_D) + E_D[−log p_M] in nats, summed over every state of the universe.

    Raises:
        ValueError: the model's shape is not the universe's, or p_M(x) cannot be computed exactly.

    >>> from course_utils.models import NADE
    >>> from course_utils.universe import bars_and_stripes
    >>> exact_kl(bars_and_stripes(2), NADE((1, 2, 2))) > 0
    True
    """
    if not isinstance(universe, BinaryUniverse) or not isinstance(model, GenerativeModel):
        raise ValueError(f"exact_kl: expected a universe and a model, got {universe!r:.40} and {model!r:.40}")
    if model.event_shape != universe.event_shape:
        got = f"{type(model).__name__} on {model.event_shape}"
        raise ValueError(f"exact_kl: expected a model of shape {universe.event_shape}, got {got}")
    log_q = state_log_probs(model).to(universe.log_p.device)
    return float(cross_entropy(universe.log_p, log_q) - entropy(universe.log_p))


def paired_difference(a: Tensor, b: Tensor) -> Estimate:
    """mean(a − b) with its standard error, for two models scored on the *same* examples.

    Most of the spread of log-likelihoods is between images, easy and hard; it cancels in a − b, so a
    paired difference tells models apart that two separate error bars cannot.

    Raises:
        ValueError: a and b are not float vectors of the same length, of two numbers or more.

    >>> paired_difference(torch.tensor([18.0, 12.0]), torch.tensor([17.0, 11.0]))
    1 ± 0
    """
    a = check_vector(a, "paired_difference", "a", least=2)
    return mean(a - check_vector(b, "paired_difference", "b", least=2, like=a))

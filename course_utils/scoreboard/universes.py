"""How far is a model from a known p_D? Histograms over all states, and bounds where a system has one."""

from collections.abc import Iterator
from math import log
from typing import Any

import torch
from torch import Tensor

from course_utils.datasets import dequantise
from course_utils.divergences import Estimate, kl, mean, total_variation
from course_utils.evaluation import results
from course_utils.evaluation.measures import log_probs
from course_utils.models.diffusion import Diffusion
from course_utils.runtime import as_double
from course_utils.taxonomy import (
    Autoregressive,
    ExplicitDensity,
    GenerativeModel,
    MarkovChain,
    TractableDensity,
    Variational,
)
from course_utils.universe import BinaryUniverse, state_index

SAMPLES = 1_000_000
SMOOTHING = 0.05  # of a sample in every state: what is least biased at 10⁶ samples of 4×4
BATCH = 20_000
CHAINS, SPACING = 10_000, 4
POINTS = 16  # in the cell of a state, to average a density over


@torch.no_grad()
def draw_states(
    model: GenerativeModel, n: int = SAMPLES, seed: int = 0, *, log_q: Tensor | None = None
) -> Tensor:
    """The state numbers of n samples, grey values taken as black or white: ``(n, 1)``.

    Of an autoregressive model, draws that agree in their first pixels share one evaluation of p(x_i | x_<i).
    Of a Markov chain: at most 10,000 chains run from noise through the ``mixing`` steps of a sample, and are
    then read after every 4 steps, ``(chains, reads)``; what one chain gives is correlated.
    Where ``log_q`` ``(2^D,)`` is given, the model's log-probabilities of all states, the draws are from that
    list: the same distribution, for a model of which a million samples would take minutes.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if log_q is not None:
            return torch.multinomial(log_q.exp(), n, replacement=True)[:, None]
        if isinstance(model, MarkovChain):
            return _of_chains(model, n)
        if isinstance(model, Autoregressive) and model.support == "binary":
            return _by_prefix(model, n)
        sizes = [min(BATCH, n - start) for start in range(0, n, BATCH)]
        return torch.cat([_states(model.sample(size)) for size in sizes])[:, None]


def _states(x: Tensor) -> Tensor:
    return state_index((x.cpu() >= 0.5).float())


def _of_chains(model: Any, n: int) -> Tensor:
    chains = min(n, CHAINS)
    steps = model.mixing + SPACING * (n // chains - 1)
    noise = torch.rand(chains, *model.event_shape).round().to(model.reference)
    visited = enumerate(_walk(model, noise, steps), start=1 - model.mixing)
    return torch.stack([_states(x) for step, x in visited if step >= 0 and step % SPACING == 0], 1)


def _walk(model: Any, x: Tensor, steps: int) -> Iterator[Tensor]:
    """The images that chains visit, with the latent state that goes along where the model has one."""
    if hasattr(model, "chain"):
        yield from (state.x for state in model.chain(x, steps))
        return
    for _ in range(steps):
        x = model.step(x)
        yield x


def _by_prefix(model: Autoregressive, n: int) -> Tensor:
    """Pixel by pixel: of the draws that share a prefix, Binomial(count, p(x_i = 1 | prefix)) go on with 1."""
    like, D = model.reference, model.dims
    states, counts = torch.zeros(1, dtype=torch.long), torch.tensor([float(n)], dtype=torch.double)
    for place in model.order.tolist():
        bits = torch.arange(D - 1, -1, -1)
        x = ((states[:, None] >> bits) & 1).to(like).view(-1, *model.event_shape)
        p = torch.cat([model.conditionals(part).flatten(1)[:, place] for part in x.split(BATCH // 4)])
        ones = torch.binomial(counts, p.cpu().double())
        states = torch.cat([states, states | (1 << (D - 1 - place))])
        counts = torch.cat([counts - ones, ones])
        states, counts = states[counts > 0], counts[counts > 0]
    return states.repeat_interleave(counts.long())[:, None]


def histogram_scores(log_p: Tensor, states: Tensor) -> dict[str, list[float]]:
    """Distances of log-probabilities ``(S,)`` from a histogram of samples, each [value, standard error].

    With counts c_s of the n state numbers ``(chains, reads)`` and q = c/n:

    - TV = ½ Σ |q − p|, always a little too large: even p's own samples are not at 0;
    - KL(p‖q) with q_s = (c_s + 1/20)/(n + S/20), since one state without a sample would make it infinite:
      for a model that drops a state the true one may be infinite, and this is only large;
    - the reverse KL(q‖p), which is finite where p > 0 and overlooks what q never does;
    - Σ p_s over states without a sample.

    Standard errors are those of the first-order expansion in q; chains count as one observation each.
    """
    p = log_p.double().exp()
    counts = torch.bincount(states.flatten(), minlength=len(p)).double()
    n, seen = states.numel(), counts > 0
    q, smooth = counts / n, (counts + SMOOTHING) / (n + SMOOTHING * len(p))
    ratio = torch.where(seen, (q / p).log(), 0.0)

    def score(value: Tensor, influence: Tensor) -> list[float]:
        spread = influence[states].mean(1).std()
        return [value.item(), (spread / len(states) ** 0.5).item()]

    singles = p[counts == 1].square().sum().sqrt().item()
    return {
        results.KL_HISTOGRAM: score((p * (p / smooth).log()).sum(), -p / smooth),
        results.REVERSE_KL: score((q * ratio).sum(), ratio),
        results.TV_HISTOGRAM: score((q - p).abs().sum() / 2, (q > p).double()),
        results.UNSEEN: [p[~seen].sum().item(), singles],
    }


def exact_scores(log_p: Tensor, log_q: Tensor) -> dict[str, list[float]]:
    """KL(p‖q) and the total variation of two distributions on all states ``(S,)``: [value, 0] each."""
    values = {results.KL_EXACT: kl(log_p, log_q), results.TV_EXACT: total_variation(log_p, log_q)}
    return {name: [value.item(), 0.0] for name, value in values.items()}


def dequantised(model: GenerativeModel) -> bool:
    """Whether a model is a density on a continuum, so that grey levels have to be spread over their cells."""
    return isinstance(model, ExplicitDensity) and model.support in ("unit", "real")


@torch.no_grad()
def kl_bound(universe: BinaryUniverse, model: GenerativeModel, n: int = 1000) -> Estimate | None:
    """An upper bound of KL(p_D‖p_M) in nats from n draws of p_D; None for a model that has no bound.

    A variational model: −L_k in place of −log p_M. A density on [0, 1]^D: P_M(v) is the mass of v's cell, the
    mean density at ``POINTS`` uniform points of it: E[−log mean] ≥ −log E. A diffusion draws a bound a_k of
    the log-density at each of K points, too low at one draw and too high at the next: the exponentials would
    be too large on average. So they are averaged as they are, with any weights that those draws do not move:

        log 1/K Σ e^{a_k} ≥ Σ w_k (a_k − log(K w_k)).

    Equal where w_k ∝ e^{a_k}: the weights are those of the diffusion's ODE.
    """
    generator = torch.Generator(model.reference.device).manual_seed(0)
    if isinstance(model, Variational):

        def log_q(v: Tensor) -> Tensor:
            x = v.view(-1, *model.event_shape).to(model.reference)
            return model.importance_weighted_bound(x, results.IWAE_CODES, generator=generator)

    elif isinstance(model, Diffusion):

        def log_q(v: Tensor) -> Tensor:
            x = _points(model, v).to(model.reference)
            log_w = log_probs(model.flow(), x, 2000).view(len(v), POINTS).log_softmax(1)
            bounds = as_double(model.elbo(x, generator=generator)).view(len(v), POINTS)
            log_mass = (log_w.exp() * (bounds - log_w)).sum(1) - log(POINTS)
            return log_mass - model.dims * log(2)

    elif isinstance(model, TractableDensity) and dequantised(model):

        def log_q(v: Tensor) -> Tensor:
            log_density = log_probs(model, _points(model, v), 2000).view(len(v), POINTS)
            return log_density.logsumexp(1) - log(POINTS) - model.dims * log(2)

    else:
        return None
    x = universe.sample(n, generator=torch.Generator(universe.log_p.device).manual_seed(0))
    return mean(universe.log_prob(x).cpu() - log_q(x).cpu().double())


def _points(model: GenerativeModel, v: Tensor) -> Tensor:
    """Uniform points in the cells of black and white images: ``(N * POINTS, *event_shape)``."""
    generator = torch.Generator(v.device).manual_seed(1)
    return dequantise(v.repeat_interleave(POINTS, 0), 2, generator).view(-1, *model.event_shape)

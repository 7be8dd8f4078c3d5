"""How far are samples from a known p_D? Histograms over all states, the same for every system of the tree."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from course_utils.checks import check_count
from course_utils.divergences import kl, total_variation
from course_utils.evaluation.measures import LARGEST
from course_utils.evaluation.results import (
    KL_EXACT,
    KL_HISTOGRAM,
    REVERSE_KL,
    TV_EXACT,
    TV_HISTOGRAM,
    UNSEEN,
)
from course_utils.taxonomy import Autoregressive, GenerativeModel, MarkovChain
from course_utils.universe import state_index

SAMPLES = 1_000_000
IMAGINED = 0.05  # of a sample in every state: the smoothing that is least biased at 10⁶ samples of 4×4
BATCH = 20_000
CHAINS, SPACING = 10_000, 4


@torch.no_grad()
def draw_states(model: GenerativeModel, n: int = SAMPLES, seed: int = 0) -> Tensor:
    """The state numbers of n samples, grey values taken as black or white: ``(n, 1)``.

    Of an autoregressive model, draws that agree in their first pixels share one evaluation of p(x_i | x_<i).
    Of a Markov chain: at most 10,000 chains run from noise through the ``mixing`` steps of a sample, and are
    then read after every 4 steps, ``(chains, reads)``; what one chain gives is correlated. A latent state
    that goes along (``chain``) is kept.

    Raises:
        ValueError: n is no positive integer, or the images have more than 16 pixels.
    """
    if model.dims > LARGEST:
        raise ValueError(f"draw_states: expected at most {LARGEST} pixels, got {model.dims}")
    check_count(n, "draw_states: n")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(model, MarkovChain):
            return _of_chains(model, n)
        if isinstance(model, Autoregressive) and model.support == "binary":
            return _by_prefix(model, n)
        sizes = [min(BATCH, n - start) for start in range(0, n, BATCH)]
        return torch.cat([_states(model.sample(size)) for size in sizes])[:, None]


def _states(x: Tensor) -> Tensor:
    return state_index((x.cpu() >= 0.5).float())


def _of_chains(model: Any, n: int) -> Tensor:
    chains, reads = min(n, CHAINS), []
    steps = model.mixing + SPACING * (n // chains - 1)
    noise = torch.rand(chains, *model.event_shape).round().to(model.reference)
    for step, x in enumerate(_walk(model, noise, steps), start=1):
        if step >= model.mixing and (step - model.mixing) % SPACING == 0:
            reads.append(_states(x))
    return torch.stack(reads, 1)


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
    """Distances between a known law and a histogram of samples, each [value, standard error].

    With counts c_s of n samples and q = c/n:

    - TV = ½ Σ |q − p|, always a little too large: even p's own samples are not at 0;
    - KL(p‖q) with q_s = (c_s + 1/20)/(n + S/20), since one state without a sample would make it infinite:
      for a model that drops a state the true one may be infinite, and this is only large;
    - the reverse KL(q‖p), which is finite where p > 0 and overlooks what q never does;
    - Σ p_s over states without a sample.

    Standard errors are those of the first-order expansion in q; chains count as one observation each.

    Args:
        log_p: log-probabilities of all S states ``(S,)``.
        states: state numbers ``(chains, reads)`` or ``(n, 1)``.
    """
    p = log_p.double().exp()
    counts = torch.bincount(states.flatten(), minlength=len(p)).double()
    n, seen = states.numel(), counts > 0
    q, smooth = counts / n, (counts + IMAGINED) / (n + IMAGINED * len(p))
    ratio = torch.where(seen, (q / p).log(), 0.0)

    def score(value: Tensor, influence: Tensor) -> list[float]:
        spread = influence[states].mean(1).std()
        return [value.item(), (spread / len(states) ** 0.5).item()]

    singles = p[counts == 1].square().sum().sqrt().item()
    return {
        KL_HISTOGRAM: score((p * (p / smooth).log()).sum(), -p / smooth),
        REVERSE_KL: score((q * ratio).sum(), ratio),
        TV_HISTOGRAM: score((q - p).abs().sum() / 2, (q > p).double()),
        UNSEEN: [p[~seen].sum().item(), singles],
    }


def exact_scores(log_p: Tensor, log_q: Tensor) -> dict[str, list[float]]:
    """KL(p‖q) and the total variation of two laws on all states ``(S,)``: [value, 0] each."""
    values = {KL_EXACT: kl(log_p, log_q), TV_EXACT: total_variation(log_p, log_q)}
    return {name: [value.item(), 0.0] for name, value in values.items()}

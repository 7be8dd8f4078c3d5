"""Distances from samples: right on known laws, honest about their errors, the same for every system."""

from types import SimpleNamespace

import pytest
import torch
from scipy.stats import binom

from course_utils.divergences import kl, total_variation
from course_utils.evaluation import exact_kl, state_log_probs
from course_utils.evaluation.results import KL_EXACT, KL_HISTOGRAM, REVERSE_KL, TV_EXACT, TV_HISTOGRAM, UNSEEN
from course_utils.models import MADE, NADE, PixelCNN
from course_utils.models.any_order import AnyOrder
from course_utils.scoreboard import universes
from course_utils.scoreboard.universes import draw_states, exact_scores, histogram_scores
from course_utils.taxonomy import ExplicitMarkovChain, ImplicitMarkovChain
from course_utils.universe import bars_and_stripes, state_index

UNIVERSE = bars_and_stripes(3)
LOG_P = UNIVERSE.log_p


def tilted(size: float = 0.5) -> torch.Tensor:
    """A distribution near p_D: its log-probabilities moved at random."""
    noise = torch.randn(512, generator=torch.Generator().manual_seed(1)).double()
    return torch.log_softmax(LOG_P + size * noise, 0)


def drawn(log_q: torch.Tensor, n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(log_q.exp(), n, replacement=True, generator=generator)[:, None]


def test_estimates_find_the_distances_of_known_laws():
    log_q = tilted()
    exact = {
        KL_HISTOGRAM: kl(LOG_P, log_q),
        REVERSE_KL: kl(log_q, LOG_P),
        TV_HISTOGRAM: total_variation(LOG_P, log_q),
    }
    scores = histogram_scores(LOG_P, drawn(log_q, 1_000_000))
    for name, value in exact.items():
        estimate, error = scores[name]
        assert 0 < error < 0.002 < 0.05 < value
        assert abs(estimate - value.item()) < 4 * error + 0.002, name


@pytest.mark.slow
def test_standard_errors_are_those_of_repeated_runs():
    log_q = tilted()
    runs = [histogram_scores(LOG_P, drawn(log_q, 20_000, seed)) for seed in range(60)]
    for name in (KL_HISTOGRAM, REVERSE_KL, TV_HISTOGRAM):
        spread = torch.tensor([run[name][0] for run in runs]).std().item()
        said = torch.tensor([run[name][1] for run in runs]).mean().item()
        assert 0.7 < said / spread < 1.4, name


def perfect_tv(log_p: torch.Tensor, n: int) -> float:
    """The expected total variation of n samples of p itself, by de Moivre's mean absolute deviation.

    E|c − np| = 2 k (1 − p) Binomial(k; n, p) with k = ⌊np⌋ + 1.
    """
    p = log_p.exp().numpy()
    k = (n * p).astype(int) + 1
    return float((k * (1 - p) * binom.pmf(k, n, p)).sum() / n)


def test_samples_of_the_truth_itself_are_as_far_off_as_theory_says():
    """TV as by de Moivre; both KL ≈ (S − 1) / 2n, what smoothing adds aside."""
    n = 1_000_000
    scores = histogram_scores(LOG_P, drawn(LOG_P, n))
    assert abs(scores[TV_HISTOGRAM][0] - perfect_tv(LOG_P, n)) < 4 * scores[TV_HISTOGRAM][1] < 0.002
    for name in (KL_HISTOGRAM, REVERSE_KL):
        assert 0 < scores[name][0] < 511 / (2 * n) + 1e-4


def test_a_smoothed_histogram_is_a_distribution_and_hardly_biases_the_table():
    """As often in every state as p says: smoothed towards uniform, which p is, it stays p, and KL is 0.

    On 4×4 with 10⁶ samples, p_D's own histogram is 0.008 nats away, far below what systems reach.
    """
    even = torch.full((4,), 1 / 4).double().log()
    scores = histogram_scores(even, torch.arange(4).repeat(3)[:, None])
    assert scores[KL_HISTOGRAM][0] == pytest.approx(0, abs=1e-12)
    log_p = bars_and_stripes(4).log_p
    scores = histogram_scores(log_p, drawn(log_p, 1_000_000))
    assert 0.004 < scores[KL_HISTOGRAM][0] < 0.012 and scores[UNSEEN][0] < 0.01


def test_what_a_model_never_does_is_seen_and_counted():
    log_q, likely = LOG_P.clone(), LOG_P.argmax()
    log_q[likely] = -torch.inf
    log_q = torch.log_softmax(log_q, 0)
    few, many = (histogram_scores(LOG_P, drawn(log_q, n)) for n in (10_000, 1_000_000))
    lost = LOG_P[likely].exp().item()
    assert lost < many[UNSEEN][0] < 1.01 * lost and few[UNSEEN][0] > many[UNSEEN][0]
    assert kl(LOG_P, log_q).isinf() and 0.5 < few[KL_HISTOGRAM][0] < many[KL_HISTOGRAM][0] < 3
    assert many[REVERSE_KL][0] == pytest.approx(-torch.log1p(torch.tensor(-lost)).item(), abs=0.001)


@pytest.mark.parametrize("leaf", [NADE, MADE, PixelCNN])
def test_draws_that_share_prefixes_have_the_law_of_samples(leaf):
    torch.manual_seed(0)
    order = {} if leaf is PixelCNN else {"order": [4, 1, 7, 0, 8, 2, 6, 3, 5]}
    model = leaf((1, 3, 3), **order).double().eval()
    for parameter in model.parameters():
        parameter.data.add_(0.2 * torch.randn_like(parameter))
    log_q, n = state_log_probs(model), 200_000
    states = draw_states(model, n)
    assert states.shape == (n, 1)
    far, error = histogram_scores(log_q, states)[TV_HISTOGRAM]
    assert abs(far - perfect_tv(log_q, n)) < 4 * error < 0.01


def test_draws_from_the_list_of_all_states_have_the_law_of_samples():
    torch.manual_seed(0)
    model = AnyOrder((1, 3, 3), hidden=8, orders=2).double().eval()
    for parameter in model.parameters():
        parameter.data.add_(0.5 * torch.randn_like(parameter))
    log_q, n = state_log_probs(model), 100_000
    for states in (draw_states(model, n), draw_states(model, n, log_q=log_q)):
        far, error = histogram_scores(log_q, states)[TV_HISTOGRAM]
        assert states.shape == (n, 1) and abs(far - perfect_tv(log_q, n)) < 4 * error < 0.02


def test_the_same_seed_gives_the_same_states_and_leaves_the_callers_numbers_alone():
    model = NADE((1, 3, 3)).eval()
    torch.manual_seed(7)
    first = torch.rand(1)
    torch.manual_seed(7)
    one, other, again = (draw_states(model, 1000, seed) for seed in (0, 1, 0))
    assert torch.equal(torch.rand(1), first)
    assert torch.equal(one, again) and not torch.equal(one, other)


class Still(ImplicitMarkovChain):
    """A chain with a latent state that stays where it starts: all its reads are one observation."""

    mixing = 1

    def loss(self, x):
        raise AssertionError

    def _sample(self, n, generator, steps):
        return UNIVERSE.sample(n, generator=generator)

    def _step(self, x, generator):
        raise AssertionError("its latent state would be lost")

    def chain(self, x, steps):
        start = UNIVERSE.sample(len(x))
        return (SimpleNamespace(x=start) for _ in range(steps))


class Clock(Still):
    """A chain whose state is the number of its step."""

    mixing = 7

    def chain(self, x, steps):
        return (SimpleNamespace(x=UNIVERSE.states[[step]]) for step in range(1, steps + 1))


class Energy(ExplicitMarkovChain):
    """p_D, known up to a constant."""

    support, mixing = "binary", 1

    def loss(self, x):
        raise AssertionError

    def _free_energy(self, x):
        return 7 - LOG_P[state_index(x)]

    def _sample(self, n, generator, steps):
        return UNIVERSE.sample(n, generator=generator)

    def _step(self, x, generator):
        return UNIVERSE.sample(len(x), generator=generator)


def test_reads_of_one_chain_count_as_one_observation(monkeypatch):
    monkeypatch.setattr(universes, "CHAINS", 2000)
    still, moving = draw_states(Still((1, 3, 3)), 20_000), draw_states(Energy((1, 3, 3)), 20_000)
    assert still.shape == moving.shape == (2000, 10)
    assert bool((still == still[:, :1]).all()) and not bool((moving == moving[:, :1]).all(1).any())
    log_q = tilted()
    errors = [histogram_scores(log_q, states)[REVERSE_KL][1] for states in (still, moving)]
    assert errors[0] / errors[1] == pytest.approx(10**0.5, rel=0.2)


def test_chains_are_read_after_they_have_mixed_and_then_at_even_distances(monkeypatch):
    monkeypatch.setattr(universes, "CHAINS", 1)
    assert draw_states(Clock((1, 3, 3)), 4).tolist() == [[7, 11, 15, 19]]


def test_exact_scores_sum_over_all_states_of_a_model_normalised_or_not():
    model = NADE((1, 3, 3)).double()
    log_q = state_log_probs(model)
    assert exact_scores(LOG_P, log_q) == {
        KL_EXACT: [pytest.approx(exact_kl(UNIVERSE, model), abs=1e-12), 0.0],
        TV_EXACT: [pytest.approx(total_variation(LOG_P, log_q).item(), abs=1e-12), 0.0],
    }
    torch.testing.assert_close(state_log_probs(Energy((1, 3, 3))), LOG_P, rtol=0, atol=1e-9)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="state_log_probs: expected"):
        exact_scores(UNIVERSE.log_p, state_log_probs(Still((1, 3, 3))))

"""The exercises of notebook 21: why KL gives maximum likelihood, a step at a time, and what follows."""

from math import inf

import torch
from torch import Tensor

from course_utils.divergences import kl
from course_utils.exercises.engine import Cases, Exercise, agrees, agrees_with, holds, within

GENERATOR = torch.Generator().manual_seed(0)

SEEDS = range(3)


def kl_as_sum(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p‖q) on a finite universe, from log-probabilities ``(S,)``, in nats."""
    return (log_p.exp() * (log_p - log_q)).sum()


def split_kl(log_p: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
    """The two sums whose difference is KL(p‖q): Σ p log p and Σ p log q, in nats."""
    p = log_p.exp()
    return (p * log_p).sum(), (p * log_q).sum()


def sum_with_theta() -> str:
    """Which of the two sums changes when θ does: "first" or "second"."""
    return "second"


def nll_minus_kl(log_p: Tensor, log_qs: Tensor) -> Tensor:
    """E_p[−log q] − KL(p‖q) for each of T models ``(T, S)``: ``(T,)``, in nats."""
    p = log_p.exp()
    return -(log_qs @ p) - ((log_p - log_qs) @ p)


def nll_of_samples(log_q: Tensor, draws: Tensor) -> Tensor:
    """The mean of −log q over samples, given as numbers of states ``(N,)``, in nats."""
    return -log_q[draws].mean()


def likeliest_distribution(draws: Tensor, states: int) -> Tensor:
    """The distribution that makes the samples ``(N,)`` likeliest, of all on so many states: ``(states,)``."""
    return torch.bincount(draws, minlength=states) / len(draws)


def argument() -> str:
    """The six sentences of the argument in their order, as letters."""
    return "CEBFAD"


def reverse_choice(log_p: Tensor, log_qs: Tensor) -> int:
    """Which of T models ``(T, S)`` has the smallest reverse KL(q‖p): its number, from 0."""
    return int((log_qs.exp() * (log_qs - log_p)).sum(1).argmin())


def lowest_training_nll(draws: Tensor, states: int) -> Tensor:
    """The smallest mean of −log q over the samples that any distribution q on so many states has, in nats."""
    share = torch.bincount(draws, minlength=states) / len(draws)
    return -torch.xlogy(share, share).sum()


def js_of_the_best_judge(log_p: Tensor, log_q: Tensor) -> Tensor:
    """JSD(p, q) = log 2 + ½ E_p[log D*] + ½ E_q[log(1 − D*)] with the best judge D* = p/(p + q), in nats."""
    p, q = log_p.exp(), log_q.exp()
    best = p / (p + q)
    return torch.tensor(2.0).log() + (p * best.log()).sum() / 2 + (q * (1 - best).log()).sum() / 2


def distributions() -> dict[str, tuple[Tensor, Tensor]]:
    """Pairs of log-probabilities."""
    random = torch.randn(2, 16, generator=GENERATOR).log_softmax(1)
    coin, biased = torch.tensor([0.5, 0.5]).log(), torch.tensor([0.9, 0.1]).log()
    return {
        "p a fair coin, q a biased one": (coin, biased),
        "p a biased coin, q a fair one": (biased, coin),
        "two random distributions on 16 states": (random[0], random[1]),
    }


def families() -> dict[str, tuple[Tensor, Tensor]]:
    """A distribution and six models of it; under the two divergences different ones win."""
    found = {}
    for seed in SEEDS:
        GENERATOR = torch.Generator().manual_seed(seed)
        log_p = (3 * torch.randn(8, generator=GENERATOR)).log_softmax(0)
        log_qs = (2 * torch.randn(6, 8, generator=GENERATOR)).log_softmax(1)
        found[f"six models on 8 states, seed {seed}"] = (log_p, log_qs)
    modes = torch.tensor([0.49, 0.02, 0.49]).log()
    wide, narrow = torch.tensor([1 / 3, 1 / 3, 1 / 3]).log(), torch.tensor([0.98, 0.01, 0.01]).log()
    found["two modes; a wide model and a narrow one"] = (modes, torch.stack([wide, narrow]))
    return found


# Numbers of states that were drawn, and how many states there are
SAMPLES: Cases = {
    "four draws of three states": (torch.tensor([0, 2, 2, 0]), 3),
    "a state never drawn": (torch.tensor([1, 1, 0]), 5),
    "a hundred draws of ten states": (torch.randint(10, (100,), generator=GENERATOR), 10),
}


def scored_samples() -> dict[str, tuple[Tensor, Tensor]]:
    """Log-probabilities of states, and numbers of states that were drawn."""
    distribution = torch.randn(10, generator=GENERATOR).log_softmax(0)
    return {
        "two draws of a biased coin": (torch.tensor([0.9, 0.1]).log(), torch.tensor([0, 1])),
        "the same state three times": (distribution, torch.tensor([7, 7, 7])),
        "a hundred draws of ten states": (distribution, torch.randint(10, (100,), generator=GENERATOR)),
    }


def difference_is_kl(parts: tuple[Tensor, Tensor], log_p: Tensor, log_q: Tensor) -> bool:
    """Whether the first sum minus the second is KL(p‖q)."""
    return abs(float(parts[0] - parts[1] - kl(log_p, log_q))) < 1e-4


def constant(gaps: Tensor, log_p: Tensor, log_qs: Tensor) -> bool:
    """Whether all numbers are the same."""
    return float(gaps.max() - gaps.min()) < 1e-4


def unbeaten(distribution: Tensor, draws: Tensor, states: int) -> bool:
    """Whether no distribution nearby, and not the uniform one, makes the draws likelier."""

    def nll(q: Tensor) -> Tensor:
        return -q.clamp_min(1e-12).log()[draws].mean()

    generator = torch.Generator().manual_seed(0)
    others = [torch.full((states,), 1 / states)]
    others += [(distribution + 0.05 * torch.rand(states, generator=generator)) for _ in range(20)]
    return all(nll(distribution) <= nll(other / other.sum()) + 1e-5 for other in others)


def nowhere_below(nll: Tensor, draws: Tensor, states: int) -> bool:
    """Whether no distribution of a few has a smaller mean NLL on the draws."""
    generator = torch.Generator().manual_seed(0)
    some = torch.randn(50, states, generator=generator).log_softmax(1)
    return bool(nll <= -some[:, draws].mean(1).min() + 1e-5)


KL_AS_SUM = Exercise(
    kl_as_sum,
    (
        "KL(p‖q) is the expectation under p of log p(x) − log q(x).",
        "The weight of each state is log_p.exp(); the difference of the logarithms is given.",
        "Sum over all states: (log_p.exp() * (log_p - log_q)).sum().",
    ),
    agrees_with(
        lambda log_p, log_q: 0 * log_p.sum(),
        {"p = q, a biased coin": (torch.tensor([0.9, 0.1]).log(),) * 2},
        says="it is 0 where p = q",
    ),
    within(0, inf, distributions(), says="it is never negative"),
    agrees(distributions()),
)

SPLIT_KL = Exercise(
    split_kl,
    (
        "log p − log q under one sum is a difference of two sums with the same weights.",
        "Both have the weight p(x): the first of log p(x), the second of log q(x).",
        "Return (p * log_p).sum(), (p * log_q).sum() with p = log_p.exp().",
    ),
    holds(
        "the first minus the second is KL(p‖q)", difference_is_kl, "a difference of KL(p‖q)", distributions()
    ),
    agrees(distributions(), says="the first is Σ p log p, the second Σ p log q"),
)


def word(text: object) -> object:
    """A text in small letters, without what stands around it."""
    return text.strip(" .").lower() if isinstance(text, str) else text


SUM_WITH_THETA = Exercise(
    sum_with_theta,
    (
        "θ is what the model has. Which sum knows the model?",
        "Σ p_D log p_D is minus the entropy of the data: no model appears in it.",
    ),
    holds("it is one of the two", lambda name: name in ("first", "second"), 'one of "first", "second"'),
    agrees(says="p_θ appears in it"),
    value=True,
    cast=word,
)

NLL_MINUS_KL = Exercise(
    nll_minus_kl,
    (
        "For one model: E_p[−log q] minus KL(p‖q). Now for each row of log_qs.",
        "log_qs @ p sums over the states with weights p, for every row at once.",
        "-(log_qs @ p) - ((log_p - log_qs) @ p) with p = log_p.exp().",
    ),
    holds("it is the same number for every model", constant, "equal numbers", families()),
    agrees(families(), says="it is the entropy of p, for every model"),
)

NLL_OF_SAMPLES = Exercise(
    nll_of_samples,
    (
        "An expectation becomes the mean over samples. Which log-probabilities did the samples get?",
        "log_q[draws] has one log-probability for each sample.",
        "Their mean, with a minus: -log_q[draws].mean().",
    ),
    agrees(scored_samples(), says="it is the mean of −log q over the samples"),
)

LIKELIEST_DISTRIBUTION = Exercise(
    likeliest_distribution,
    (
        "If q may be any distribution, how probable is a state that was drawn in a third of all cases?",
        "Count: torch.bincount(draws, minlength=states).",
        "Shares are counts divided by the number of draws.",
    ),
    holds(
        "it is a distribution: no share below 0, and all together 1",
        lambda q, draws, states: bool((q >= -1e-6).all()) and abs(float(q.sum()) - 1) < 1e-4,
        "shares that sum to 1",
        SAMPLES,
    ),
    holds(
        "no other distribution makes the samples likelier",
        unbeaten,
        "the smallest NLL of the samples",
        SAMPLES,
    ),
    agrees(SAMPLES),
)


def letters(text: str) -> str:
    """An answer in capitals, without what stands between its letters."""
    return "".join(filter(str.isalpha, text)).upper()


ARGUMENT = Exercise(
    argument,
    (
        "Begin with what is wanted, θ* as the minimum of a distance, and end with what is done.",
        "The split comes before one of its parts is dropped; samples come after there is an expectation.",
    ),
    holds(
        "it has each of the six letters once",
        lambda text: sorted(letters(text)) == list("ABCDEF"),
        "the letters A to F, each once, such as ABCDEF",
    ),
    holds(
        "it begins with what is wanted",
        lambda text: letters(text)[0] == argument()[0],
        "another first letter",
    ),
    holds(
        "it ends with what is done", lambda text: letters(text)[-1] == argument()[-1], "another last letter"
    ),
    holds(
        "each sentence follows from those before", lambda text: letters(text) == argument(), "another order"
    ),
    value=True,
)

REVERSE_CHOICE = Exercise(
    reverse_choice,
    (
        "In KL(q‖p) the weights are those of the model: q.exp() of each row.",
        "Sum over the states: (log_qs.exp() * (log_qs - log_p)).sum(1) has one number for each model.",
        "argmin gives the place of the smallest; int makes it a number.",
    ),
    agrees(families(), says="it is the model of the smallest KL(q‖p)"),
)

LOWEST_TRAINING_NLL = Exercise(
    lowest_training_nll,
    (
        "Which distribution makes the samples likeliest? You found it above.",
        "Its mean NLL on the samples: −Σ share · log share.",
        "torch.xlogy(share, share) is share · log share, and 0 where the share is 0.",
    ),
    holds("no distribution has a smaller one", nowhere_below, "at most the NLL of any distribution", SAMPLES),
    agrees(SAMPLES, says="it is the entropy of the shares"),
)

JS_OF_THE_BEST_JUDGE = Exercise(
    js_of_the_best_judge,
    (
        "A sample is real or not with equal chances. Bayes: D*(x) = p(x) / (p(x) + q(x)).",
        "Average log D* over p, and log(1 − D*) over q; half of each, plus log 2.",
        "log 2 + (p * D.log()).sum() / 2 + (q * (1 - D).log()).sum() / 2.",
    ),
    agrees_with(
        lambda log_p, log_q: 0 * log_p.sum(),
        {"p = q, a biased coin": (torch.tensor([0.9, 0.1]).log(),) * 2},
        says="it is 0 where nobody can tell p from q",
    ),
    agrees(distributions(), says="it is the Jensen–Shannon divergence"),
)

"""The exercises of notebook 21: why KL gives maximum likelihood, a step at a time, and what follows."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Exercise, agrees_with, holds
from course_utils.exercises.homework_cases import (
    constant,
    difference_is_kl,
    families,
    laws,
    nowhere_below,
    samples,
    scored_samples,
    unbeaten,
)


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


def likeliest_law(draws: Tensor, states: int) -> Tensor:
    """Of all laws on so many states, the one that makes the samples ``(N,)`` likeliest: ``(states,)``."""
    return torch.bincount(draws, minlength=states) / len(draws)


def argument() -> str:
    """The six sentences of the argument in their order, as letters."""
    return "CEBFAD"


def reverse_choice(log_p: Tensor, log_qs: Tensor) -> int:
    """Which of T models ``(T, S)`` has the smallest reverse KL(q‖p): its number, from 0."""
    return int((log_qs.exp() * (log_qs - log_p)).sum(1).argmin())


def lowest_training_nll(draws: Tensor, states: int) -> Tensor:
    """The smallest mean of −log q over the samples that any law q on so many states has, in nats."""
    share = torch.bincount(draws, minlength=states) / len(draws)
    return -torch.xlogy(share, share).sum()


def js_of_the_best_judge(log_p: Tensor, log_q: Tensor) -> Tensor:
    """JSD(p, q) = log 2 + ½ E_p[log D*] + ½ E_q[log(1 − D*)] with the best judge D* = p/(p + q), in nats."""
    p, q = log_p.exp(), log_q.exp()
    best = p / (p + q)
    return torch.tensor(2.0).log() + (p * best.log()).sum() / 2 + (q * (1 - best).log()).sum() / 2


KL_AS_SUM = Exercise(
    kl_as_sum,
    hints=(
        "KL(p‖q) is the expectation under p of log p(x) − log q(x).",
        "The weight of each state is log_p.exp(); the difference of the logarithms is given.",
        "Sum over all states: (log_p.exp() * (log_p - log_q)).sum().",
    ),
    properties=(
        agrees_with(
            lambda log_p, log_q: 0 * log_p.sum(),
            lambda: {"p = q, a biased coin": (torch.tensor([0.9, 0.1]).log(),) * 2},
            says="it is 0 where p = q",
        ),
        holds("it is never negative", lambda d, p, q: bool(d >= -1e-6), "at least 0", laws),
        agrees_with(kl_as_sum, laws),
    ),
)

SPLIT_KL = Exercise(
    split_kl,
    hints=(
        "log p − log q under one sum is a difference of two sums with the same weights.",
        "Both have the weight p(x): the first of log p(x), the second of log q(x).",
        "Return (p * log_p).sum(), (p * log_q).sum() with p = log_p.exp().",
    ),
    properties=(
        holds("the first minus the second is KL(p‖q)", difference_is_kl, "a difference of KL(p‖q)", laws),
        agrees_with(split_kl, laws, says="the first is Σ p log p, the second Σ p log q"),
    ),
)


def word(text: object) -> object:
    """A text in small letters, without what stands around it."""
    return text.strip(" .").lower() if isinstance(text, str) else text


SUM_WITH_THETA = Exercise(
    sum_with_theta,
    hints=(
        "θ is what the model has. Which sum knows the model?",
        "Σ p_D log p_D is minus the entropy of the data: no model appears in it.",
    ),
    properties=(
        holds("it is one of the two", lambda name: name in ("first", "second"), 'one of "first", "second"'),
        agrees_with(sum_with_theta, says="p_θ appears in it"),
    ),
    value=True,
    cast=word,
)

NLL_MINUS_KL = Exercise(
    nll_minus_kl,
    hints=(
        "For one model: E_p[−log q] minus KL(p‖q). Now for each row of log_qs.",
        "log_qs @ p sums over the states with weights p, for every row at once.",
        "-(log_qs @ p) - ((log_p - log_qs) @ p) with p = log_p.exp().",
    ),
    properties=(
        holds("it is the same number for every model", constant, "equal numbers", families),
        agrees_with(nll_minus_kl, families, says="it is the entropy of p, for every model"),
    ),
)

NLL_OF_SAMPLES = Exercise(
    nll_of_samples,
    hints=(
        "An expectation becomes the mean over samples. Which log-probabilities did the samples get?",
        "log_q[draws] has one log-probability for each sample.",
        "Their mean, with a minus: -log_q[draws].mean().",
    ),
    properties=(
        agrees_with(nll_of_samples, scored_samples, says="it is the mean of −log q over the samples"),
    ),
)

LIKELIEST_LAW = Exercise(
    likeliest_law,
    hints=(
        "If q may be any law, how probable should it make a state that was drawn in a third of all cases?",
        "Count: torch.bincount(draws, minlength=states).",
        "Shares are counts divided by the number of draws.",
    ),
    properties=(
        holds(
            "it is a law: no share below 0, and all together 1",
            lambda q, draws, states: bool((q >= 0).all()) and abs(float(q.sum()) - 1) < 1e-4,
            "shares that sum to 1",
            samples,
        ),
        holds(
            "no other law makes the samples likelier", unbeaten, "the smallest NLL of the samples", samples
        ),
        agrees_with(likeliest_law, samples),
    ),
)


def letters(text: str) -> str:
    """An answer in capitals, without what stands between its letters."""
    return "".join(filter(str.isalpha, text)).upper()


ARGUMENT = Exercise(
    argument,
    hints=(
        "Begin with what is wanted, θ* as the minimum of a distance, and end with what is done.",
        "The split comes before one of its parts is dropped; samples come after there is an expectation.",
    ),
    properties=(
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
            "it ends with what is done",
            lambda text: letters(text)[-1] == argument()[-1],
            "another last letter",
        ),
        holds(
            "each sentence follows from those before",
            lambda text: letters(text) == argument(),
            "another order",
        ),
    ),
    value=True,
)

REVERSE_CHOICE = Exercise(
    reverse_choice,
    hints=(
        "In KL(q‖p) the weights are those of the model: q.exp() of each row.",
        "Sum over the states: (log_qs.exp() * (log_qs - log_p)).sum(1) has one number for each model.",
        "argmin gives the place of the smallest; int makes it a number.",
    ),
    properties=(agrees_with(reverse_choice, families, says="it is the model of the smallest KL(q‖p)"),),
)

LOWEST_TRAINING_NLL = Exercise(
    lowest_training_nll,
    hints=(
        "Which law makes the samples likeliest? You found it above.",
        "Its mean NLL on the samples: −Σ share · log share.",
        "torch.xlogy(share, share) is share · log share, and 0 where the share is 0.",
    ),
    properties=(
        holds("no law has a smaller one", nowhere_below, "at most the NLL of any law", samples),
        agrees_with(lowest_training_nll, samples, says="it is the entropy of the shares"),
    ),
)

JS_OF_THE_BEST_JUDGE = Exercise(
    js_of_the_best_judge,
    hints=(
        "A sample is real or not with equal chances. Bayes: D*(x) = p(x) / (p(x) + q(x)).",
        "Average log D* over p, and log(1 − D*) over q; half of each, plus log 2.",
        "log 2 + (p * D.log()).sum() / 2 + (q * (1 - D).log()).sum() / 2.",
    ),
    properties=(
        agrees_with(
            lambda log_p, log_q: 0 * log_p.sum(),
            lambda: {"p = q, a biased coin": (torch.tensor([0.9, 0.1]).log(),) * 2},
            says="it is 0 where nobody can tell p from q",
        ),
        agrees_with(js_of_the_best_judge, laws, says="it is the Jensen–Shannon divergence"),
    ),
)

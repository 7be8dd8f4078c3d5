"""The exercises of notebook 21: why KL gives maximum likelihood, a step at a time, and what follows."""

from math import inf

import torch
from torch import Tensor

from course_utils.divergences import kl
from course_utils.exercises.engine import Cases, agrees, exercise, holds, within

GENERATOR = torch.Generator().manual_seed(0)

FAIR, BIASED = torch.tensor([0.5, 0.5]).log(), torch.tensor([0.9, 0.1]).log()
EQUAL: Cases = {"p = q, a biased coin": (BIASED, BIASED)}
PAIRS: Cases = {
    "p a fair coin, q a biased one": (FAIR, BIASED),
    "p a biased coin, q a fair one": (BIASED, FAIR),
    "two random distributions on 16 states": tuple(torch.randn(2, 16, generator=GENERATOR).log_softmax(1)),
}
RANDOM = 3 * torch.randn(3, 7, 8, generator=GENERATOR)
MODELS: Cases = {
    f"six models on 8 states, number {k}": (x[0].log_softmax(0), (x[1:] * 2 / 3).log_softmax(1))
    for k, x in enumerate(RANDOM)
} | {
    "two modes; a wide model and a narrow one": (
        torch.tensor([0.49, 0.02, 0.49]).log(),
        torch.tensor([[1 / 3, 1 / 3, 1 / 3], [0.98, 0.01, 0.01]]).log(),
    ),
}
HUNDRED = torch.randint(10, (100,), generator=GENERATOR)
SAMPLES: Cases = {  # numbers of the states that were drawn, and how many states there are
    "a state never drawn": (torch.tensor([1, 1, 0]), 5),
    "a hundred draws of ten states": (HUNDRED, 10),
}
TEN = torch.randn(10, generator=GENERATOR).log_softmax(0)
SCORED: Cases = {
    "two draws of a biased coin": (BIASED, torch.tensor([0, 1])),
    "a hundred draws of ten states": (TEN, HUNDRED),
}


def unbeaten(nll: Tensor, draws: Tensor, states: int) -> bool:
    """Whether no distribution of a few has a smaller mean NLL on the draws, not even shares near theirs."""
    random = torch.randn(50, states, generator=torch.Generator().manual_seed(0)).softmax(1)
    shares = torch.bincount(draws, minlength=states) / len(draws)
    others = torch.cat([random, 0.9 * shares + 0.1 * random])
    return bool(nll <= -others.log()[:, draws].mean(1).min() + 1e-5)


def word(text: object) -> object:
    """A text in small letters, without what stands around it."""
    return text.strip(" .").lower() if isinstance(text, str) else text


def letters(text: object) -> object:
    """A text in capitals, without what stands between its letters."""
    return "".join(filter(str.isalpha, text)).upper() if isinstance(text, str) else text


@exercise(
    "KL(p‖q) is the expectation under p of log p(x) − log q(x).",
    "The weight of each state is log_p.exp(); the difference of the logarithms is given.",
    "Sum over all states: (log_p.exp() * (log_p - log_q)).sum().",
    agrees(EQUAL, says="it is 0 where p = q"),
    within(0, inf, PAIRS, says="it is never negative"),
    agrees(PAIRS),
)
def kl_as_sum(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p‖q) on a finite universe, from log-probabilities ``(S,)``, in nats."""
    return (log_p.exp() * (log_p - log_q)).sum()


@exercise(
    "log p − log q under one sum is a difference of two sums with the same weights.",
    "Both have the weight p(x): the first of log p(x), the second of log q(x).",
    "Return (p * log_p).sum(), (p * log_q).sum() with p = log_p.exp().",
    holds(
        "the first minus the second is KL(p‖q)",
        lambda parts, *given: abs(float(parts[0] - parts[1] - kl(*given))) < 1e-4,
        "a difference of KL(p‖q)",
        PAIRS,
    ),
    agrees(PAIRS, says="the first is Σ p log p, the second Σ p log q"),
)
def split_kl(log_p: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
    """The two sums whose difference is KL(p‖q): Σ p log p and Σ p log q, in nats."""
    p = log_p.exp()
    return (p * log_p).sum(), (p * log_q).sum()


@exercise(
    "θ is what the model has. Which sum knows the model?",
    "Σ p_D log p_D is minus the entropy of the data: no model appears in it.",
    holds("it is one of the two", lambda name: name in ("first", "second"), 'one of "first", "second"'),
    agrees(says="p_θ appears in it"),
    value=True,
    cast=word,
)
def sum_with_theta() -> str:
    """Which of the two sums changes when θ does: "first" or "second"."""
    return "second"


@exercise(
    "For one model: E_p[−log q] minus KL(p‖q). Now for each row of log_qs.",
    "log_qs @ p sums over the states with weights p, for every row at once.",
    "-(log_qs @ p) - ((log_p - log_qs) @ p) with p = log_p.exp().",
    agrees(MODELS, says="it is the same number for every model: the entropy of p"),
)
def nll_minus_kl(log_p: Tensor, log_qs: Tensor) -> Tensor:
    """E_p[−log q] − KL(p‖q) for each of T models ``(T, S)``: ``(T,)``, in nats."""
    p = log_p.exp()
    return -(log_qs @ p) - ((log_p - log_qs) @ p)


@exercise(
    "An expectation becomes the mean over samples. Which log-probabilities did the samples get?",
    "log_q[draws] has one log-probability for each sample.",
    "Their mean, with a minus: -log_q[draws].mean().",
    agrees(SCORED, says="it is the mean of −log q over the samples"),
)
def nll_of_samples(log_q: Tensor, draws: Tensor) -> Tensor:
    """The mean of −log q over samples, given as numbers of states ``(N,)``, in nats."""
    return -log_q[draws].mean()


@exercise(
    "If q may be any distribution, how probable is a state that was drawn in a third of all cases?",
    "Count: torch.bincount(draws, minlength=states).",
    "Shares are counts divided by the number of draws.",
    agrees(SAMPLES, says="it gives each state its share of the draws: no other makes them likelier"),
)
def likeliest_distribution(draws: Tensor, states: int) -> Tensor:
    """The distribution that makes the samples ``(N,)`` likeliest, of all on so many states: ``(states,)``."""
    return torch.bincount(draws, minlength=states) / len(draws)


@exercise(
    "Begin with what is wanted, θ* as the minimum of a distance, and end with what is done.",
    "The split comes before one of its parts is dropped; samples come after there is an expectation.",
    holds("it has the six letters once", lambda text: sorted(text) == [*"ABCDEF"], "A to F, once each"),
    holds("it begins with what is wanted", lambda text: text[0] == "C", "another first letter"),
    holds("it ends with what is done", lambda text: text[-1] == "D", "another last letter"),
    agrees(says="each sentence follows from those before"),
    value=True,
    cast=letters,
)
def argument() -> str:
    """The six sentences of the argument in their order, as letters."""
    return "CEBFAD"


@exercise(
    "In KL(q‖p) the weights are those of the model: q.exp() of each row.",
    "Sum over the states: (log_qs.exp() * (log_qs - log_p)).sum(1) has one number for each model.",
    "argmin gives the place of the smallest; int makes it a number.",
    agrees(MODELS, says="it is the model of the smallest KL(q‖p)"),
)
def reverse_choice(log_p: Tensor, log_qs: Tensor) -> int:
    """Which of T models ``(T, S)`` has the smallest reverse KL(q‖p): its number, from 0."""
    return int((log_qs.exp() * (log_qs - log_p)).sum(1).argmin())


@exercise(
    "Which distribution makes the samples likeliest? You found it above.",
    "Its mean NLL on the samples: −Σ share · log share.",
    "torch.xlogy(share, share) is share · log share, and 0 where the share is 0.",
    holds("no distribution has a smaller one", unbeaten, "at most the NLL of any distribution", SAMPLES),
    agrees(SAMPLES, says="it is the entropy of the shares"),
)
def lowest_training_nll(draws: Tensor, states: int) -> Tensor:
    """The smallest mean of −log q over the samples that any distribution q on so many states has, in nats."""
    share = torch.bincount(draws, minlength=states) / len(draws)
    return -torch.xlogy(share, share).sum()


@exercise(
    "A sample is real or not with equal chances. Bayes: D*(x) = p(x) / (p(x) + q(x)).",
    "Average log D* over p, and log(1 − D*) over q; half of each, plus log 2.",
    "log 2 + (p * D.log()).sum() / 2 + (q * (1 - D).log()).sum() / 2.",
    agrees(EQUAL, says="it is 0 where nobody can tell p from q"),
    agrees(PAIRS, says="it is the Jensen–Shannon divergence"),
)
def js_of_the_best_discriminator(log_p: Tensor, log_q: Tensor) -> Tensor:
    """JSD(p, q) = log 2 + ½ E_p[log D*] + ½ E_q[log(1 − D*)] with D* = p/(p + q), in nats."""
    p, q = log_p.exp(), log_q.exp()
    best = p / (p + q)
    return torch.tensor(2.0).log() + (p * best.log()).sum() / 2 + (q * (1 - best).log()).sum() / 2

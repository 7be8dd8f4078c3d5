"""The exercises of notebook 08: Bayes' rule, a classifier's weights, missing pixels, another prior."""

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, Exercise, agrees, agrees_with, holds

GENERATOR = torch.Generator().manual_seed(0)


def posterior_by_bayes(log_px: Tensor, log_py: Tensor) -> Tensor:
    """p(y | x) ``(N, K)`` from log p(x | y) ``(N, K)`` and log p(y) ``(K,)``."""
    return (log_px + log_py).softmax(1)


def naive_bayes_weights(mu: Tensor, p1: Tensor) -> tuple[Tensor, Tensor]:
    """w ``(D,)`` and b of p(y = 1 | x) = σ(wᵀx + b), for a naive Bayes with μ ``(2, D)`` and p(y = 1)."""
    off = (1 - mu).log()
    w = (mu[1].log() - off[1]) - (mu[0].log() - off[0])
    return w, (off[1] - off[0]).sum() + (p1 / (1 - p1)).log()


def log_px_of_seen(x: Tensor, seen: Tensor, mu: Tensor) -> Tensor:
    """log p(seen pixels of x | y) ``(N, K)``: pixels ``(N, D)``, seen bool ``(D,)``, μ ``(K, D)``."""
    x, mu = x[:, seen], mu[:, seen]
    return x @ mu.log().T + (1 - x) @ (1 - mu).log().T


def with_prior(p: Tensor, old: float, new: float) -> Tensor:
    """p(y = 1 | x) ``(N,)`` under another p(y = 1), the p(x | y) as they were."""
    one, zero = p * new / old, (1 - p) * (1 - new) / (1 - old)
    return one / (one + zero)


# Log-likelihoods of classes, and their log-priors
SCORES: Cases = {
    "equal likelihoods": (torch.zeros(2, 3), torch.tensor([0.2, 0.3, 0.5]).log()),
    "five images, three classes": (
        4 * torch.randn(5, 3, generator=GENERATOR),
        torch.tensor([0.2, 0.3, 0.5]).log(),
    ),
    "64 pixels, far below float's range": (
        torch.tensor([[-900.0, -905.0], [-905.0, -900.0]]),
        torch.tensor([0.5, 0.5]).log(),
    ),
}

# Probabilities of white pixels in two classes, and p(y = 1)
MACHINES: Cases = {
    "one pixel": (torch.tensor([[0.2], [0.9]]), torch.tensor(0.5)),
    "a rare class": (torch.tensor([[0.5, 0.5], [0.5, 0.5]]), torch.tensor(0.1)),
    "six pixels": (0.05 + 0.9 * torch.rand(2, 6, generator=GENERATOR), torch.tensor(0.3)),
}


def hidden() -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """Images, which of their pixels are seen, and probabilities of white pixels in each class."""
    x = (torch.rand(4, 6, generator=GENERATOR) < 0.5).float()
    mu = 0.05 + 0.9 * torch.rand(4, 6, generator=GENERATOR)
    seen = torch.tensor([True, False, True, True, False, False])
    return {
        "all seen, two classes": (x, torch.ones(6, dtype=torch.bool), mu[:2]),
        "three of six seen, two classes": (x, seen, mu[:2]),
        "three of six seen, four classes": (x, seen, mu),
    }


def posteriors() -> dict[str, tuple[Tensor, float, float]]:
    """p(y = 1 | x), and two priors."""
    p = torch.tensor([0.02, 0.3, 0.5, 0.9])
    return {
        "the same prior": (p, 0.4, 0.4),
        "a rarer class": (p, 0.5, 0.1),
        "from rare to frequent": (p, 0.2, 0.7),
        "p = 0 and p = 1": (torch.tensor([0.0, 1.0]), 0.5, 0.1),
    }


def log_px_of_all(x: Tensor, mu: Tensor) -> Tensor:
    """log p(x | y) ``(N, K)`` with every pixel seen."""
    return log_px_of_seen(x, torch.ones(x.shape[1], dtype=torch.bool), mu)


def gives_the_posterior(came: tuple[Tensor, Tensor], mu: Tensor, p1: Tensor) -> bool:
    """Whether σ(wᵀx + b) is Bayes' posterior at some images."""
    generator = torch.Generator().manual_seed(1)
    x = (torch.rand(20, mu.shape[1], generator=generator) < 0.5).float()
    log_px = log_px_of_all(x, mu)
    right = posterior_by_bayes(log_px, torch.stack([1 - p1, p1]).log())[:, 1]
    return torch.allclose(torch.sigmoid(x @ came[0] + came[1]), right, atol=1e-4)


def sums_to_all(x: Tensor, seen: Tensor, mu: Tensor) -> Tensor:
    """The same, as a sum over all values of the pixels that are not seen."""
    gone = (~seen).nonzero()[:, 0]
    every = (torch.arange(2 ** len(gone))[:, None] >> torch.arange(len(gone)) & 1).float()
    total = []
    for values in every:
        full = x.clone()
        full[:, gone] = values
        total.append(log_px_of_all(full, mu))
    return torch.stack(total).logsumexp(0)


POSTERIOR_BY_BAYES = Exercise(
    posterior_by_bayes,
    (
        "p(y | x) = p(x | y) p(y) / p(x), and p(x) is the sum of the numerators over y.",
        "With logarithms the numerator is exp(log_px + log_py); divide each row by its sum.",
        "That is softmax, and it does not underflow: (log_px + log_py).softmax(1).",
    ),
    holds(
        "the probabilities of each image sum to 1",
        lambda p, *_: torch.allclose(p.sum(1), torch.ones(len(p)), atol=1e-4),
        "rows that sum to 1",
        SCORES,
    ),
    agrees(SCORES, says="it is p(x | y) p(y), divided by its sum over y"),
)

NAIVE_BAYES_WEIGHTS = Exercise(
    naive_bayes_weights,
    (
        "The log-odds are log p(x|1) − log p(x|0) + log p(y=1)/p(y=0). Sort them by what multiplies each xᵢ.",
        "A pixel gives xᵢ log μ + (1 − xᵢ) log(1 − μ) in each class: xᵢ has the factor log μ/(1 − μ).",
        "w = log μ₁/(1−μ₁) − log μ₀/(1−μ₀); b = Σ log (1−μ₁)/(1−μ₀) + log p(y=1)/p(y=0).",
    ),
    holds("σ(wᵀx + b) is the posterior by Bayes' rule", gives_the_posterior, "w and b as above", MACHINES),
    agrees(MACHINES),
)

LOG_PX_OF_SEEN = Exercise(
    log_px_of_seen,
    (
        "Sum p(x | y) over both values of a pixel that is not seen: its factor becomes μ + (1 − μ) = 1.",
        "So leave those pixels out: x[:, seen] and mu[:, seen].",
        "With these, x @ mu.log().T + (1 - x) @ (1 - mu).log().T.",
    ),
    agrees_with(sums_to_all, hidden(), says="it is the sum of p(x | y) over all that is not seen"),
    agrees(hidden()),
)

WITH_PRIOR = Exercise(
    with_prior,
    (
        "p(y | x) is in proportion to p(x | y) p(y): take the old prior out, and put the new one in.",
        "y = 1 weighs p · new / old, y = 0 weighs (1 − p)(1 − new)/(1 − old): divide by the sum of both.",
        "one, zero = p * new / old, (1 - p) * (1 - new) / (1 - old); return one / (one + zero).",
    ),
    agrees_with(
        lambda p, old, new: p,
        {"the same prior": (torch.tensor([0.1, 0.7]), 0.3, 0.3)},
        says="it changes nothing if the prior stays",
    ),
    agrees(posteriors(), says="each class is weighted by its new prior over its old one"),
)

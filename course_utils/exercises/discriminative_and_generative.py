"""The exercises of notebook 08: Bayes' rule, a classifier's weights, missing pixels, another prior."""

from itertools import product

import torch
from torch import Tensor

from course_utils.exercises.engine import Cases, agrees, exercise, holds

GENERATOR = torch.Generator().manual_seed(0)

THREE = torch.tensor([0.2, 0.3, 0.5]).log()
LIKELIHOODS: Cases = {  # log p(x | y) and log p(y)
    "equal likelihoods": (torch.zeros(2, 3), THREE),
    "five images, three classes": (4 * torch.randn(5, 3, generator=GENERATOR), THREE),
    "64 pixels, far below float's range": (-torch.tensor([[900.0, 905], [905, 900]]), torch.zeros(2)),
}
MODELS: Cases = {  # the probability of ink in each pixel of two classes, and p(y = 1)
    "one pixel": (torch.tensor([[0.2], [0.9]]), torch.tensor(0.5)),
    "a rare class": (torch.full((2, 2), 0.5), torch.tensor(0.1)),
    "six pixels": (0.05 + 0.9 * torch.rand(2, 6, generator=GENERATOR), torch.tensor(0.3)),
}
IMAGES = (torch.rand(4, 6, generator=GENERATOR) < 0.5).float()
MU = 0.05 + 0.9 * torch.rand(4, 6, generator=GENERATOR)
SEEN = torch.tensor([True, False, True, True, False, False])
MISSING: Cases = {
    "all seen, two classes": (IMAGES, torch.ones_like(SEEN), MU[:2]),
    "three of six seen, four classes": (IMAGES, SEEN, MU),
}
POSTERIORS: Cases = {  # p(y = 1 | x), the old prior and the new one
    "the same prior: nothing changes": (torch.tensor([0.1, 0.7]), 0.3, 0.3),
    "a rarer class": (torch.tensor([0.02, 0.3, 0.5, 0.9]), 0.5, 0.1),
    "from rare to frequent": (torch.tensor([0.02, 0.3, 0.5, 0.9]), 0.2, 0.7),
    "p = 0 and p = 1": (torch.tensor([0.0, 1.0]), 0.5, 0.1),
}


def gives_the_posterior(came: tuple[Tensor, Tensor], mu: Tensor, p1: Tensor) -> bool:
    """Whether σ(wᵀx + b) is Bayes' posterior at some images."""
    x = (torch.rand(20, mu.shape[1], generator=torch.Generator().manual_seed(1)) < 0.5).float()
    log_px = log_px_of_seen(x, torch.ones(mu.shape[1], dtype=torch.bool), mu)
    right = posterior_by_bayes(log_px, torch.stack([1 - p1, p1]).log())[:, 1]
    return torch.allclose(torch.sigmoid(x @ came[0] + came[1]), right, atol=1e-4)


def summed_out(x: Tensor, seen: Tensor, mu: Tensor) -> Tensor:
    """``log_px_of_seen`` by its definition: the sum over all values of the pixels that are not seen."""
    terms = []
    for values in product((0.0, 1.0), repeat=int((~seen).sum())):
        full = x.clone()
        full[:, ~seen] = torch.tensor(values)
        terms.append(log_px_of_seen(full, torch.ones_like(seen), mu))
    return torch.stack(terms).logsumexp(0)


@exercise(
    "p(y | x) = p(x | y) p(y) / p(x), and p(x) is the sum of the numerators over y.",
    "With logarithms the numerator is exp(log_px + log_py); divide each row by its sum.",
    "That is softmax, and it does not underflow: (log_px + log_py).softmax(1).",
    agrees(LIKELIHOODS, says="it is p(x | y) p(y), divided by its sum over y"),
)
def posterior_by_bayes(log_px: Tensor, log_py: Tensor) -> Tensor:
    """p(y | x) ``(N, K)`` from log p(x | y) ``(N, K)`` and log p(y) ``(K,)``."""
    return (log_px + log_py).softmax(1)


@exercise(
    "The log-odds are log p(x|1) − log p(x|0) + log p(y=1)/p(y=0). Sort them by what multiplies each xᵢ.",
    "A pixel gives xᵢ log μ + (1 − xᵢ) log(1 − μ) in each class: xᵢ has the factor log μ/(1 − μ).",
    "w = log μ₁/(1−μ₁) − log μ₀/(1−μ₀); b = Σ log (1−μ₁)/(1−μ₀) + log p(y=1)/p(y=0).",
    holds("σ(wᵀx + b) is the posterior by Bayes' rule", gives_the_posterior, "w and b as above", MODELS),
    agrees(MODELS),
)
def naive_bayes_weights(mu: Tensor, p1: Tensor) -> tuple[Tensor, Tensor]:
    """w ``(D,)`` and b of p(y = 1 | x) = σ(wᵀx + b), for a naive Bayes with μ ``(2, D)`` and p(y = 1)."""
    w = torch.logit(mu[1]) - torch.logit(mu[0])
    return w, ((1 - mu[1]) / (1 - mu[0])).log().sum() + torch.logit(p1)


@exercise(
    "Sum p(x | y) over both values of a pixel that is not seen: its factor becomes μ + (1 − μ) = 1.",
    "So leave those pixels out: x[:, seen] and mu[:, seen].",
    "With these, x @ mu.log().T + (1 - x) @ (1 - mu).log().T.",
    agrees(MISSING, summed_out, says="it is the sum of p(x | y) over all that is not seen"),
)
def log_px_of_seen(x: Tensor, seen: Tensor, mu: Tensor) -> Tensor:
    """log p(seen pixels of x | y) ``(N, K)``: pixels ``(N, D)``, seen bool ``(D,)``, μ ``(K, D)``."""
    x, mu = x[:, seen], mu[:, seen]
    return x @ mu.log().T + (1 - x) @ (1 - mu).log().T


@exercise(
    "p(y | x) is in proportion to p(x | y) p(y): take the old prior out, and put the new one in.",
    "y = 1 weighs p · new / old, y = 0 weighs (1 − p)(1 − new)/(1 − old): divide by the sum of both.",
    "one, zero = p * new / old, (1 - p) * (1 - new) / (1 - old); return one / (one + zero).",
    agrees(POSTERIORS, says="each class is weighted by its new prior over its old one"),
)
def with_prior(p: Tensor, old: float, new: float) -> Tensor:
    """p(y = 1 | x) ``(N,)`` under another p(y = 1), the p(x | y) as they were."""
    one, zero = p * new / old, (1 - p) * (1 - new) / (1 - old)
    return one / (one + zero)

"""Simple distributions that every model should beat: fitted to training images in closed form, or by EM.

Each takes training images ``(N, …)`` and returns a function from images to log p(x) ``(B,)`` in nats.
"""

from collections.abc import Callable
from math import log

import torch
from torch import Tensor

LogProb = Callable[[Tensor], Tensor]


def independent_pixels(x: Tensor) -> LogProb:
    """Every binary pixel alone: p(x_i = 1) = (ones + 1)/(N + 2).

    >>> fitted = independent_pixels(torch.tensor([[1.0], [1.0]]))
    >>> fitted(torch.tensor([[1.0], [0.0]])).exp().tolist()
    [0.75, 0.25]
    """
    x = x.flatten(1).double()
    p = (x.sum(0) + 1) / (len(x) + 2)

    def log_prob(x: Tensor) -> Tensor:
        x = x.flatten(1).double()
        return x @ p.log() + (1 - x) @ (1 - p).log()

    return log_prob


def bernoulli_mixture(x: Tensor, components: int = 20, steps: int = 100, seed: int = 0) -> LogProb:
    """A mixture of products of Bernoullis, by EM that starts from ``components`` of the images.

    Every pixel of every component has half an imagined image of each colour, so that nothing is impossible
    (a Beta prior). Dempster, Laird & Rubin 1977.
    """
    x = x.flatten(1).double()
    first = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:components]
    pi, p = torch.full((components,), 1 / components).double(), 0.25 + 0.5 * x[first]
    for _ in range(steps):
        r = (pi.log() + x @ p.log().T + (1 - x) @ (1 - p).log().T).softmax(1)
        weight = r.sum(0)
        pi, p = weight / len(x), (r.T @ x + 0.5) / (weight[:, None] + 1)

    def log_prob(x: Tensor) -> Tensor:
        x = x.flatten(1).double()
        return (pi.log() + x @ p.log().T + (1 - x) @ (1 - p).log().T).logsumexp(1)

    return log_prob


def independent_levels(x: Tensor, levels: int) -> LogProb:
    """Every grey pixel alone: the share of each of its L levels, one imagined image for each."""
    v = (x.flatten(1) * (levels - 1)).round().long()
    counts = torch.nn.functional.one_hot(v, levels).double().sum(0) + 1  # (D, L)
    log_p = (counts / counts.sum(1, keepdim=True)).log()

    def log_prob(x: Tensor) -> Tensor:
        v = (x.flatten(1) * (levels - 1)).round().long()
        return log_p.gather(1, v.T).sum(0)

    return log_prob


def logit_gaussian(x: Tensor, ridge: float = 0.05) -> LogProb:
    """One full Gaussian over the log-odds of dequantised pixels x in (0, 1): a density of x.

    log p(x) = log N(y; μ, Σ + ridge·I) + Σ_i log |dy_i/dx_i|,   y = log x − log(1 − x).
    """
    y = torch.logit(x.flatten(1).double())
    covariance = torch.cov(y.T) + ridge * torch.eye(y.shape[1], dtype=torch.double)
    fitted = torch.distributions.MultivariateNormal(y.mean(0), covariance)

    def log_prob(x: Tensor) -> Tensor:
        x = x.flatten(1).double()
        return fitted.log_prob(torch.logit(x)) - (x.log() + torch.log1p(-x)).sum(1)

    return log_prob


def uniform(levels: int = 2) -> LogProb:
    """Every image of L levels is equally likely: log p = −D log L."""
    return lambda x: torch.full((len(x),), -x[0].numel() * log(levels), dtype=torch.double)

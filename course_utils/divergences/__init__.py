"""How far apart are two distributions? Exact on finite spaces, and Monte Carlo. KL, JS and entropies in nats.

=====================  ==================  ====================
distance               finite space        from samples
=====================  ==================  ====================
Kullback–Leibler       kl                  kl_monte_carlo
Jensen–Shannon         js
total variation        total_variation
Wasserstein-1          wasserstein1_line
squared MMD                                mmd_squared_samples
=====================  ==================  ====================

The reverse KL is ``kl(log_q, log_p)``: the first argument is the distribution that the expectation is over.
Wasserstein distances are in units of x, TV and MMD have none.
"""

from course_utils.divergences.estimate import Estimate, mean
from course_utils.divergences.finite import (
    cross_entropy,
    entropy,
    js,
    kl,
    total_variation,
    wasserstein1_line,
)
from course_utils.divergences.samples import (
    gaussian_kernel,
    kl_monte_carlo,
    median_distance,
    mmd_squared_samples,
)

__all__ = [
    "Estimate",
    "cross_entropy",
    "entropy",
    "gaussian_kernel",
    "js",
    "kl",
    "kl_monte_carlo",
    "mean",
    "median_distance",
    "mmd_squared_samples",
    "total_variation",
    "wasserstein1_line",
]

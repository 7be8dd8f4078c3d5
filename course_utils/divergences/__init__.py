"""How far apart are two distributions? Exact on finite spaces, closed forms, and Monte Carlo. All in nats.

=====================  ==================  ============================  ==============================
distance               finite space        Gaussians                     from samples
=====================  ==================  ============================  ==============================
Kullback–Leibler       kl                  gaussian_kl                   kl_monte_carlo
Jensen–Shannon         js                                                js_monte_carlo
total variation        total_variation     gaussian_total_variation      total_variation_monte_carlo
Wasserstein-1          wasserstein1_line,  gaussian_wasserstein1         wasserstein1_samples
                       wasserstein1_hamming
Wasserstein-2                              gaussian_wasserstein2
squared MMD            mmd_squared         gaussian_mmd_squared          mmd_squared_samples
=====================  ==================  ============================  ==============================

The reverse KL is ``kl(log_q, log_p)``: the first argument is the law that the expectation is over.
KL, JS and entropies are in nats, Wasserstein distances in units of x, TV and MMD have none.
"""

from course_utils.divergences.estimate import Estimate, mean
from course_utils.divergences.finite import cross_entropy, entropy, js, kl, mmd_squared, total_variation
from course_utils.divergences.gaussian import (
    gaussian_kl,
    gaussian_mmd_squared,
    gaussian_total_variation,
    gaussian_wasserstein1,
    gaussian_wasserstein2,
)
from course_utils.divergences.kernel import gaussian_kernel, median_distance
from course_utils.divergences.monte_carlo import (
    js_monte_carlo,
    kl_monte_carlo,
    mmd_squared_samples,
    total_variation_monte_carlo,
    wasserstein1_samples,
)
from course_utils.divergences.transport import wasserstein1_hamming, wasserstein1_line

__all__ = [
    "Estimate",
    "cross_entropy",
    "entropy",
    "gaussian_kernel",
    "gaussian_kl",
    "gaussian_mmd_squared",
    "gaussian_total_variation",
    "gaussian_wasserstein1",
    "gaussian_wasserstein2",
    "js",
    "js_monte_carlo",
    "kl",
    "kl_monte_carlo",
    "mean",
    "median_distance",
    "mmd_squared",
    "mmd_squared_samples",
    "total_variation",
    "total_variation_monte_carlo",
    "wasserstein1_hamming",
    "wasserstein1_line",
    "wasserstein1_samples",
]

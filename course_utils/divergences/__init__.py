"""How far apart are two distributions? Exact on finite spaces, or by Monte Carlo; KL, JS, entropies in nats.

The reverse KL is ``kl(log_q, log_p)``: the first argument is the distribution that the expectation is over.
Wasserstein distances are in units of x, total variation has none.
"""

from course_utils.divergences.estimate import Estimate, kl_monte_carlo, mean
from course_utils.divergences.finite import (
    cross_entropy,
    entropy,
    js,
    kl,
    total_variation,
    wasserstein1_line,
)

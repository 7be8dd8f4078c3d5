"""How good is p_M? Held-out nats and bits/dim, exact distances on universes, two-sample tests.

``python -m course_utils scoreboard`` asks these of the whole tree at once; ``load`` reads its stored answers.
"""

from course_utils.evaluation.measures import (
    bits_per_dim,
    exact_kl,
    held_out,
    log_probs,
    paired_difference,
    state_log_probs,
)
from course_utils.evaluation.partition import PartitionEstimate, annealed_importance_sampling
from course_utils.evaluation.results import Row, load
from course_utils.evaluation.two_samples import (
    classifier_two_sample_test,
    frechet_distance,
    parzen_log_prob,
    parzen_score,
)

"""How good is p_M? Held-out nats and bits/dim, exact distances on universes, samples against density.

``scoreboard`` asks these of the whole tree at once, and stores the answers.
"""

from course_utils.evaluation.measures import (
    Agreement,
    bits_per_dim,
    exact_kl,
    held_out,
    log_probs,
    paired_difference,
    sample_agreement,
    state_log_probs,
)
from course_utils.evaluation.stored import scoreboard, table

__all__ = [
    "Agreement",
    "bits_per_dim",
    "exact_kl",
    "held_out",
    "log_probs",
    "paired_difference",
    "sample_agreement",
    "scoreboard",
    "state_log_probs",
    "table",
]

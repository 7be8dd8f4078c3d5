"""Parts of neural networks without any probability: one file a kind."""

from course_utils.nets.dense import MLP, zero
from course_utils.nets.masked_linear import MaskedLinear, degree_mask, random_degrees, spread_degrees
from course_utils.nets.residual import ResidualBlock, ResidualNet

__all__ = [
    "MLP",
    "MaskedLinear",
    "ResidualBlock",
    "ResidualNet",
    "degree_mask",
    "random_degrees",
    "spread_degrees",
    "zero",
]

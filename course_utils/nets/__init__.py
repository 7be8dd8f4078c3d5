"""Parts of neural networks without any probability: one file a kind."""

from course_utils.nets.dense import layers, zero
from course_utils.nets.masked_conv import MaskedConv2d, Scan, causal_mask, whole
from course_utils.nets.masked_linear import MaskedLinear, degree_mask, random_degrees, spread_degrees
from course_utils.nets.residual import ResidualBlock, ResidualNet

__all__ = [
    "MaskedConv2d",
    "MaskedLinear",
    "ResidualBlock",
    "ResidualNet",
    "Scan",
    "causal_mask",
    "degree_mask",
    "layers",
    "random_degrees",
    "spread_degrees",
    "whole",
    "zero",
]

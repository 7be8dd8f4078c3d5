"""Parts of neural networks without any probability: one file a kind."""

from course_utils.nets.coders import layers, residual_net, zero
from course_utils.nets.masked_conv import MaskedConv2d, Scan, causal_mask, whole
from course_utils.nets.masked_linear import MaskedLinear, degree_mask, random_degrees, spread_degrees

"""Real images as tensors, in fixed splits: the bundled digits, MNIST, and MNIST's fixed binarisation."""

from course_utils.datasets.digits import digits
from course_utils.datasets.fetch import DatasetUnavailable
from course_utils.datasets.images import Images, Splits, binarise, dequantise
from course_utils.datasets.mnist import binarized_mnist, mnist

__all__ = [
    "DatasetUnavailable",
    "Images",
    "Splits",
    "binarise",
    "binarized_mnist",
    "dequantise",
    "digits",
    "mnist",
]

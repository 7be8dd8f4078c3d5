"""Real images as tensors, in fixed splits: the bundled digits, MNIST, and MNIST's fixed binarisation."""

from course_utils.datasets.animals import ANIMALS
from course_utils.datasets.digits import digits
from course_utils.datasets.fetch import DatasetUnavailable
from course_utils.datasets.images import Images, Splits, binarise, dequantise
from course_utils.datasets.mnist import binarized_mnist, mnist
from course_utils.datasets.mnist_shipped import mnist_shipped
from course_utils.datasets.scenes import Scenes, scenes

__all__ = [
    "ANIMALS",
    "DatasetUnavailable",
    "Images",
    "Scenes",
    "Splits",
    "binarise",
    "binarized_mnist",
    "dequantise",
    "digits",
    "mnist",
    "mnist_shipped",
    "scenes",
]

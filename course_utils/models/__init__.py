"""The systems on the tree of slide 14, one file a family; every leaf is exported here.

They are imported in the order of the slide: a class takes its place on the tree when it is defined.
"""
# ruff: noqa: I001

from course_utils.models.pixelrnn import PixelRNN
from course_utils.models.pixelcnn import PixelCNN
from course_utils.models.nade import NADE
from course_utils.models.made import MADE
from course_utils.models.nice import NICE
from course_utils.models.realnvp import RealNVP
from course_utils.models.glow import Glow
from course_utils.models.ffjord import FFJORD
from course_utils.models.vae import VAE
from course_utils.models.boltzmann import BoltzmannMachine
from course_utils.models.gsn import GSN
from course_utils.models.gan import GAN
from course_utils.taxonomy import leaves

__all__ = [leaf.__name__ for leaf in leaves()]  # pyright: ignore[reportUnsupportedDunderAll]

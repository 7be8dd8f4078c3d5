"""The systems on the tree of slide 14, one file a family; every leaf is exported here."""

from course_utils.models.ffjord import FFJORD
from course_utils.models.glow import Glow
from course_utils.models.made import MADE
from course_utils.models.nade import NADE
from course_utils.models.nice import NICE
from course_utils.models.pixelcnn import PixelCNN
from course_utils.models.pixelrnn import PixelRNN
from course_utils.models.realnvp import RealNVP

__all__ = ["FFJORD", "Glow", "MADE", "NADE", "NICE", "PixelCNN", "PixelRNN", "RealNVP"]

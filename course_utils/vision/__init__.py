"""Networks that look at images and say something about them."""

from course_utils.vision.backbone import Backbone
from course_utils.vision.recognition import DigitClassifier

__all__ = ["Backbone", "DigitClassifier"]

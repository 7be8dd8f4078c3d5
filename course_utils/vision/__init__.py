"""Networks that look at images and say something about them."""

from course_utils.vision.average_precision import (
    PrecisionRecall,
    average_precision,
    matches,
    precision_recall,
)
from course_utils.vision.backbone import Backbone
from course_utils.vision.boxes import box_iou, generalised_iou, mask_iou, nms
from course_utils.vision.classification import Classifier
from course_utils.vision.detection import Detector, at_one_size, unseen
from course_utils.vision.detections import Detections
from course_utils.vision.instances import connected_components
from course_utils.vision.localisation import Localiser, localised, mean_box
from course_utils.vision.recognition import DigitClassifier
from course_utils.vision.segmentation import InstanceSegmenter

__all__ = [
    "Backbone",
    "Classifier",
    "Detections",
    "Detector",
    "DigitClassifier",
    "InstanceSegmenter",
    "Localiser",
    "PrecisionRecall",
    "at_one_size",
    "average_precision",
    "box_iou",
    "connected_components",
    "generalised_iou",
    "localised",
    "mask_iou",
    "matches",
    "mean_box",
    "nms",
    "precision_recall",
    "unseen",
]

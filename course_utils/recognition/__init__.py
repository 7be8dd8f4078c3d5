"""Networks that look at images and say something about them."""

from course_utils.recognition.average_precision import (
    PrecisionRecall,
    average_precision,
    matches,
    precision_recall,
)
from course_utils.recognition.backbone import Backbone
from course_utils.recognition.boxes import box_iou, generalised_iou, mask_iou, nms
from course_utils.recognition.classification import Classifier
from course_utils.recognition.detection import Detector, at_one_size, unseen
from course_utils.recognition.detections import Detections
from course_utils.recognition.digits import DigitClassifier
from course_utils.recognition.instances import connected_components
from course_utils.recognition.localisation import Localiser, localised, mean_box
from course_utils.recognition.segmentation import InstanceSegmenter

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

"""Networks that look at images and say something about them: the four tasks of slide 3."""

from course_utils.recognition.average_precision import average_precision, matches
from course_utils.recognition.classification import Classifier, DigitClassifier
from course_utils.recognition.detection import Detector
from course_utils.recognition.detections import Detections, at_one_size
from course_utils.recognition.localisation import Localiser, mean_box
from course_utils.recognition.segmentation import InstanceSegmenter, connected_components

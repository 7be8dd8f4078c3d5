"""A detector of photographs that others trained: used where its weights lie on this machine already."""

from pathlib import Path

import torch
from torch import Tensor

from course_utils.checks import check_number
from course_utils.recognition.detections import Detections

WEIGHTS = "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth"
CLASSES = 91


def weights_file() -> Path:
    """Where torchvision keeps the weights once they are downloaded: in torch's hub folder."""
    return Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS


def detect_photograph(photo: Tensor, *, threshold: float = 0.5) -> tuple[Detections, list[str]] | None:
    """Find everyday things on a photograph; None where the weights are not here. Nothing is downloaded.

    torchvision's Faster R-CNN with a MobileNetV3 (S. Ren et al., *Faster R-CNN*, NIPS 2015; A. Howard et
    al., *Searching for MobileNetV3*, ICCV 2019), trained on the 118,000 photographs of COCO. What it finds on
    ``(3, H, W)``, values in [0, 1], with a score of at least the threshold, is on scene 0; beside it come the
    names of the classes by their labels.

    Raises:
        ValueError: photo is no such image, or the threshold lies outside [0, 1].
    """
    check_number(threshold, "detect_photograph: threshold", low=0, high=1)
    if photo.dim() != 3 or len(photo) != 3 or not 0 <= photo.min() <= photo.max() <= 1:
        raise ValueError(
            f"detect_photograph: expected (3, H, W) in [0, 1], got shape {tuple(photo.shape)} in "
            f"[{photo.min():.4g}, {photo.max():.4g}]"
        )
    if not weights_file().is_file():
        return None
    from torchvision.models import detection  # costs seconds: only who has the weights pays

    model = detection.fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, num_classes=CLASSES
    )
    model.load_state_dict(torch.load(weights_file(), map_location="cpu", weights_only=True))
    with torch.no_grad():
        (found,) = model.eval()([photo.cpu()])
    names = detection.FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.DEFAULT.meta["categories"]
    rows = torch.zeros_like(found["labels"])
    return Detections(rows, found["scores"], found["labels"], found["boxes"]).above(threshold), names

"""The detector of photographs: only with weights that are here, and never from a network."""

import socket

import pytest
import torch

from course_utils.recognition import photographs
from course_utils.recognition.photographs import detect_photograph


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty hub folder, and no network."""

    def refuse(*args, **kwargs):
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket, "socket", refuse)
    before = torch.hub._hub_dir
    torch.hub.set_dir(tmp_path)
    yield tmp_path
    torch.hub._hub_dir = before


def test_without_weights_there_is_no_answer_and_no_download(hub):
    assert detect_photograph(torch.rand(3, 60, 80)) is None
    assert list(hub.iterdir()) == []


@pytest.mark.slow
def test_weights_of_torchvision_are_used_and_give_named_boxes_on_the_photograph(hub):
    from torchvision.models import detection

    torch.manual_seed(0)
    model = detection.fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, num_classes=photographs.CLASSES
    )
    model.roi_heads.box_predictor.cls_score.bias.data[17] += 9  # it sees cats everywhere
    photographs.weights_file().parent.mkdir()
    torch.save(model.state_dict(), photographs.weights_file())
    photo = torch.rand(3, 60, 80)
    found, names = detect_photograph(photo, threshold=0.5)
    assert len(found) and {names[k] for k in found.labels.tolist()} == {"cat"}
    assert (found.scores >= 0.5).all() and (found.scene == 0).all() and len(names) == photographs.CLASSES
    assert (found.boxes >= 0).all() and (found.boxes <= torch.tensor([80, 60, 80, 60])).all()
    assert len(detect_photograph(photo, threshold=1.0)[0]) == 0


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (torch.rand(1, 3, 8, 8), r"\(3, H, W\) in \[0, 1\], got shape \(1, 3, 8, 8\)"),
        (torch.full((3, 8, 8), 255.0), r"got shape \(3, 8, 8\) in \[255, 255\]"),
    ],
)
def test_bad_input_gets_one_clear_error(hub, photo, message):
    with pytest.raises(ValueError, match=message):
        detect_photograph(photo)
    with pytest.raises(ValueError, match="detect_photograph: threshold"):
        detect_photograph(torch.rand(3, 8, 8), threshold=2)

"""Instance segmentation: what the maps are taught, and how they are drawn out to the image."""

from math import exp, log1p

import pytest
import torch

from course_utils.recognition import InstanceSegmenter
from course_utils.recognition.backbone import positions
from course_utils.recognition.segmentation import SPREAD, STEP, UNIT, WEIGHTS, centre_of_mass, group


class Said(InstanceSegmenter):
    """A segmenter that says what it is told to say."""

    def say_this(self, logits, heat, offsets):
        self.said = (logits, heat, offsets)
        return self

    def forward(self, x):
        return self.said


@pytest.fixture(scope="module")
def lesson():
    """Random maps for two scenes of 16×24 pixels, with two objects that touch and a place left over."""
    torch.manual_seed(0)
    masks = torch.zeros(2, 3, 16, 24, dtype=torch.bool)
    masks[0, 0, 2:9, 3:8], masks[0, 1, 3:10, 8:13] = True, True
    masks[1, 0, 5:16, 11:20] = True
    masks[1, 1, 0:4, 0:4] = True  # no label: it does not count
    labels = torch.tensor([[2, 2, -1], [0, -1, -1]])
    maps = [torch.randn(2, 4, 8, 12), torch.randn(2, 8, 12), 8 * torch.randn(2, 2, 8, 12)]
    return torch.rand(2, 3, 16, 24).double(), labels, masks, [part.double() for part in maps]


def by_hand(labels, masks, logits, heat, offsets):
    """The three parts of the loss, from pixels one by one."""
    centres = centre_of_mass(masks)
    objects = [(b, k) for b in range(2) for k in range(3) if labels[b, k] >= 0]
    class_loss, offset_loss, heat_loss, covered = 0.0, 0.0, 0.0, 0
    for b in range(2):
        for i in range(16):
            for j in range(24):
                k = next((k for k in range(3) if (b, k) in objects and masks[b, k, i, j]), None)
                channel = 0 if k is None else labels[b, k].item() + 1
                log_p = logits[b, :, i // 2, j // 2].log_softmax(0)
                class_loss -= log_p[channel].item() / (2 * 16 * 24)
        for i in range(8):
            for j in range(12):
                x, y = 2 * j + 1, 2 * i + 1
                bump = max(
                    exp(-((x - centres[b, k, 0].item()) ** 2 + (y - centres[b, k, 1].item()) ** 2) / 18)
                    for c, k in objects
                    if c == b
                )
                h = heat[b, i, j].item()
                heat_loss += bump * log1p(exp(-h)) + (1 - bump) * log1p(exp(h))
                cell = masks[b, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].sum((1, 2)) * (labels[b] >= 0)
                n = cell.sum().item()
                if n:
                    aim = (cell[:, None] * centres[b]).sum(0) / n
                    guess = torch.tensor([x, y]) + offsets[b, :, i, j]
                    offset_loss += n / 4 * (guess - aim).abs().sum().item() / UNIT
                    covered += n / 4
    return class_loss, heat_loss / len(objects), offset_loss / covered


def test_the_loss_is_the_one_added_up_pixel_by_pixel(lesson):
    x, labels, masks, maps = lesson
    assert SPREAD == 3 and STEP == 2
    model = Said((3, 16, 24)).double().say_this(*maps)
    parts = by_hand(labels, masks, *maps)
    expected = sum(w * part for w, part in zip(WEIGHTS, parts, strict=True))
    assert model.loss(x, labels, masks).item() == pytest.approx(expected, rel=1e-6)


def test_the_order_of_the_objects_does_not_count(lesson):
    x, labels, masks, maps = lesson
    model = Said((3, 16, 24)).double().say_this(*maps)
    swapped = model.loss(x, labels[:, [1, 2, 0]], masks[:, [1, 2, 0]])
    assert torch.allclose(model.loss(x, labels, masks), swapped, rtol=1e-12)


def test_an_empty_scene_is_all_background():
    x = torch.rand(1, 3, 16, 24)
    labels, masks = torch.full((1, 2), -1), torch.zeros(1, 2, 16, 24, dtype=torch.bool)
    maps = [torch.zeros(1, 4, 8, 12), torch.full((1, 8, 12), -40.0), torch.randn(1, 2, 8, 12)]
    maps[0][:, 0] = 40
    assert Said((3, 16, 24)).say_this(*maps).loss(x, labels, masks).item() == pytest.approx(0, abs=1e-6)


def test_maps_are_drawn_out_in_place():
    ramp = positions(64, 64, STEP, like=torch.zeros(()).double())[None]
    model = Said().double().say_this(torch.randn(1, 4, 32, 32).double(), torch.zeros(1, 32, 32), ramp)
    drawn = model.offsets(torch.rand(1, 3, 64, 64).double())[0]
    inside = (slice(None), slice(1, -1), slice(1, -1))
    assert torch.allclose(drawn[inside], positions(64, 64, like=ramp)[inside])


def test_semantic_is_the_likeliest_class_and_segment_groups_the_maps():
    torch.manual_seed(0)
    model, x = InstanceSegmenter(), torch.rand(3, 3, 64, 64)
    probabilities, heat, offsets = model.maps(x)
    assert torch.allclose(probabilities.sum(1), torch.ones(3, 64, 64))
    assert torch.equal(model.semantic(x), probabilities.argmax(1) - 1)
    assert torch.equal(model.offsets(x), offsets)
    found, expected = model.segment(x, threshold=0.2), group(probabilities, heat, offsets, threshold=0.2)
    assert len(found) and torch.equal(found.masks, expected.masks)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda y, m: (y[:, :2], m), r"torch.int64 \(2, 2\) and torch.bool \(2, 3, 16, 24\)"),
        (lambda y, m: (y[:1], m[:1]), r"labels \(2, K\)"),
        (lambda y, m: (y, m.float()), "torch.bool, got torch.int64 .* and torch.float32"),
        (lambda y, m: (y.float(), m), "int64 from −1 to 2, .*, got torch.float32"),
        (lambda y, m: (y, m[..., :12]), r"\(2, 3, 16, 12\)"),
        (lambda y, m: (y + 2, m), "got labels from 1 to 4"),
    ],
)
def test_labels_and_masks_that_do_not_fit_are_refused(lesson, change, words):
    x, labels, masks, _ = lesson
    with pytest.raises(ValueError, match=f"InstanceSegmenter: .*{words}"):
        InstanceSegmenter((3, 16, 24)).double().loss(x, *change(labels, masks))

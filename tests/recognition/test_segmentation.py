"""Instance segmentation: what the maps are taught, and how objects come of them."""

from math import exp, log1p

import pytest
import torch
from torch.nn.functional import one_hot

from course_utils.datasets import scenes
from course_utils.datasets.scenes import tight_boxes
from course_utils.recognition import InstanceSegmenter, connected_components, matches
from course_utils.recognition.backbone import positions
from course_utils.recognition.segmentation import SPREAD, STEP, UNIT, WEIGHTS, centre_of_mass, group, peaks


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
                here = [centres[b, k].tolist() for c, k in objects if c == b]
                bump = max(exp(-((x - u) ** 2 + (y - v) ** 2) / 18) for u, v in here)
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
    torch.testing.assert_close(model.offsets(x), offsets)
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


# From maps to objects


@pytest.fixture(scope="module")
def pairs():
    return scenes(40, touching=True, seed=3)


def true_maps(truth):
    """The maps of a segmenter that knows all: probabilities, heat and offsets, each at its resolution."""
    n, side = len(truth), truth.x.shape[-1]
    kinds = one_hot(truth.labels + 1, 4).float() * (truth.labels >= 0)[..., None]
    probabilities = torch.einsum("nkhw,nkc->nchw", truth.masks.float(), kinds)
    probabilities[:, 0] = ~truth.masks.any(1)
    centres = centre_of_mass(truth.masks)
    away = centres[..., None, None] - positions(side, side, like=centres)
    offsets = (truth.masks[:, :, None] * away).sum(1)
    heat = torch.zeros(n, side // STEP, side // STEP)
    for i, k in (truth.labels >= 0).nonzero().tolist():
        column, row = (centres[i, k] / STEP).long().tolist()
        heat[i, row, column] = 0.9 - 0.1 * k
    return probabilities, heat, offsets


def test_true_maps_give_the_true_objects_back(pairs):
    found = group(*true_maps(pairs))
    assert len(found) == 2 * len(pairs)
    assert matches(found, pairs, iou=1.0, by="masks").all()
    assert torch.equal(found.boxes, tight_boxes(found.masks))


def test_classes_alone_merge_what_touches(pairs):
    semantic = true_maps(pairs)[0].argmax(1) - 1
    merged = connected_components(semantic)
    assert torch.bincount(merged.scene[matches(merged, pairs, by="masks")]).max() <= 1
    whole = pairs.masks.any(1)
    assert all((merged.of(i).masks <= whole[i]).all() for i in range(len(pairs)))


def test_without_the_offsets_even_true_centres_do_not_part_them_well(pairs):
    probabilities, heat, offsets = true_maps(pairs)
    blind = group(probabilities, heat, 0 * offsets)
    assert not matches(blind, pairs, iou=0.95, by="masks").all()


def test_the_score_is_the_centre_times_the_class_and_the_class_that_of_the_pixels():
    probabilities = torch.zeros(1, 4, 16, 16)
    probabilities[:, 0] = 1
    probabilities[0, :, 4:8, 4:8] = torch.tensor([0.2, 0.0, 0.5, 0.3])[:, None, None]
    probabilities[0, :, 4:8, 4] = torch.tensor([0.0, 0.0, 0.1, 0.9])[:, None]
    heat = torch.zeros(1, 8, 8)
    heat[0, 3, 3] = 0.5
    found = group(probabilities, heat, torch.zeros(1, 2, 16, 16))
    assert found.labels.tolist() == [2 - 1 + (0.9 + 3 * 0.3 > 0.1 + 3 * 0.5)]
    assert found.scores.item() == pytest.approx(0.5 * (0.9 + 3 * 0.3) / 4)
    assert found.boxes.tolist() == [[4, 4, 8, 8]]
    assert len(group(probabilities, heat, torch.zeros(1, 2, 16, 16), threshold=0.6)) == 0


def test_a_centre_lies_in_the_middle_of_its_cell():
    probabilities, heat = torch.zeros(1, 4, 16, 16), torch.zeros(1, 8, 8)
    probabilities[:, 1], heat[0, 3, 1], heat[0, 3, 5] = 1, 0.9, 0.8  # at x = 3 and x = 11
    found = group(probabilities, heat, torch.zeros(1, 2, 16, 16))
    assert found.boxes.tolist() == [[0, 0, 7, 16], [7, 0, 16, 16]]


def test_no_pixel_belongs_to_two_objects_or_to_none():
    torch.manual_seed(0)
    probabilities = torch.randn(5, 4, 32, 32).softmax(1)
    found = group(probabilities, torch.rand(5, 16, 16), 3 * torch.randn(5, 2, 32, 32), threshold=0, limit=3)
    counts = torch.zeros(5, 32, 32).index_add(0, found.scene, found.masks.float())
    assert torch.equal(counts, (probabilities.argmax(1) > 0).float())


def test_peaks_are_the_largest_of_their_surroundings_in_order():
    torch.manual_seed(0)
    heat = torch.rand(3, 9, 7)
    heights, places = peaks(heat, 60)
    for b in range(3):
        cells = [(i, j) for i in range(9) for j in range(7)]
        around = {(i, j): heat[b, max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 3] for i, j in cells}
        tops = [(i, j) for i, j in cells if heat[b, i, j] == around[i, j].max()]
        by_hand = sorted(((heat[b, i, j].item(), j + 0.5, i + 0.5) for i, j in tops), reverse=True)
        there = heights[b] >= 0
        got = torch.cat([heights[b, :, None], places[b]], 1)[there]
        assert torch.allclose(got, torch.tensor(by_hand))


def test_centres_and_boxes_of_masks_are_those_counted_by_hand():
    masks = scenes(20, seed=1).masks.flatten(0, 1)
    masks = masks[masks.flatten(1).any(1)]
    for mask, centre, box in zip(masks, centre_of_mass(masks), tight_boxes(masks), strict=True):
        rows, columns = mask.nonzero().float().unbind(1)
        assert torch.allclose(centre, torch.stack([columns.mean(), rows.mean()]) + 0.5, atol=1e-4)
        assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


# The baseline


def flood(semantic, start):
    """All pixels of one class that hang together with the first, by walking."""
    todo, seen, height, width = [start], {start}, *semantic.shape
    while todo:
        i, j = todo.pop()
        around = {(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} - seen
        inside = {(a, b) for a, b in around if 0 <= a < height and 0 <= b < width}
        step = {place for place in inside if semantic[place] == semantic[start]}
        seen |= step
        todo += step
    return seen


def test_components_are_what_a_walk_reaches():
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randint(-1, 2, (3, 6, 6), generator=generator)
    semantic = coarse.repeat_interleave(4, 1).repeat_interleave(4, 2)
    found = connected_components(semantic)
    assert (found.scores == 1).all()
    for scene, label, mask in zip(found.scene, found.labels, found.masks, strict=True):
        assert (semantic[scene][mask] == label).all()
        pixels = [tuple(p) for p in mask.nonzero().tolist()]
        assert {*pixels} == flood(semantic[scene], pixels[0])
    covered = torch.zeros(3, 24, 24).index_add(0, found.scene, found.masks.float())
    assert torch.equal(covered, (semantic >= 0).float())


def test_specks_are_no_objects_and_nothing_is_found_on_background():
    semantic = torch.full((2, 16, 16), -1)
    assert len(connected_components(semantic)) == 0
    semantic[0, 2:4, 2:4] = 1
    assert len(connected_components(semantic)) == 0


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: connected_components(torch.zeros(2, 8, 8)), "connected_components: expected classes"),
        (lambda: connected_components(None), "got NoneType"),
        (lambda: InstanceSegmenter().segment(torch.rand(1, 3, 64, 64), threshold=2), "threshold"),
        (lambda: InstanceSegmenter().segment(torch.rand(1, 3, 64, 60)), "InstanceSegmenter: .*shape"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()

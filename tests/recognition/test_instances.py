"""From maps to objects: how pixels find the centre they point to, and the floor that merges what touches."""

import pytest
import torch
from torch.nn.functional import one_hot

from course_utils.datasets import scenes
from course_utils.datasets.scenes import tight_boxes
from course_utils.recognition import InstanceSegmenter, connected_components, matches
from course_utils.recognition.backbone import positions
from course_utils.recognition.segmentation import STEP, centre_of_mass, group, peaks


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


# From maps to objects


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
        by_hand = sorted(
            (
                (heat[b, i, j].item(), j + 0.5, i + 0.5)
                for i in range(9)
                for j in range(7)
                if heat[b, i, j] == heat[b, max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 3].max()
            ),
            reverse=True,
        )
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


# The floor


def flood(semantic, start):
    """All pixels of one class that hang together with the first, by walking."""
    todo, seen, height, width = [start], {start}, *semantic.shape
    while todo:
        i, j = todo.pop()
        around = {(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} - seen
        step = {
            (a, b)
            for a, b in around
            if 0 <= a < height and 0 <= b < width and semantic[a, b] == semantic[start]
        }
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
        assert {tuple(p) for p in mask.nonzero().tolist()} == flood(
            semantic[scene], tuple(mask.nonzero()[0].tolist())
        )
    assert torch.equal(
        torch.zeros(3, 24, 24).index_add(0, found.scene, found.masks.float()), (semantic >= 0).float()
    )


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

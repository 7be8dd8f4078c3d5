"""Average precision: cases worked by hand, and random scenes for the comparison with pycocotools."""

from dataclasses import replace
from math import isnan

import pytest
import torch

from course_utils.datasets.scenes import Scenes
from course_utils.recognition import Detections, average_precision, matches

SIDE = 16


def painted(boxes: torch.Tensor) -> torch.Tensor:
    at = torch.arange(SIDE)
    across = (at >= boxes[..., 0, None]) & (at < boxes[..., 2, None])
    down = (at >= boxes[..., 1, None]) & (at < boxes[..., 3, None])
    return down[..., :, None] & across[..., None, :]


def truth_of(labels: list[list[int]], boxes: list[list[list[float]]]) -> Scenes:
    labels, boxes = torch.tensor(labels), torch.tensor(boxes, dtype=torch.float32)
    return Scenes(torch.zeros(len(labels), 3, SIDE, SIDE), labels, boxes, painted(boxes))


def found_of(*rows: tuple[int, float, int, list[float]]) -> Detections:
    scene, scores, labels, boxes = zip(*rows, strict=True)
    boxes = torch.tensor(boxes, dtype=torch.float32)
    return Detections(torch.tensor(scene), torch.tensor(scores), torch.tensor(labels), boxes, painted(boxes))


def lottery(seed: int, *, scenes: int = 40, most: int = 4, guesses: int = 9) -> tuple[Detections, Scenes]:
    """Random scenes, and guesses near their objects or far from them, of right and wrong class."""
    g = torch.Generator().manual_seed(seed)
    corner = torch.randint(0, 10, (scenes, most, 2), generator=g)
    boxes = torch.cat([corner, corner + torch.randint(3, 7, (scenes, most, 2), generator=g)], -1).float()
    there = torch.arange(most) < torch.randint(1, most + 1, (scenes, 1), generator=g)
    labels = torch.where(there, torch.randint(0, 3, (scenes, most), generator=g), -1)
    truth = Scenes(torch.zeros(scenes, 3, SIDE, SIDE), labels, boxes * there[..., None], painted(boxes))
    scene = torch.randint(0, scenes, (scenes * guesses,), generator=g)
    which = torch.randint(0, most, scene.shape, generator=g)
    near = boxes[scene, which] + torch.rand(len(scene), 4, generator=g) * 2 - 1
    near[:, 2:] = torch.maximum(near[:, 2:], near[:, :2] + 1)
    label = torch.where(torch.rand(len(scene), generator=g) < 0.8, labels[scene, which], which % 3).clamp(0)
    return Detections(scene, torch.rand(len(scene), generator=g), label, near, painted(near.round())), truth


A, B, FAR = [0, 0, 4, 4], [8, 8, 12, 12], [0, 12, 4, 16]
ONE = truth_of([[0, 0, -1], [0, -1, -1]], [[A, B, [0] * 4], [A, [0] * 4, [0] * 4]])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # 3 objects. All three found, nothing else: 1.
        ([(0, 0.9, 0, A), (0, 0.8, 0, B), (1, 0.7, 0, A)], 1),
        # right, wrong, right: precision 1 up to recall 1/3 (34 points), 2/3 up to 2/3 (33), then nothing.
        ([(0, 0.9, 0, A), (0, 0.8, 0, FAR), (1, 0.7, 0, A)], (34 + 33 * 2 / 3) / 101),
        # the second of the same object is wrong: right, wrong, right, right: 1, then 3/4 up to 1.
        ([(0, 0.9, 0, A), (0, 0.8, 0, A), (0, 0.7, 0, B), (1, 0.6, 0, A)], (34 + 67 * 3 / 4) / 101),
        # the right box on the wrong scene, the right box of the wrong class.
        ([(1, 0.9, 0, B), (1, 0.8, 1, A)], 0),
        # wrong, right: interpolation lifts nothing at recall 0: precision 1/2 up to 1/3.
        ([(0, 0.9, 0, FAR), (0, 0.8, 0, A)], 34 * 0.5 / 101),
        # overlaps of 1/2 count, of 1/3 do not.
        ([(0, 0.9, 0, [0, 0, 4, 2])], 34 / 101),
        ([(0, 0.9, 0, [0, 2, 4, 6])], 0),
    ],
)
@pytest.mark.parametrize("by", ["boxes", "masks"])
def test_cases_worked_by_hand(rows: list, expected: float, by: str) -> None:
    result = average_precision(found_of(*rows), ONE, by=by)
    assert result["CAT"] == pytest.approx(expected, abs=1e-9)
    assert result["mean"] == result["CAT"] and isnan(result["DOG"]) and isnan(result["DUCK"])


def test_a_detection_takes_the_object_it_overlaps_most_and_leaves_the_other() -> None:
    truth = truth_of([[0, 0]], [[[0, 0, 8, 8], [0, 2, 8, 10]]])
    sure, second = (0, 0.9, 0, [0, 2, 8, 10]), (0, 0.8, 0, [0, 1, 8, 7])
    assert average_precision(found_of(sure, second), truth)["mean"] == pytest.approx(1)
    # Its best object is taken: it may have the other one, if that overlaps enough.
    assert average_precision(found_of(sure, (0, 0.8, 0, [0, 2, 8, 9])), truth)["mean"] == pytest.approx(1)


def test_matches_come_in_the_order_of_the_detections() -> None:
    rows = [(0, 0.2, 0, A), (1, 0.6, 0, A), (0, 0.9, 0, A), (0, 0.5, 0, B), (1, 0.9, 2, A)]
    assert matches(found_of(*rows), ONE).tolist() == [False, True, True, True, False]
    assert matches(found_of(*rows[::-1]), ONE).tolist() == [False, True, True, True, False][::-1]


def test_order_of_the_list_does_not_matter_and_only_the_order_of_scores_does() -> None:
    found, truth = lottery(7)
    mixed = found[torch.randperm(len(found), generator=torch.Generator().manual_seed(0))]
    assert average_precision(mixed, truth) == pytest.approx(average_precision(found, truth))
    bent = replace(found, scores=found.scores**3)
    assert average_precision(bent, truth) == pytest.approx(average_precision(found, truth))


def test_who_finds_nothing_has_zero() -> None:
    nothing = lottery(0)[0].above(2.0)
    assert average_precision(nothing, ONE)["mean"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"detections": [1]}, "expected Detections and the true Scenes, got list and Scenes"),
        ({"by": "pixels"}, "by as 'boxes', or 'masks' where there are some, got 'pixels'"),
        ({"by": "masks", "detections": replace(found_of((0, 0.5, 0, A)), masks=None)}, "without masks"),
        ({"iou": 0}, r"iou in \(0, 1\], got 0"),
        ({"detections": found_of((2, 0.5, 0, A))}, "scenes 0 to 1, got 2 to 2"),
        ({"detections": found_of((1, 0.5, 3, A))}, "labels 0 to 2, got 3 to 3"),
        ({"truth": truth_of([[-1]], [[[0] * 4]])}, "scenes with objects, got 1 without any"),
    ],
)
def test_bad_input_says_what_was_expected(change: dict, message: str) -> None:
    given = {"detections": found_of((0, 0.5, 0, A)), "truth": ONE, "iou": 0.5, "by": "boxes"} | change
    with pytest.raises(ValueError, match=message):
        average_precision(**given)

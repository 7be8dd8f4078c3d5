"""Average precision against pycocotools, the evaluation that COCO's own figures come from."""

import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from test_average_precision import lottery

from course_utils.datasets.scenes import ANIMALS, Scenes
from course_utils.recognition import Detections, average_precision


@pytest.mark.parametrize("seed", range(3))
def test_pycocotools_says_the_same(seed: int) -> None:
    found, truth = lottery(seed)
    said, there = COCO(), COCO()
    there.dataset, said.dataset = (as_coco(part, truth) for part in (truth, found))
    there.createIndex()
    said.createIndex()
    job = COCOeval(there, said, "bbox")
    job.params.areaRng, job.params.areaRngLbl = [[0, 1e9]], ["all"]
    job.evaluate()
    job.accumulate()
    precision = job.eval["precision"][:, :, :, 0, -1]  # (IoU, 101, class)
    for row, iou in ((0, 0.5), (5, 0.75)):
        ours = average_precision(found, truth, iou=iou)
        # Their recall points are rounded floats: where tp/n hits one, it may count for the next step.
        assert [ours[name] for name in ANIMALS] == pytest.approx(precision[row].mean(0).tolist(), abs=2e-3)


def as_coco(part: Detections | Scenes, truth: Scenes) -> dict[str, list[dict[str, object]]]:
    if isinstance(part, Detections):
        rows = zip(part.scene.tolist(), part.labels.tolist(), part.boxes.tolist(), strict=True)
        scores = part.scores.tolist()
    else:
        where = (truth.labels >= 0).nonzero().tolist()
        rows = ((n, truth.labels[n, k].item(), truth.boxes[n, k].tolist()) for n, k in where)
        scores = [1.0] * len(where)
    entries = []
    for (n, k, (a, b, c, d)), score in zip(rows, scores, strict=True):
        one = dict(id=len(entries) + 1, image_id=n, category_id=k, iscrowd=0, score=score)
        entries.append(one | dict(bbox=[a, b, c - a, d - b], area=(c - a) * (d - b)))
    kinds = [{"id": k, "name": name} for k, name in enumerate(ANIMALS)]
    return {"images": [{"id": n} for n in range(len(truth))], "annotations": entries, "categories": kinds}

"""The explorer of notebook 01: the four tasks of slide 3 on one scene."""

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.explorers.engine import Explorer, bare, slider
from course_utils.recognition.detections import Detections


def four_tasks(
    x: Tensor,
    p: Tensor,
    located: tuple[Tensor, Tensor],
    detected: Detections,
    segmented: Detections,
    *,
    scene: int = 1,
) -> Explorer:
    """What four networks say of a scene: a class; a class and a box; boxes; masks.

    The threshold hides what has a lower score: classes, detections and instances.

    Args:
        x: scenes, ``(N, 3, S, S)``, at least two.
        p: the classifier's p(y | x), ``(N, 3)``.
        located: the localiser's classes ``(N,)`` and boxes ``(N, 4)``.
        detected: the detector's objects.
        segmented: the segmenter's objects, with masks.
        scene: where its slider starts, from 1.

    Raises:
        ValueError: there are fewer than two scenes, a part does not fit them, or the instances have no masks.
    """
    n, labels, boxes = len(x), *located
    if x.dim() != 4 or n < 2 or not n == len(p) == len(labels) == len(boxes) or segmented.masks is None:
        got = f"{n}, {len(p)}, {len(labels)}, {len(boxes)}, {'no ' if segmented.masks is None else ''}masks"
        raise ValueError(f"four_tasks: expected N ≥ 2 scenes, p, labels, boxes, and masks, got {got}")
    (score, label), where = p.detach().cpu().max(1), torch.arange(n)
    classified = Detections(where, score, label.cpu(), torch.zeros(n, 4))
    localised = Detections(where, torch.ones(n), labels.cpu(), boxes.detach().cpu())
    blank = torch.zeros(0, *x.shape[2:], dtype=torch.bool)

    def draw(figure: Figure, *, scene: int, threshold: float) -> None:
        found, parts = (each.to("cpu").of(scene - 1).above(threshold) for each in (detected, segmented))
        said = [classified.of(scene - 1).above(threshold), localised.of(scene - 1), found, parts]
        counts = [len(each) for each in said]
        masks = blank if parts.masks is None else parts.masks
        plots.scenes(
            x[scene - 1].detach().cpu().expand(4, *x.shape[1:]),
            labels=torch.cat([each.labels for each in said]),
            scores=torch.cat([said[0].scores, torch.nan * said[1].scores, found.scores, parts.scores]),
            boxes=torch.cat([each.boxes for each in said[:3]] + [0 * parts.boxes]),
            masks=torch.cat([blank.new_zeros(sum(counts[:3]), *x.shape[2:]), masks]),
            scene=torch.arange(4).repeat_interleave(torch.tensor(counts)),
            titles=["classification", "+ localisation", f"detection: {counts[2]}", f"instances: {counts[3]}"],
            columns=4,
            ax=figure.axes[0],
        )

    return Explorer(
        draw,
        title="One scene and what four networks say of it: class, class and box, boxes, masks",
        size=(10, 2.95),
        frame=bare((0.005, 0.02, 0.99, 0.96)),
        scene=slider(1, n, value=scene, tooltip="Which scene"),
        threshold=slider(0.05, 0.95, value=0.3, step=0.05, tooltip="Hide what has a lower score"),
    )

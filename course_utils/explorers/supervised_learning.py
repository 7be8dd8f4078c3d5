"""The explorer of notebook 01: the four tasks of slide 3 on one scene."""

from functools import partial

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.explorers.engine import Explorer, slider
from course_utils.recognition.detections import Detections

TITLES = ("classification", "+ localisation", "detection", "instances")


def four_tasks(
    x: Tensor,
    p: Tensor,
    located: tuple[Tensor, Tensor],
    detected: Detections,
    segmented: Detections,
    *,
    scene: int = 1,
    threshold: float = 0.3,
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
        threshold: where its slider starts.

    Raises:
        ValueError: there are fewer than two scenes, a part does not fit them, the instances have no masks, or
            a slider cannot start there.
    """
    n, labels, boxes = len(x), *located
    fits = x.dim() == 4 and n >= 2 and p.shape[:1] == labels.shape == (n,) and boxes.shape == (n, 4)
    if not fits or segmented.masks is None:
        got = ", ".join(str(tuple(part.shape)) for part in (x, p, labels, boxes))
        raise ValueError(
            "four_tasks: expected N ≥ 2 scenes, p (N, classes), labels (N,), boxes (N, 4) and instances with "
            f"masks, got {got} and {'no ' if segmented.masks is None else ''}masks"
        )
    parts = x.detach().cpu(), p.detach().cpu(), labels.cpu(), boxes.detach().cpu()
    return Explorer(
        partial(draw_tasks, *parts, detected.to("cpu"), segmented.to("cpu")),
        title="One scene and what four networks say of it: class, class and box, boxes, masks",
        size=(10, 2.95),
        frame=frame_tasks,
        scene=slider(1, n, value=scene, tooltip="Which scene"),
        threshold=slider(0.05, 0.95, value=threshold, step=0.05, tooltip="Hide what has a lower score"),
    )


def frame_tasks(figure: Figure) -> None:
    """Empty axes for the four pictures."""
    figure.add_axes((0.005, 0.02, 0.99, 0.96)).set_axis_off()


def draw_tasks(
    x: Tensor,
    p: Tensor,
    labels: Tensor,
    boxes: Tensor,
    detected: Detections,
    segmented: Detections,
    figure: Figure,
    *,
    scene: int,
    threshold: float,
) -> None:
    """Draw one scene four times, each with the answer of one network."""
    i = scene - 1
    found, parts = (each.of(i).above(threshold) for each in (detected, segmented))
    score, label = p[i].max(0)
    sure = bool(score >= threshold)
    one, side = torch.ones(1), x.shape[2:]
    counts = (int(sure), 1, len(found), len(parts))
    nothing = torch.zeros(sum(counts) - len(parts), *side, dtype=torch.bool)
    plots.scenes(
        x[i].expand(4, *x.shape[1:]),
        labels=torch.cat([label[None][: int(sure)], labels[i, None], found.labels, parts.labels]),
        scores=torch.cat([score[None][: int(sure)], one * torch.nan, found.scores, parts.scores]),
        boxes=torch.cat([torch.zeros(int(sure), 4), boxes[i, None], found.boxes, 0 * parts.boxes]),
        masks=nothing if parts.masks is None else torch.cat([nothing, parts.masks]),
        scene=torch.arange(4).repeat_interleave(torch.tensor(counts)),
        titles=[
            f"{title}: {count}" if title in TITLES[2:] else title
            for title, count in zip(TITLES, counts, strict=True)
        ],
        columns=4,
        ax=figure.axes[0],
    )

"""Answers to the exercises of notebook 01."""

import torch
from torch.nn.functional import cross_entropy

from wrong_answers import Answers


def row(p, y):
    return p[torch.arange(len(y)), y]


def area(box):
    return (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])


def shared(a, b):
    sides = torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])
    return sides.clamp(min=0).prod(1)


def unclamped(a, b):
    inner = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).prod(1)
    return inner / (area(a) + area(b) - inner)


def overlap(a, b):
    return shared(a, b) / (area(a) + area(b) - shared(a, b))


def table(boxes):
    n = len(boxes)
    return overlap(boxes.repeat_interleave(n, 0), boxes.repeat(n, 1)).view(n, n)


def greedy(boxes, scores, drops, order=None):
    kept = []
    for i in (scores.argsort(descending=True) if order is None else order).tolist():
        if not any(drops(table(boxes)[i, k]) for k in kept):
            kept.append(i)
    return torch.tensor(kept)


def at_once(boxes, scores, most):
    dropped = ((table(boxes) > most) & (scores[:, None] < scores)).any(1)
    order = scores.argsort(descending=True)
    return order[~dropped[order]]


def counts(scores, right, threshold):
    counted = scores >= threshold
    return int((counted & right).sum()), int(counted.sum())


def precision(*given):
    hits, counted = counts(*given)
    return hits / counted if counted else 1.0


ANSWERS = {
    "class_loss": Answers(
        wrong=(
            lambda logits, y: row(logits.log_softmax(1), y).mean(),
            lambda logits, y: -row(logits.log_softmax(1), y),
            lambda logits, y: -row(logits.softmax(1), y).mean().log(),
        ),
        right=(cross_entropy, lambda logits, y: (logits.logsumexp(1) - row(logits, y)).mean()),
    ),
    "iou": Answers(
        wrong=(
            unclamped,
            lambda a, b: shared(a, b) / (area(a) + area(b)),
            lambda a, b: shared(a, b) / torch.maximum(area(a), area(b)),
        ),
        right=(overlap,),
    ),
    "suppress": Answers(
        wrong=(
            at_once,
            lambda boxes, scores, most: scores.argsort(descending=True),
            lambda boxes, scores, most: greedy(boxes, scores, lambda v: v > most, scores.argsort()),
        ),
        right=(lambda boxes, scores, most: greedy(boxes, scores, lambda v: v > most),),
    ),
    "precision_and_recall": Answers(
        wrong=(
            lambda s, r, n, t: (counts(s, r, t)[0] / n, precision(s, r, t)),
            lambda s, r, n, t: (precision(s, r, t), counts(s, r, t)[1] / n),
            lambda s, r, n, t: (r[s >= t].double().mean(), counts(s, r, t)[0] / n),
        ),
        right=(lambda s, r, n, t: (precision(s, r, t), counts(s, r, t)[0] / n),),
    ),
}

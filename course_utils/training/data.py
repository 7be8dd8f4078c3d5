"""The data of a training run: checked, split and moved once, then cut into batches without a loop."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.checks import check_number
from course_utils.datasets import Images
from course_utils.taxonomy import ClassConditional, GenerativeModel
from course_utils.training.settings import Settings
from course_utils.training.streams import borrowed, permutation

Batch = tuple[Tensor, ...]
Data = Tensor | Sequence[Tensor] | Images
Transform = Callable[..., Data]


def tensors(data: Any, model: nn.Module) -> Any:
    """Images as the tensors that a model is trained on: x alone for a model without classes, else (x, y)."""
    if not isinstance(data, Images):
        return data
    alone = isinstance(model, GenerativeModel) and getattr(model, "classes", None) is None
    return data.x if alone else (data.x, data.y)


def as_batch(data: Data, who: str, *, paired: bool = True) -> Batch:
    """The data as a tuple of tensors that share their first axis, unless they are not paired."""
    given: tuple[object, ...] = tuple(data) if isinstance(data, tuple | list) else (data,)
    batch = tuple(part for part in given if isinstance(part, Tensor) and part.dim() > 0)
    if not batch or len(batch) < len(given):
        kinds = ", ".join(type(part).__name__ for part in given)
        raise ValueError(f"{who}: expected a tensor (N, …) or a tuple of them such as (x, y), got ({kinds})")
    lengths = {len(part) for part in batch}
    if 0 in lengths or (paired and len(lengths) > 1):
        shapes = ", ".join(str(tuple(part.shape)) for part in batch)
        raise ValueError(f"{who}: expected tensors with the same first axis N ≥ 1, got shapes {shapes}")
    return batch


def split(x: Data, valid: Data | float | None, seed: int, *, paired: bool = True) -> tuple[Batch, Batch]:
    """Training data and held-out data, if the two are of one form; a fraction is set apart at random.

    Tensors that are not paired, example by example, are split each on its own.
    """
    train = as_batch(x, "fit: x", paired=paired)
    if valid is None or isinstance(valid, int | float):
        fraction = check_number(0.1 if valid is None else valid, "fit: valid", low=0, high=1)
        halves = [_set_apart(part, fraction, seed, 0 if paired else k) for k, part in enumerate(train)]
        return tuple(rest for rest, _ in halves), tuple(apart for _, apart in halves)
    other = as_batch(valid, "fit: valid", paired=paired)
    forms = [[(part.shape[1:], part.dtype) for part in batch] for batch in (train, other)]
    if forms[0] != forms[1]:
        want, got = (", ".join(f"(N, {', '.join(map(str, s))}) {d}" for s, d in form) for form in forms)
        raise ValueError(f"fit: expected valid in the form of x, {want}, got {got}")
    return train, other


def _set_apart(part: Tensor, fraction: float, seed: int, stream: int) -> tuple[Tensor, Tensor]:
    n, held_out = len(part), round(len(part) * fraction)
    if not 1 <= held_out < n:
        got = f"{n} examples and the fraction {fraction:g}: give more data, or valid= data of its own"
        raise ValueError(f"fit: expected enough examples to train on some and hold out some, got {got}")
    order = permutation(n, seed, "split", stream).to(part.device)
    return part.index_select(0, order[held_out:]), part.index_select(0, order[:held_out])


def move(batch: Batch, device: torch.device, model: Any, transform: Transform | None = None) -> Batch:
    """The batch on the device, after one look by the model at all of its (transformed) values and classes."""
    moved = tuple(part.to(device) for part in batch)
    if hasattr(model, "check"):
        with borrowed(device):
            x, *y = prepare(moved, transform)
            model.check(x)
            only_given = getattr(model, "classes", None) is None and getattr(model, "given", None)
            if y and isinstance(model, ClassConditional) and not only_given:  # its loss looks at an image
                model._check_classes(y[0], len(x))
    return moved


def prepare(batch: Batch, transform: Transform | None) -> Batch:
    """What the loss gets: the batch itself, or what the transform makes of it."""
    return batch if transform is None else as_batch(transform(*batch), "fit: what transform returns")


def epoch(train: Batch, settings: Settings, number: int, *, paired: bool = True) -> list[Batch]:
    """The batches of an epoch, as the indices of the examples in each tensor of the data.

    Batches are nearly equal, none larger than batch_size, so that no step is taken on a small rest of the
    data. Tensors that are not paired go in orders of their own; the longest decides the length of the
    epoch, and shorter ones begin anew until it is over.

    >>> settings = Settings(batch_size=50)
    >>> [len(indices) for indices, in epoch((torch.zeros(101),), settings, 1)]
    [34, 34, 33]
    """
    longest = max(len(part) for part in train)
    cut = []
    for k, part in enumerate(train[:1] if paired else train):
        rounds = range(-(-longest // len(part)))
        streams = [(number, k, again) if k or again else (number,) for again in rounds]
        orders = [permutation(len(part), settings.seed, "order", *stream) for stream in streams]
        order = torch.cat(orders)[:longest].to(part.device)
        cut.append(order.tensor_split(-(-longest // settings.batch_size)))
    return [batch * len(train) if paired else batch for batch in zip(*cut, strict=True)]

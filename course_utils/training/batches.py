"""The data of a training run: checked, split and moved once, then cut into batches without a loop."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from course_utils.checks import check_number
from course_utils.training.streams import borrowed, permutation

Batch = tuple[Tensor, ...]
Transform = Callable[..., Tensor | Sequence[Tensor]]


def as_batch(data: Tensor | Sequence[Tensor], who: str) -> Batch:
    """The data as a tuple of tensors that share their first axis.

    Raises:
        ValueError: it is neither a tensor nor a tuple of them, is empty, or the lengths differ.
    """
    batch = tuple(data) if isinstance(data, tuple | list) else (data,)
    if not batch or not all(isinstance(part, Tensor) and part.dim() > 0 for part in batch):
        kinds = ", ".join(type(part).__name__ for part in batch)
        raise ValueError(
            f"{who}: expected a tensor (N, …) or a tuple of them such as (x, labels), got ({kinds})"
        )
    if len({len(part) for part in batch}) > 1 or len(batch[0]) == 0:
        shapes = ", ".join(str(tuple(part.shape)) for part in batch)
        raise ValueError(f"{who}: expected tensors with the same first axis N ≥ 1, got shapes {shapes}")
    return batch


def split(
    x: Tensor | Sequence[Tensor], valid: Tensor | Sequence[Tensor] | float | None, seed: int
) -> tuple[Batch, Batch]:
    """Training data and held-out data.

    Args:
        x: the data.
        valid: held-out data of the same form; or the fraction of x to set apart at random (None: 0.1).
        seed: decides which examples are set apart.

    Raises:
        ValueError: the two differ in form, or x is too small to be split.
    """
    train = as_batch(x, "fit: x")
    if valid is None or isinstance(valid, int | float):
        fraction = check_number(0.1 if valid is None else valid, "fit: valid", low=0, high=1)
        n, held_out = len(train[0]), round(len(train[0]) * fraction)
        if not 1 <= held_out < n:
            raise ValueError(
                f"fit: expected enough examples to train on some and hold out some, got {n} examples "
                f"and the fraction {fraction:g}: give more data, or valid= data of its own"
            )
        apart, rest = permutation(n, seed, "split").split([held_out, n - held_out])
        return _select(train, rest), _select(train, apart)
    other = as_batch(valid, "fit: valid")
    forms = [[(part.shape[1:], part.dtype) for part in batch] for batch in (train, other)]
    if forms[0] != forms[1]:
        want, got = (", ".join(f"(N, {', '.join(map(str, s))}) {d}" for s, d in form) for form in forms)
        raise ValueError(f"fit: expected valid in the form of x, {want}, got {got}")
    return train, other


def _select(batch: Batch, indices: Tensor) -> Batch:
    return tuple(part.index_select(0, indices.to(part.device)) for part in batch)


def move(batch: Batch, device: torch.device, model: nn.Module, transform: Transform | None = None) -> Batch:
    """The batch on the device, after one look by the model at all of its (transformed) values.

    Raises:
        ValueError: from ``model.check``: shape, dtype or values that the model does not live on.
    """
    moved = tuple(part.to(device) for part in batch)
    if hasattr(model, "check"):
        with borrowed(device):
            model.check(prepare(moved, transform)[0])
    return moved


def prepare(batch: Batch, transform: Transform | None) -> Batch:
    """What the loss gets: the batch itself, or what the transform makes of it.

    Raises:
        ValueError: the transform gives neither a tensor nor a tuple of them.
    """
    return batch if transform is None else as_batch(transform(*batch), "fit: what transform returns")


def cut(order: Tensor, batch_size: int) -> tuple[Tensor, ...]:
    """An order of examples in nearly equal batches, none larger than batch_size.

    The lengths differ by one at most, so that no step is taken on a small rest of the data.

    >>> [len(batch) for batch in cut(torch.arange(101), 50)]
    [34, 34, 33]
    """
    return order.tensor_split(-(-len(order) // batch_size))

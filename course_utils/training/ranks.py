"""Several processes that train one model, as ``torchrun`` starts them: on several GPUs, or several machines.

Each process takes its share of every batch, and a loss counts by that share: so the sum of a loss, or of its
gradient, over the processes is that of the whole batch, and all take the same step (synchronous SGD). Noise
is each one's own. After an epoch all are in one state, that of the first, whose rank is 0; it alone shows a
bar, keeps a checkpoint and calls ``on_epoch``. For a process alone nothing changes.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from threading import current_thread, main_thread
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from course_utils import runtime

PATIENCE = timedelta(minutes=10)  # for a process that no longer answers; one that has died is noticed at once
asked_to_stop: list[int] = []  # the interrupts of this process that all processes have not heard of yet


@contextmanager
def joined() -> Iterator[None]:
    """Join the other processes if ``torchrun`` has started several: each has a GPU, or all have CPUs.

    Raises:
        ValueError: GPUs are used, but there are fewer than processes, or all would use the same one.
    """
    if not dist.is_available() or not dist.is_torchelastic_launched() or os.environ["WORLD_SIZE"] == "1":
        yield
        return
    here, device = int(os.environ["LOCAL_RANK"]), runtime.device()
    if device.type == "cuda" and device.index is None and here < torch.cuda.device_count():
        torch.cuda.set_device(here)
    elif device.type != "cpu":
        got = f"{device} of {torch.cuda.device_count()}"
        raise ValueError(f"torchrun: expected GPU {here} of CUDA, or COURSE_DEVICE=cpu, got {got}")
    dist.init_process_group(timeout=PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def count() -> int:
    """How many processes train the model."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is; files and bars are those of rank 0."""
    return dist.get_rank() if count() > 1 else 0


def shares(batches: Sequence[tuple[Tensor, ...]]) -> list[tuple[tuple[Tensor, ...], float]]:
    """Of each batch, as indices of examples, those of this process, and what share of the batch they are."""
    smallest = min(len(batch[0]) for batch in batches)
    if smallest < count():
        got = f"batches of {smallest} for {count()} processes"
        raise ValueError(f"fit: expected an example of each batch for each process, got {got}")
    own = [tuple(part.tensor_split(count())[rank()] for part in batch) for batch in batches]
    return [(part, len(part[0]) / len(batch[0])) for part, batch in zip(own, batches, strict=True)]


def total(values: Tensor) -> Tensor:
    """The sum of a tensor over the processes, which takes its place."""
    if count() > 1:
        dist.all_reduce(values)
    return values


def add_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Sum the gradient over the processes, in one message; where a loss does not reach, it is 0."""
    if count() > 1:
        own = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        summed = total(torch.cat([grad.flatten() for grad in own])).split([p.numel() for p in parameters])
        for p, grad in zip(parameters, summed, strict=True):
            p.grad = grad.view_as(p)


def of_the_first(value: Any) -> Any:
    """What rank 0 has: numbers, lists and dicts of them, tensors, which come on the CPU."""
    if count() == 1:
        return value
    written = BytesIO()
    torch.save(value, written)
    content = [written.getvalue()]
    dist.broadcast_object_list(content)
    return torch.load(BytesIO(content[0]), map_location="cpu", weights_only=True)


def same_buffers(model: nn.Module) -> None:
    """Give the model what it keeps besides parameters, a BatchNorm's running mean, say, as rank 0 has it."""
    if count() > 1:
        learned = dict(model.named_parameters())
        kept = {name: value for name, value in model.state_dict().items() if name not in learned}
        model.load_state_dict(of_the_first(kept), strict=False)


def any_late(late: bool) -> bool:
    """Whether time is up in any process; a KeyboardInterrupt in all of them if there was one in any."""
    if count() > 1:
        late, stop = total(torch.tensor([late, bool(asked_to_stop)], dtype=torch.long)).bool().tolist()
        if stop:
            raise KeyboardInterrupt
    return late


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Let an interrupt wait until ``any_late`` has told all processes: all stop after the same step."""
    if count() == 1 or current_thread() is not main_thread():
        yield
        return
    asked_to_stop.clear()
    before = signal.signal(signal.SIGINT, lambda number, frame: asked_to_stop.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

"""A GPU without a GPU: tensors that have a device, a shape and a dtype, but no values and no memory.

An operation on fake tensors fails where a real GPU would refuse it, for tensors on two devices above all.
``watched`` notes two things more, which a real GPU does without a word: a *wait*, where Python asks for a
value (``.item()``, ``bool(…)``, a mask as an index) and stands still until the GPU has done all its work; and
a *copy* of more than one number between the CPU and the GPU.

Gradients of fake CUDA tensors ask the driver for a stream, and there is none: steps down a gradient are tried
on the device "meta" instead, which is as strictly kept apart from the CPU.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

CUDA, META = torch.device("cuda", 0), torch.device("meta")
ACCELERATORS = ("cuda", "meta")
ANSWERS = {torch.bool: True, torch.int64: 1, torch.int32: 1, torch.uint8: 1}  # of fake tensors, if asked
AS_LONG_AS_DATA = ("nonzero", "masked_select", "unique", "_unique2", "equal", "bincount")


class Watched(TorchDispatchMode):
    """Notes waits and copies by the place in the course, and answers for values that are not there."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        self.copies: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.__name__.split(".")[0]
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        on_gpu = [t for t in tensors if t.device.type in ACCELERATORS]
        if name == "_local_scalar_dense":
            self.waits.update([place()] if on_gpu else [])
            return ANSWERS.get(tensors[0].dtype, 0.5)
        if name in AS_LONG_AS_DATA and on_gpu:
            self.waits.update([place()])
        if name == "equal":
            return True
        if name == "bincount":
            return args[0].new_empty(args[2])
        if name == "index" and any(t is not None and t.dtype == torch.bool for t in args[1]):
            self.waits.update([place()] if on_gpu else [])
            return args[0].new_empty(1, *args[0].shape[args[1][-1].dim() :])
        if name == "index" and on_gpu and any(t.device.type == "cpu" for t in tensors):
            self.copies.update([place()])
        out = func(*args, **kwargs)
        both = [t for t in [*tensors, *tree_leaves(out)] if isinstance(t, Tensor) and t.numel() > 1]
        devices = {t.device.type for t in both}
        if name in ("_to_copy", "copy_", "lift_fresh_copy") and len(devices) > 1:
            self.copies.update([place()])
        return out

    def values(self, tensor: Tensor) -> list:
        """What ``tolist`` gives: one wait, however many values."""
        if tensor.device.type in ACCELERATORS:
            self.waits.update([place()])
        answer = ANSWERS.get(tensor.dtype, 0.5)
        for size in reversed(tensor.shape):
            answer = [answer] * size
        return answer


def place() -> str:
    """The function of the course that is at work, innermost: ``models.nade:NADE._draw``."""
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("course_utils."):
            return f"{module.removeprefix('course_utils.')}:{frame.f_code.co_qualname}"
        frame = frame.f_back
    return "outside"


@contextmanager
def watched() -> Iterator[Watched]:
    """Inside, new tensors are fake, CUDA is there, and what waits or copies is noted."""
    state = torch.zeros(16, dtype=torch.uint8)
    fused = lambda: ["cpu", "cuda", "meta"]  # noqa: E731
    watch = Watched()
    fake = FakeTensorMode()  # made where it sees that there is no driver, which it then leaves alone
    with (
        mock.patch("torch.cuda.get_rng_state", lambda *_: state),
        mock.patch("torch.cuda.set_rng_state", lambda *_: None),
        mock.patch("torch.cuda.manual_seed", lambda *_: None),
        mock.patch("torch.cuda.synchronize", lambda *_: None),
        mock.patch("torch.cuda.device", lambda *_: mock.MagicMock()),
        mock.patch("torch.optim.optimizer._get_fused_kernels_supported_devices", fused),
        mock.patch.object(FakeTensor, "tolist", lambda tensor: watch.values(tensor)),
        fake,
        watch,
    ):
        yield watch


def slow_downs(model: nn.Module, losses: Iterable[str], *shapes: tuple[int, ...]) -> Counter[str]:
    """Where the steps down these losses of a batch of these shapes wait for the device, or copy to it."""
    with watched() as watch:
        moved(model, META).train()
        for loss in losses:
            getattr(model, loss)(*(torch.empty(shape, device=META) for shape in shapes)).backward()
    return watch.waits + watch.copies


def moved(model: nn.Module, device: torch.device) -> nn.Module:
    """The model with fake parameters and buffers on the device; other tensors of it stay behind."""
    for part in model.modules():
        for key, p in part._parameters.items():
            if p is not None:
                fake = torch.empty(p.shape, dtype=p.dtype, device=device)
                part._parameters[key] = nn.Parameter(fake, requires_grad=p.requires_grad)
        for key, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[key] = torch.empty(buffer.shape, dtype=buffer.dtype, device=device)
    return model

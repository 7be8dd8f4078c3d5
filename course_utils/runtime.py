"""Where and how things run: device, threads, seeds.

Importing this module has no side effects: no seed is set, no device is touched.
"""

import os
import random

import numpy as np
import torch

from course_utils.checks import check_seed

DEVICES = ("cuda", "mps", "cpu")


def works(kind: str) -> bool:
    """Whether a device of this kind, cuda, mps or cpu, is here and can really compute.

    A driver that is too old, or a card that this build of torch no longer supports, is found by trying one
    small matrix product rather than by asking.
    """
    if kind not in DEVICES:
        raise ValueError(f"works: expected one of {', '.join(DEVICES)}, got {kind!r}")
    here = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available, "cpu": lambda: True}
    try:
        a = torch.ones(2, 2, device=kind) if here[kind]() else torch.zeros(2, 2)
        return bool((a @ a).sum().item() == 8.0)
    except (RuntimeError, AssertionError):
        return False


def device(wanted: str | torch.device | None = None) -> torch.device:
    """Choose the device: the one wanted, or the best that works (cuda, then mps, then cpu).

    A known device that is not here is no error: one printed line says so and names what is used instead, so
    that a notebook written on a GPU runs everywhere. torch is held to the cores that this process may use:
    where a container lends two of 64, it would start 64 threads, and they would wait for each other.

    Args:
        wanted: ``"cuda"``, ``"cuda:1"``, ``"mps"``, ``"cpu"`` or None. None reads the environment
            variable ``COURSE_DEVICE`` and, where that is empty, takes the best device.

    Raises:
        ValueError: the name is none of cuda, mps, cpu.

    >>> device("cpu")
    device(type='cpu')
    """
    import joblib  # which sets a variable of the environment: not on import of the course

    torch.set_num_threads(min(torch.get_num_threads(), joblib.cpu_count()))
    if wanted is None or (isinstance(wanted, str) and not wanted):
        wanted = os.environ.get("COURSE_DEVICE") or None
    if wanted is not None:
        try:
            chosen = torch.device(wanted) if isinstance(wanted, str | torch.device) else None
        except RuntimeError:
            chosen = None
        if chosen is None or chosen.type not in DEVICES:
            raise ValueError(f"device: expected one of {', '.join(DEVICES)}, got {wanted!r}")
        count = torch.cuda.device_count() if chosen.type == "cuda" else 1
        if works(chosen.type) and (chosen.index or 0) < count:
            return chosen
    best = torch.device(next(kind for kind in DEVICES if works(kind)))
    if wanted is not None:
        print(f"{wanted} is not available here: using {describe(best)} instead.")
    return best


def describe(chosen: torch.device) -> str:
    """Name a device for people: the model of the GPU, or the number of CPU threads."""
    if not isinstance(chosen, torch.device):
        raise ValueError(f"describe: expected a torch.device, got {chosen!r}: see runtime.device")
    if chosen.type == "cuda":
        memory = torch.cuda.get_device_properties(chosen).total_memory / 2**30
        return f"{torch.cuda.get_device_name(chosen)} ({memory:.0f} GiB)"
    if chosen.type == "mps":
        return "Apple GPU (mps)"
    threads = torch.get_num_threads()
    return f"CPU ({threads} thread{'s' if threads > 1 else ''})"


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and torch: the same device and number of threads give the same numbers.

    Raises:
        ValueError: the seed is not an integer in [0, 2³²).
    """
    seed = check_seed(seed, "set_seed")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def as_double(x: torch.Tensor) -> torch.Tensor:
    """The tensor in float64; from an Apple GPU, which has none, on the CPU."""
    return (x.cpu() if x.device.type == "mps" else x).to(torch.float64)

"""The machine and the clone: device, disk, and where the course is imported from."""

import io
import os
import shutil
import warnings
from contextlib import redirect_stdout
from pathlib import Path

from course_utils.environment.findings import MEND, Finding

PROJECT = "deep-generative-models-in-vision"
LOW_DISK, LEAST_DISK = 1.0, 0.25  # GiB


def device() -> Finding:
    """The device that the notebooks will use, and what is said when it is not the one hoped for."""
    said, runtime = io.StringIO(), None
    try:
        with redirect_stdout(said), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            from course_utils import runtime  # imports torch

            chosen = runtime.device()
            found = runtime.describe(chosen)
    except Exception as error:  # a library that is half there, or of another version, raises anything
        if runtime is not None and isinstance(error, ValueError):
            hint = "mend or remove the environment variable COURSE_DEVICE"
            return Finding("problem", "device", str(error), hint)
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        hint = f"{MEND}; if it stays, see README, Troubleshooting"
        return Finding("problem", "device", f"torch does not load: {why}", hint)
    if said.getvalue():
        hint = "COURSE_DEVICE asks for it; remove that variable to take the best device without a word"
        return Finding("note", "device", said.getvalue().strip(), hint)
    if chosen.type != "cpu":
        return Finding("ok", "device", found)
    words = [str(w.message).strip().splitlines()[0] for w in warned if "cuda" in str(w.message).lower()]
    if words or shutil.which("nvidia-smi"):
        why = words[0] if words else "an NVIDIA driver is here, but this build of torch does not use it"
        hint = "README, GPU; the CPU is fast enough for every notebook"
        return Finding("note", "device", f"{found}; {why}", hint)
    return Finding("ok", "device", f"{found}: fast enough for every notebook")


def disk(folder: Path) -> Finding:
    """Whether there is room for downloads and cached weights, and leave to write them."""
    free = shutil.disk_usage(folder).free / 2**30
    data = folder / "data"
    if not os.access(data if data.is_dir() else folder, os.W_OK):
        found = f"{free:.0f} GiB free, but data/ cannot be written"
        return Finding("problem", "disk", found, "clone the course into a folder of your own")
    if free < LOW_DISK:
        hint = f"downloads and cached weights want {LOW_DISK:g} GiB"
        return Finding("problem" if free < LEAST_DISK else "note", "disk", f"{free:.2f} GiB free", hint)
    return Finding("ok", "disk", f"{free:.0f} GiB free")


def notebooks(root: Path | None) -> Finding:
    """Whether the notebooks lie beside the package."""
    if count := len(list((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))) if root else 0:
        return Finding("ok", "notebooks", f"{count} here")
    hint = "clone the whole repository, and start in its folder"
    return Finding("problem", "notebooks", "none found", hint)


def imported_from(package: Path, folder: Path) -> Finding:
    """Whether ``course_utils`` comes from the clone that one works in, so that edits take effect."""
    own, here = clone_of(package), clone_of(folder)
    if own is not None and here in (None, own):
        return Finding("ok", "course_utils", "imported from this clone")
    found = f"imported from {own or package.parent}, not from this clone"
    return Finding("problem", "course_utils", found, f"in the folder of the clone, {MEND}")


def clone_of(path: Path) -> Path | None:
    """The clone of the course that holds this path: the nearest folder above with its project file."""
    for folder in (path.resolve(), *path.resolve().parents):
        project = folder / "pyproject.toml"
        if project.is_file() and f'name = "{PROJECT}"' in project.read_text("utf-8"):
            return folder
    return None

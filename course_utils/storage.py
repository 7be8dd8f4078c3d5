"""Files for weights and results: plain data, written whole or not at all, checked when read.

A file is a zip archive as ``torch.save`` makes it. It holds dicts, lists, tensors, numbers and strings
and nothing else, so that it survives the next release and reading it can run no code.
"""

import os
import secrets
import time
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

STALE = 60.0  # seconds after which an unfinished file is taken for one of a program that was killed
SIMPLE = (bool, int, float, str, bytes, type(None))


class CorruptFileError(ValueError):
    """The file is cut short or damaged: it names the file and the way out."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path}: this file is damaged or was not written by the course ({why}). "
            "Delete it to have it made again, or give another path."
        )


def write(path: str | os.PathLike[str], payload: dict) -> Path:
    """Write a dict of plain data to a file, atomically; missing folders are made.

    The data go to a new file in the same folder, to the disk, and only then under the name: whenever the
    machine stops, the name leads to the old file or to the new one, and to nothing in between.

    Raises:
        ValueError: the payload holds something else than dicts, lists and tuples of tensors, numbers,
            strings, bytes and None (the message says where), or the path is none of a file.
        OSError: the disk is full or cannot be written; what was there under the name stays.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write(f"{folder}/weights.pt", {"w": torch.ones(2), "epochs": 3})
    ...     read(path)
    {'w': tensor([1., 1.]), 'epochs': 3}
    """
    path = _file(path, "write")
    if not isinstance(payload, dict):
        raise ValueError(f"storage.write: expected a dict, got {type(payload).__name__}")
    whole = BytesIO()  # torch's own writer does not say that a disk is full
    torch.save(_plain(payload, "payload"), whole)
    return write_bytes(path, whole.getbuffer())


def write_bytes(path: Path, content: bytes | memoryview) -> Path:
    """Write a file of any kind, atomically: as ``write``, and raising what it raises."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        if time.time() - left.stat().st_mtime > STALE:
            left.unlink(missing_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(unfinished, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        raise OSError(
            error.errno, f"storage.write: {error.strerror}: make room, or give another path", str(path)
        ) from error
    finally:
        with suppress(OSError):  # what went wrong above is what is told
            unfinished.unlink(missing_ok=True)
    return path


def read(path: str | os.PathLike[str]) -> dict:
    """Read what ``write`` wrote, each record after its checksum (CRC-32); tensors come back on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the path is none or a folder, or (``CorruptFileError``) the file is cut short, damaged or
            was not made by ``write``.
    """
    path = _file(path, "read")
    content = BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(content) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"the checksum of {damaged} is wrong")
        content.seek(0)
        payload = torch.load(content, map_location="cpu", weights_only=True)
        if not isinstance(payload, dict):
            raise ValueError(f"it holds no dict, but {type(payload).__name__}")
    except Exception as error:  # a damaged archive can make its readers raise almost anything
        raise CorruptFileError(path, f"{error}".split("\n")[0][:200] or type(error).__name__) from error
    return payload


def _file(path: str | os.PathLike[str], verb: str) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"storage.{verb}: expected the path of a file, got {path!r}")
    if Path(path).is_dir():
        raise ValueError(f"storage.{verb}: expected the path of a file, got the folder {path}")
    return Path(path)


def _plain(value: object, where: str) -> object:
    """The value with its tensors detached, on the CPU and free of the memory they are views of."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone(memory_format=torch.contiguous_format)
    if isinstance(value, dict) and all(type(key) in (str, int) for key in value):
        return {key: _plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_plain(item, f"{where}[{i}]") for i, item in enumerate(value))
    if type(value) in SIMPLE:
        return value
    expected = "tensors, numbers, strings, lists and dicts"
    raise ValueError(f"storage.write: expected {expected}, got {type(value).__name__} at {where}")

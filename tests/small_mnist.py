"""A small set in MNIST's format, so that reading, healing and downloading are tested without the real one."""

import gzip
import hashlib
import socket
from importlib import import_module

import numpy as np
import pytest

fetch = import_module("course_utils.datasets.fetch")
mnist_module = import_module("course_utils.datasets.mnist")
TRAIN, VALID, TEST = 20, 8, 12


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Four small files that stand for MNIST; no cache, no COURSE_DATA, no mirror."""
    rng = np.random.default_rng(0)
    n = TRAIN + VALID
    grey = {"train": rng.integers(0, 256, (n, 28, 28)), "t10k": rng.integers(0, 256, (TEST, 28, 28))}
    label = {"train": rng.integers(0, 10, n), "t10k": rng.integers(0, 10, TEST)}
    files = {f"{part}-images-idx3-ubyte.gz": idx(grey[part]) for part in ("train", "t10k")}
    files |= {f"{part}-labels-idx1-ubyte.gz": idx(label[part]) for part in ("train", "t10k")}
    files = {name: files[name] for name in fetch.FILES}
    monkeypatch.setattr(fetch, "FILES", {n: hashlib.md5(b).hexdigest() for n, b in files.items()})
    monkeypatch.setattr(fetch, "MIRRORS", [closed_port()])
    monkeypatch.setattr(mnist_module, "VALID", VALID)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    return files, grey, label


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


def lay(folder, files):
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in files.items():
        (raw / name).write_bytes(content)
    return raw


def everything(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

"""MNIST, and the fixed binarisation that papers report on."""

import gzip
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import torch
from torch import Tensor

from course_utils.datasets.digits import split_mix
from course_utils.datasets.fetch import BINARIZED, DATA, DatasetUnavailable, fetch_mnist, local_root
from course_utils.datasets.images import Splits, check_kind, make_splits

LEVELS = 256
VALID = 10_000
ROW_BYTES, HEADER_BYTES = 98, 10_000  # of a packed image; more than numpy writes before an array
BINARIZED_SIZES = {"train": 50_000, "valid": 10_000, "test": 10_000}


def mnist(kind: str = "binary", *, root: str | Path | None = None, seed: int = 0) -> Splits:
    """Handwritten digits, 1×28×28, 256 grey levels, split 50,000/10,000/10,000 (LeCun & Cortes).

    valid is the last 10,000 of the 60,000 training images, as in the papers. The files come from the cache,
    from the folder that the environment variable ``COURSE_DATA`` names (it holds ``MNIST/raw/*.gz`` and is
    only read), or from a mirror: 11 MB, once. Checksums are verified before every use.

    Args:
        kind: "binary" (grey ≥ 128 of 255), "levels" (k/255), "unit" ((v + u)/256, dequantised) or
            "stochastic" (Bernoulli(v/255), drawn once; ``binarise`` draws anew).
        root: the cache folder; None: ``data`` in the repository.
        seed: of the noise of "unit" and "stochastic".

    Raises:
        ValueError: kind or seed is none of the choices.
        DatasetUnavailable: no network, a slow one, or a half or corrupt file: it names each and the ways
            out; or COURSE_DATA names no folder with data.
    """
    generator = check_kind(kind, seed, "mnist")
    files = fetch_mnist(DATA if root is None else Path(root))
    (x, y), test = (read_mnist(files, part) for part in ("train", "t10k"))
    parts = ((x[:-VALID], y[:-VALID]), (x[-VALID:], y[-VALID:]), test)
    return make_splits(parts, "MNIST", "MNIST (LeCun & Cortes)", kind, LEVELS, generator)


def binarized_mnist(*, root: str | Path | None = None) -> Splits:
    """The *static* binarisation of MNIST on which most papers report (Larochelle & Murray 2011).

    It has no download: the file ``BinarizedMNIST/binarized_mnist.npz`` is looked for under ``root`` (None:
    ``data`` in the repository), then under ``COURSE_DATA``. It holds train, valid and test, ``(N, 98)``
    bytes packed by ``np.packbits``, and may hold train_labels and so on; without them y is −1. The
    test images, in class order in the file, come in a fixed mixed order: any prefix is a fair sample.
    Its train and valid are *not* those of ``mnist``: do not train on one and stop early on the other.

    Raises:
        DatasetUnavailable: the file is not there, or is damaged.
    """
    folders = [DATA if root is None else Path(root), local_root()]
    places = [folder.expanduser() / BINARIZED for folder in folders if folder is not None]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise DatasetUnavailable(
            f"The fixed binarisation of MNIST is not here and has no download. Looked for "
            f"{' and '.join(map(str, places))}. Put the file there, set COURSE_DATA to a folder that holds "
            f'{BINARIZED.as_posix()}, or use mnist("binary") or mnist("stochastic").'
        )
    try:
        parts = read_binarized(path)
    except Exception as error:  # a damaged archive can make its readers raise almost anything
        why = f"{error}".split("\n")[0][:200] or type(error).__name__
        raise DatasetUnavailable(f"{path} is damaged: {why}. Replace it, or use mnist().") from None
    source = "the fixed binarisation of MNIST after Larochelle"
    return make_splits(parts, "binarised MNIST", source, "binary", 2, torch.Generator())


def read_mnist(files: dict[str, bytes], part: str) -> tuple[Tensor, Tensor]:
    """The images (N, 1, 28, 28) and labels (N,) of a part, "train" or "t10k", as bytes."""
    packed = (files[f"{part}-{what}-ubyte.gz"] for what in ("images-idx3", "labels-idx1"))
    # IDX: a head of 4 bytes, and 4 for each dimension; what follows is the array, a byte a number.
    grey, label = (np.frombuffer(bytearray(gzip.decompress(content)), np.uint8) for content in packed)
    return torch.from_numpy(grey[16:]).reshape(-1, 1, 28, 28), torch.from_numpy(label[8:])


def read_binarized(path: Path) -> tuple[tuple[Tensor, Tensor], ...]:
    """Unpack the three splits and their labels; an array is held to its size before it is read."""
    parts = {}
    with ZipFile(path) as archive:
        held = {info.filename: info for info in archive.infolist()}
        known = {f"{name}{end}.npy" for name in BINARIZED_SIZES for end in ("", "_labels")}
        # Damage must not pass for labels that were left out: a name, or a comment that swallows what follows.
        if not held.keys() <= known or any(info.comment for info in held.values()):
            raise ValueError(f"expected arrays named {', '.join(sorted(known))}, got {', '.join(held)}")

        def array(name: str, n: int, kinds: str, *row: int) -> np.ndarray:
            if (size := held[f"{name}.npy"].file_size) > (n * ROW_BYTES) + HEADER_BYTES:
                raise ValueError(f"expected {name} of {n} rows, got {size} bytes")
            values = np.load(BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
            if values.shape != (n, *row) or values.dtype.kind not in kinds:
                raise ValueError(f"expected {name} of shape {(n, *row)}, got {values.dtype} {values.shape}")
            return values

        for name, n in BINARIZED_SIZES.items():
            packed = array(name, n, "u", ROW_BYTES)
            given = f"{name}_labels.npy" in held
            labels = array(f"{name}_labels", n, "iu") if given else np.full(n, -1)
            x = np.unpackbits(packed, axis=1).reshape(n, 1, 28, 28)
            parts[name] = torch.from_numpy(x), torch.from_numpy(labels.astype(np.int64))
    mixed = torch.from_numpy(np.argsort(split_mix(BINARIZED_SIZES["test"]), kind="stable"))
    x, y = parts["test"]
    return parts["train"], parts["valid"], (x[mixed], y[mixed])

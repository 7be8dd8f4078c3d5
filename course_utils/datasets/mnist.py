"""MNIST through torchvision, and the fixed binarisation that papers report on."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from course_utils.datasets.digits import split_mix
from course_utils.datasets.fetch import DATA, DatasetUnavailable, fetch_mnist, local_root
from course_utils.datasets.images import Splits, check_request, make_splits

LEVELS = 256
VALID = 10_000
BINARIZED = Path("BinarizedMNIST") / "binarized_mnist.npz"
BINARIZED_SIZES = {"train": 50_000, "valid": 10_000, "test": 10_000}


def mnist(
    kind: str = "binary",
    *,
    root: str | Path | None = None,
    device: str | torch.device | None = None,
    seed: int = 0,
) -> Splits:
    """Handwritten digits, 1×28×28, 256 grey levels, split 50,000/10,000/10,000 (LeCun & Cortes).

    valid is the last 10,000 of the 60,000 training images, as in the papers. The files come from the
    cache, from the folder that the environment variable ``COURSE_DATA`` names (it holds
    ``MNIST/raw/*.gz`` and is only read), or from torchvision's mirrors: 11 MB, once. Checksums are
    verified before every use.

    Args:
        kind: "binary" (grey ≥ 128 of 255), "levels" (k/255), "unit" ((v + u)/256, dequantised) or
            "stochastic" (Bernoulli(v/255), drawn once; ``binarise`` draws anew).
        root: the cache folder; None: ``data`` in the repository.
        device: where the tensors live; None: the CPU.
        seed: of the noise of "unit" and "stochastic".

    Raises:
        ValueError: kind, device or seed is none of the choices.
        DatasetUnavailable: no network, or a half or corrupt file: it names each and the ways out.
    """
    chosen, generator = check_request(kind, device, seed, "mnist")
    folder = fetch_mnist(DATA if root is None else Path(root))
    from torchvision.datasets import MNIST  # slow to import: only who asks for MNIST pays

    train, test = MNIST(folder, train=True), MNIST(folder, train=False)
    grey, label = train.data.unsqueeze(1), train.targets
    parts = (
        (grey[:-VALID], label[:-VALID]),
        (grey[-VALID:], label[-VALID:]),
        (test.data.unsqueeze(1), test.targets),
    )
    return make_splits(
        parts,
        name="MNIST",
        kind=kind,
        levels=LEVELS,
        source="MNIST (LeCun & Cortes) through torchvision",
        device=chosen,
        generator=generator,
    )


def binarized_mnist(*, root: str | Path | None = None, device: str | torch.device | None = None) -> Splits:
    """The *static* binarisation of MNIST on which most papers report (Larochelle & Murray 2011).

    It has no download: the file ``BinarizedMNIST/binarized_mnist.npz`` is looked for under ``root`` (None:
    ``data`` in the repository), then under ``COURSE_DATA``. It holds train, valid and test, ``(N, 98)``
    bytes packed by ``np.packbits``, and may hold train_labels and so on; without them y is −1. The
    test images, in class order in the file, come in a fixed mixed order: any prefix is a fair sample.
    Its train and valid are *not* those of ``mnist``: do not train on one and stop early on the other.

    Raises:
        ValueError: device is none of the choices.
        DatasetUnavailable: the file is not there, or is damaged.
    """
    chosen, generator = check_request("binary", device, 0, "binarized_mnist")
    folders = [DATA if root is None else Path(root), local_root()]
    places = [folder / BINARIZED for folder in folders if folder is not None]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise DatasetUnavailable(
            f"The fixed binarisation of MNIST is not here and has no download. Looked for "
            f"{' and '.join(map(str, places))}. Put the file there, set COURSE_DATA to a folder that holds "
            f'{BINARIZED.as_posix()}, or use mnist("binary") or mnist("stochastic").'
        )
    try:
        parts = read_binarized(path)
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
        raise DatasetUnavailable(f"{path} is damaged: {error}. Replace it, or use mnist().") from None
    return make_splits(
        parts,
        name="binarised MNIST",
        kind="binary",
        levels=2,
        source="the fixed binarisation of MNIST after Larochelle",
        device=chosen,
        generator=generator,
    )


def read_binarized(path: Path) -> tuple[tuple[Tensor, Tensor], ...]:
    """Unpack the three splits and their labels."""
    parts = {}
    with np.load(path, allow_pickle=False) as file:
        for name, n in BINARIZED_SIZES.items():
            packed = file[name]
            if packed.shape != (n, 98) or packed.dtype != np.uint8:
                raise ValueError(f"expected {name} as bytes ({n}, 98), got {packed.dtype} {packed.shape}")
            labels = file[f"{name}_labels"] if f"{name}_labels" in file else np.full(n, -1)
            if labels.shape != (n,):
                raise ValueError(f"expected {name}_labels of shape ({n},), got {labels.shape}")
            x = np.unpackbits(packed, axis=1).reshape(n, 1, 28, 28)
            parts[name] = torch.from_numpy(x), torch.from_numpy(labels.astype(np.int64))
    mixed = torch.from_numpy(np.argsort(split_mix(BINARIZED_SIZES["test"]), kind="stable"))
    x, y = parts["test"]
    return parts["train"], parts["valid"], (x[mixed], y[mixed])

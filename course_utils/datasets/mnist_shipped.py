"""Test images of MNIST that come with the course: figures can be measured anew without a network."""

from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from course_utils.datasets.fetch import DATA
from course_utils.datasets.images import Images
from course_utils.datasets.mnist import binarized_mnist, mnist
from course_utils.storage import write_bytes

PLACE = DATA / "shipped" / "mnist.npz"
KINDS, GREY = ("static", "levels"), 1_000


def mnist_shipped(kind: str = "static", *, path: Path = PLACE) -> Images:
    """Test images of MNIST, 1×28×28, and their digits, from the file that comes with the course.

    Args:
        kind: "static": all 10,000, black and white as papers have them, in the order of
            ``binarized_mnist().test``. "levels": the first 1,000 of ``mnist("levels").test``, k/255.
        path: the file.

    Raises:
        ValueError: another kind, or the file is missing or damaged: it names the file and the way out.

    >>> x, y = mnist_shipped()
    >>> x.shape, x.unique().tolist(), y.shape
    (torch.Size([10000, 1, 28, 28]), [0.0, 1.0], torch.Size([10000]))
    """
    if kind not in KINDS:
        raise ValueError(f"mnist_shipped: expected kind as one of {', '.join(KINDS)}, got {kind!r}")
    try:
        with np.load(path, allow_pickle=False) as file:
            packed, y = file[kind], torch.from_numpy(file[f"{kind}_y"]).long()
        values = np.unpackbits(packed, axis=1) if kind == "static" else packed / np.float32(255)
        x = torch.from_numpy(values).float().view(len(y), 1, 28, 28)
    except Exception as error:  # a damaged archive can make its readers raise almost anything
        why = "is missing" if isinstance(error, FileNotFoundError) else f"is damaged ({type(error).__name__})"
        way = "get it back with: git checkout -- data/shipped"
        raise ValueError(f"mnist_shipped: {path} {why}; {way}") from None
    return Images(x, y)


def pack(path: Path = PLACE) -> Path:
    """Write the file, from the whole sets."""
    static, grey = binarized_mnist().test, mnist("levels").test
    bits = np.packbits(static.x.flatten(1).numpy().astype(np.uint8), axis=1)
    levels = (grey.x[:GREY].flatten(1) * 255).round().numpy().astype(np.uint8)
    y = [labels.numpy().astype(np.uint8) for labels in (static.y, grey.y[:GREY])]
    file = BytesIO()
    np.savez_compressed(file, static=bits, levels=levels, static_y=y[0], levels_y=y[1])
    return write_bytes(path, file.getbuffer())

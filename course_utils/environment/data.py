"""The data sets: whole, damaged or not here, and how to get them."""

import gzip
import zlib
from importlib import util
from pathlib import Path

from course_utils.environment.findings import MEND, Finding

DIGITS, FIELDS = 1797, 65
# The MD5s that torchvision names; importing it for them would cost seconds.
MNIST_FILES = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}


def digits() -> Finding:
    """Whether the 8×8 digits that scikit-learn bundles are whole: 1,797 lines of 64 pixels and a label."""
    spec = util.find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        return Finding("problem", "digits 8x8", "not here: scikit-learn is not installed", MEND)
    file = Path(spec.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
    try:
        rows = gzip.decompress(file.read_bytes()).split()
        whole = len(rows) == DIGITS and all(row.count(b",") == FIELDS - 1 for row in rows)
    except (OSError, EOFError, zlib.error):
        whole = False
    if whole:
        return Finding("ok", "digits 8x8", f"{DIGITS:,} real images, bundled with scikit-learn")
    hint = "python -m uv sync --reinstall-package scikit-learn"
    return Finding("problem", "digits 8x8", "scikit-learn's file is missing or damaged", hint)


def mnist() -> Finding:
    """Whether MNIST is in the cache or under COURSE_DATA, whole, damaged or not at all."""
    try:
        from course_utils.datasets.fetch import DATA, RAW, fault, local_root
    except Exception:  # see ``machine.device``, which says why
        return Finding("note", "MNIST", "not looked for, as torch does not load")
    cache, local = DATA / RAW, local_root()
    damaged = [name for name, md5 in MNIST_FILES.items() if fault(cache / name, md5)]
    cached = {name for name in MNIST_FILES if (cache / name).is_file()} - set(damaged)
    if len(cached) == len(MNIST_FILES):
        return Finding("ok", "MNIST", "here, in data/")
    if local is not None:
        if not local.is_dir():
            hint = "mend or remove that environment variable"
            return Finding("problem", "MNIST", "COURSE_DATA names a folder that is not there", hint)
        wrong = [name for name, md5 in MNIST_FILES.items() if fault(local / RAW / name, md5)]
        if wrong:
            hint = f"replace these files in {RAW.as_posix()} there, or remove the variable"
            return Finding("problem", "MNIST", f"damaged under COURSE_DATA: {', '.join(wrong)}", hint)
        if all(name in cached or (local / RAW / name).is_file() for name in MNIST_FILES):
            return Finding("ok", "MNIST", "here, under COURSE_DATA")
    hint = (
        f"11 MB are fetched at the first use; offline, set COURSE_DATA to a folder with {RAW.as_posix()}/*.gz"
    )
    if damaged:
        return Finding("note", "MNIST", f"damaged in data/: {', '.join(damaged)}", hint)
    return Finding("note", "MNIST", "not here; only parts that ask for it need it", hint)

"""The data sets: whole, damaged or not here, and how to get them."""

import gzip
import zlib
from importlib import util
from pathlib import Path

from course_utils.environment.findings import MEND, Finding

DIGITS, FIELDS = 1797, 65


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
        from course_utils.datasets import fetch
    except Exception:  # see ``machine.device``, which says why
        return Finding("note", "MNIST", "not looked for, as torch does not load")
    try:
        local = fetch.local_root()
    except fetch.DatasetUnavailable as error:
        return Finding("problem", "MNIST", str(error), "mend or remove the environment variable COURSE_DATA")
    raw = fetch.RAW.as_posix()
    cached, damaged = fetch.held(fetch.DATA / fetch.RAW)
    if len(cached) == len(fetch.FILES):
        return Finding("ok", "MNIST", "here, in data/")
    if local is not None:
        found, wrong = fetch.held(local / fetch.RAW)
        if wrong:
            hint = f"replace these files in {raw} there, or remove the variable"
            return Finding("problem", "MNIST", f"damaged under COURSE_DATA: {', '.join(wrong)}", hint)
        if len(cached | found) == len(fetch.FILES):
            return Finding("ok", "MNIST", "here, under COURSE_DATA")
    hint = f"11 MB are fetched at the first use; offline, set COURSE_DATA to a folder with {raw}/*.gz"
    if damaged:
        return Finding("note", "MNIST", f"damaged in data/: {', '.join(damaged)}", hint)
    return Finding("note", "MNIST", "not here; only parts that ask for it need it", hint)

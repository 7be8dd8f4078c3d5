"""Bring the four files of MNIST here, verified: from the cache, a local folder or torchvision's mirrors.

Nothing half-done is left in the cache: files are copied, downloaded and unpacked in a folder beside it,
and only those whose checksum is right are moved in, each in one step.
"""

import hashlib
import os
import shutil
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from urllib.request import Request, urlopen

DATA = Path(__file__).resolve().parents[2] / "data"
RAW = Path("MNIST", "raw")
PATIENCE = 5.0  # seconds without a word from a mirror
CHUNK = 2**20


class DatasetUnavailable(RuntimeError):
    """A data set is not here and cannot be brought here; the message says why and what to do."""


def local_root() -> Path | None:
    """The folder that the environment variable COURSE_DATA names, or None."""
    named = os.environ.get("COURSE_DATA", "").strip()
    return Path(named).expanduser() if named else None


def fetch_mnist(root: Path) -> Path:
    """Make sure that root/MNIST/raw holds MNIST, unpacked and verified; returns root.

    A file of the cache that is damaged is replaced. A damaged file under COURSE_DATA is an error: that
    folder is the user's, and is only read.

    Raises:
        DatasetUnavailable: naming every file that is missing or wrong, what the mirrors said, and the
            ways out.
    """
    from torchvision.datasets import MNIST

    wanted = dict(MNIST.resources)
    root = root.expanduser()
    raw, local = root / RAW, local_root()
    places = [raw] if local is None else [raw, local / RAW]
    try:
        if all(is_unpacked(raw / name, md5) for name, md5 in wanted.items()):
            return root
        faults = [said for name, md5 in wanted.items() if local and (said := fault(local / RAW / name, md5))]
        if faults:
            raise DatasetUnavailable(explain(faults, raw, wanted))
        root.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=root, prefix=".mnist-") as beside:
            bring(Path(beside), places, wanted)
    except OSError as error:
        said = f"{type(error).__name__}: {error}"
        raise DatasetUnavailable(
            explain([f"cannot read or write under {root}: {said}"], raw, wanted)
        ) from None
    return root


def bring(beside: Path, places: list[Path], wanted: dict[str, str]) -> None:
    """Collect and unpack the files in the folder ``beside``, then move what is right to the first place."""
    from torchvision.datasets import MNIST

    staged, raw = beside / RAW, places[0]
    staged.mkdir(parents=True)
    for name, md5 in wanted.items():
        right = (p / name for p in places if (p / name).is_file() and md5_of(p / name) == md5)
        if source := next(right, None):
            shutil.copyfile(source, staged / name)
    missing = [name for name in wanted if not (staged / name).exists()]
    try:
        if missing:
            download(beside, missing, places, wanted)
        else:
            MNIST(beside, download=True)  # finds the four archives, so it only unpacks them
    finally:
        keep(staged, raw, wanted)


def download(beside: Path, missing: list[str], places: list[Path], wanted: dict[str, str]) -> None:
    """Let torchvision download and unpack what is missing, from the mirrors that answer."""
    from torchvision.datasets import MNIST

    mirrors, silent = reachable(MNIST.mirrors, missing[0])
    failure = ""
    if mirrors:
        # torchvision derives the folder from the name of the class, so the name stays.
        source = type("MNIST", (MNIST,), {"mirrors": mirrors})
        try:
            with socket_timeout(PATIENCE):
                source(beside, download=True)
            return
        except (RuntimeError, OSError, HTTPException) as error:
            failure = f"download: {type(error).__name__}: {' '.join(str(error).split())}"
    said = [fault(p / name, wanted[name]) for p in (*places, beside / RAW) for name in missing]
    absent = f"not in {' nor in '.join(map(str, places))}: {', '.join(missing)}"
    faults = [absent, *filter(None, said), *silent, *filter(None, [failure])]
    raise DatasetUnavailable(explain(faults, places[0], wanted)) from None


def reachable(mirrors: list[str], name: str) -> tuple[list[str], list[str]]:
    """Ask all mirrors at once for one file's header: those that answer in time, and what the others said.

    Looking up a name knows no time limit, and a host may have many addresses: so each mirror is asked in
    a thread that can be left behind.
    """
    answers: dict[str, str] = {}

    def ask(mirror: str) -> None:
        try:
            with urlopen(Request(mirror + name, method="HEAD"), timeout=PATIENCE):
                answers[mirror] = ""
        except (OSError, HTTPException, ValueError) as error:
            answers[mirror] = str(getattr(error, "reason", "") or error)

    threads = [Thread(target=ask, args=(mirror,), daemon=True) for mirror in mirrors]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    heard = {mirror: answers.get(mirror, f"no answer within {PATIENCE:g} s") for mirror in mirrors}
    good = [mirror for mirror, said in heard.items() if not said]
    return good, [f"{mirror}: {said}" for mirror, said in heard.items() if said]


@contextmanager
def socket_timeout(seconds: float) -> Iterator[None]:
    """Let no connection made in this block wait longer than this for its next byte."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def keep(staged: Path, raw: Path, wanted: dict[str, str]) -> None:
    """Move the archives whose checksum is right, and their unpacked files, into the cache."""
    for name, md5 in wanted.items():
        archive = staged / name
        if not archive.is_file() or md5_of(archive) != md5:
            continue
        raw.mkdir(parents=True, exist_ok=True)
        if is_unpacked(archive, md5):
            os.replace(archive.with_suffix(""), raw / archive.stem)
        os.replace(archive, raw / name)


def is_unpacked(archive: Path, md5: str) -> bool:
    """Whether a .gz file is right and the file unpacked from it, beside it, is the one it holds."""
    unpacked = archive.with_suffix("")
    if not archive.is_file() or not unpacked.is_file() or md5_of(archive) != md5:
        return False
    trailer = archive.read_bytes()[-8:]  # gzip: CRC-32 and length of what is inside, little-endian
    crc = 0
    with unpacked.open("rb") as file:
        while chunk := file.read(CHUNK):
            crc = zlib.crc32(chunk, crc)
    return trailer == crc.to_bytes(4, "little") + unpacked.stat().st_size.to_bytes(4, "little")


def md5_of(path: Path) -> str:
    """The MD5 of a file: a guard against damage, not against an attack."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def fault(path: Path, md5: str) -> str | None:
    """What is wrong with a file, if it is here."""
    if not path.is_file() or (got := md5_of(path)) == md5:
        return None
    return f"{path} is half or corrupt: MD5 expected {md5}, got {got}"


def explain(faults: list[str], raw: Path, wanted: dict[str, str]) -> str:
    """One message: what is wrong, and the ways out."""
    return "\n  - ".join(["MNIST is not available:", *faults]) + (
        f"\nWays out: set the environment variable COURSE_DATA to a folder that holds {RAW.as_posix()}/*.gz; "
        f"or put the four files {', '.join(wanted)} into {raw}; or try again with a network; "
        f"or use digits(), which needs no download."
    )

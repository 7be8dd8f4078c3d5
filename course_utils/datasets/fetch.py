"""Bring the four files of MNIST here, verified: from the cache, a local folder or a mirror.

Each file is read whole into memory, within a budget of bytes and seconds, and written to the cache in one
step once its checksum is right: nothing half-done is ever left there.
"""

import hashlib
import os
import time
from http.client import HTTPException
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen

from course_utils.storage import write_bytes

DATA = Path(__file__).resolve().parents[2] / "data"
RAW = Path("MNIST", "raw")
BINARIZED = Path("BinarizedMNIST", "binarized_mnist.npz")
FILES = {  # with their MD5, a guard against damage; both as torchvision has them, whose import costs seconds
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
MIRRORS = ["https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"]
PATIENCE = 6.0  # seconds until a mirror's first word, and between two
SECONDS = 180.0  # for a file from a mirror; the largest has 9.9 MB
BYTES = 10 * 2**20
PIECE = 2**16


class DatasetUnavailable(RuntimeError):
    """A data set is not here and cannot be brought here; the message says why and what to do."""


def local_root() -> Path | None:
    """The folder that the environment variable COURSE_DATA names, or None.

    Raises:
        DatasetUnavailable: it names nothing, a file, or a folder that holds none of the course's data.
    """
    named = os.environ.get("COURSE_DATA", "").strip()
    if not named:
        return None
    root = Path(named).expanduser()
    wanted = [RAW / name for name in FILES] + [BINARIZED]
    if any((root / path).is_file() for path in wanted):
        return root
    came = "a folder without them" if root.is_dir() else "a file" if root.exists() else "no such folder"
    raise DatasetUnavailable(
        f"COURSE_DATA names {root}: expected a folder that holds {RAW.as_posix()}/*.gz or "
        f"{BINARIZED.as_posix()}, got {came}. Mend or remove that environment variable."
    )


def fetch_mnist(root: Path) -> dict[str, bytes]:
    """The four files of MNIST, each with the right checksum, and in ``root/MNIST/raw`` from now on.

    A file of the cache that is damaged is replaced. A damaged file under COURSE_DATA is an error: that
    folder is the user's, and is only read.

    Raises:
        DatasetUnavailable: naming every file that is missing or wrong, what the mirrors said, and the
            ways out.
    """
    raw, local = root.expanduser() / RAW, local_root()
    try:
        files, _ = held(raw)
        if local and len(files) < len(FILES):
            found, damaged = held(local / RAW)
            if damaged:
                raise DatasetUnavailable(explain([*damaged.values()], raw))
            for name in found.keys() - files:
                write_bytes(raw / name, found[name])
            files = found | files
        if missing := [name for name in FILES if name not in files]:
            raw.mkdir(parents=True, exist_ok=True)  # where that fails, nothing need be fetched
            files |= download(missing, raw, local)
    except OSError as error:
        said = f"cannot read or write under {root}: {type(error).__name__}: {error}"
        raise DatasetUnavailable(explain([said], raw)) from None
    return files


def md5_of(content: bytes) -> str:
    """The MD5 of a file's content, as hexadecimal digits."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def held(folder: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files of MNIST in a folder whose checksum is right, and what is wrong with the others, by name."""
    intact, faults = {}, {}
    for path in (path for path in map(folder.joinpath, FILES) if path.is_file()):
        content, expected = path.read_bytes(), FILES[path.name]
        if (found := md5_of(content)) == expected:
            intact[path.name] = content
        else:
            faults[path.name] = f"{path} is half or corrupt: MD5 expected {expected}, got {found}"
    return intact, faults


def download(missing: list[str], raw: Path, local: Path | None) -> dict[str, bytes]:
    """Fetch files from the mirrors, in their order; a mirror that fails once is not asked again."""
    print(f"Fetching {len(missing)} of the four files of MNIST (11 MB in all) into {raw} ...")
    files: dict[str, bytes] = {}
    said = [*held(raw)[1].values()]
    for mirror in MIRRORS:
        for name in missing:
            if name in files:
                continue
            answer = fetch(mirror + name)
            if isinstance(answer, bytes) and (came := md5_of(answer)) != FILES[name]:
                answer = f"MD5 expected {FILES[name]}, got {came}"
            if isinstance(answer, str):
                said.append(f"{mirror}{name}: {answer}")
                break
            files[name] = answer
            write_bytes(raw / name, answer)
    if absent := [name for name in missing if name not in files]:
        places = " nor in ".join(str(folder) for folder in (raw, local and local / RAW) if folder)
        raise DatasetUnavailable(explain([f"not in {places}: {', '.join(absent)}", *said], raw))
    return files


def fetch(url: str) -> bytes | str:
    """The content of a small file on the web or, if it does not come within the budget, why.

    Looking up a name knows no time limit, and a header may come a byte a second: so it is read in a thread
    that can be left behind.
    """
    begun, answer, content = Event(), [f"not done in {SECONDS:g} s"], bytearray()
    deadline = time.monotonic() + SECONDS

    def read() -> None:
        try:
            with urlopen(url, timeout=PATIENCE) as response:
                begun.set()
                while piece := response.read1(PIECE):
                    content.extend(piece)
                    if len(content) > BYTES:
                        raise OSError(f"more than {BYTES} bytes")
                    if time.monotonic() > deadline:
                        return
            answer[0] = ""
        except (OSError, HTTPException, ValueError) as error:
            answer[0] = " ".join(str(getattr(error, "reason", "") or error).split()) or type(error).__name__
        begun.set()

    thread = Thread(target=read, daemon=True, name=url)
    thread.start()
    if not begun.wait(PATIENCE):
        return f"no answer within {PATIENCE:g} s"
    thread.join(max(0.0, deadline - time.monotonic()) + PATIENCE)
    return answer[0] or bytes(content)


def explain(said: list[str], raw: Path) -> str:
    """One message: what is wrong, and the ways out."""
    return "\n  - ".join(["MNIST is not available:", *said]) + (
        f"\nWays out: set the environment variable COURSE_DATA to a folder that holds {RAW.as_posix()}/*.gz; "
        f"or put the four files {', '.join(FILES)} into {raw}; or try again with a network; "
        f"or use digits(), which needs no download."
    )

"""Whether the outputs of a run are the stored ones: equal, but for what another CPU would compute otherwise.

Training multiplies the rounding of a CPU's own instructions: after a thousand steps a loss differs in its
third or fourth digit, a curve by a pixel's width, and one sampled pixel in some hundreds falls the other way.
"""

import base64
import io
import re

import numpy as np
from nbformat import NotebookNode
from PIL import Image, ImageFilter

TRAINED = (
    "trained"  # the tag of a cell that shows samples of a trained model, or curves that set their own axes
)
BLUR, VISIBLE = 3, 20  # pixels; of 255 levels: another CPU gives up to 17, a curve moved by its width 57
SHARE = 0.02  # of the pixels of what a trained model shows: another CPU gives up to 0.011
RELATIVE, OF_ERROR = 0.005, 0.25  # of a number, of the standard error that follows it
ERRORS = 0.1  # of a standard error
NUMBER = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)")


def keep_stored(new: NotebookNode, stored: NotebookNode) -> None:
    """Put stored texts and pictures back, in place, wherever the new ones are the same; cells go by id.

    Pictures of a cell with the tag "trained" are compared on the whole only.
    """
    before = {cell.get("id"): cell.get("outputs", []) for cell in stored.cells}
    for cell in new.cells:
        trained = TRAINED in cell.metadata.get("tags", [])
        for output, old in zip(cell.get("outputs", []), before.get(cell.get("id"), []), strict=False):
            if isinstance(output.get("text"), str) and same_text(output["text"], str(old.get("text"))):
                output["text"] = old["text"]
            for kind, content in output.get("data", {}).items():
                kept = old.get("data", {}).get(kind)
                if kind == "image/png" and kept and same_picture(content, kept, trained=trained):
                    output["data"][kind] = kept
                elif kind.startswith("text/") and kept and same_text(content, kept):
                    output["data"][kind] = kept


def same_text(one: str, other: str) -> bool:
    """Whether two texts are the same but for numbers that moved by less than matters.

    A number may move by half a percent, by one in its last decimal, or by a quarter of the standard error
    that follows it ("17.35 ± 0.26"); a standard error by a tenth. Whole numbers have no last decimal.

    >>> same_text("17.43 ± 0.26 nats", "17.41 ± 0.25 nats"), same_text("17.43 nats", "17.21 nats")
    (True, False)
    >>> same_text("64 of 64", "63 of 64"), same_text("0.50 nats", "0.50 bits")
    (False, False)
    """
    a, b = NUMBER.split(one), NUMBER.split(other)  # text, number, text, number, …, text
    return len(a) == len(b) and a[::2] == b[::2] and all(_near(a, b, i) for i in range(1, len(b), 2))


def _near(a: list[str], b: list[str], i: int) -> bool:
    """Whether the numbers at place i are the same up to what matters."""
    decimals = [len(text.partition(".")[2]) for text in (a[i], b[i])]
    old, new = (float(text.replace(",", "")) for text in (a[i], b[i]))
    allowed = 10.0 ** -decimals[0] if decimals[0] else 0.0
    if b[i - 1].endswith("± "):
        allowed = max(allowed, ERRORS * new)
    else:
        error = float(b[i + 2].replace(",", "")) if b[i + 1] == " ± " else 0.0
        allowed = max(allowed, RELATIVE * new, OF_ERROR * error)
    return decimals[0] == decimals[1] and abs(new - old) <= allowed * (1 + 1e-9)


def same_picture(one: str, other: str, *, trained: bool = False) -> bool:
    """Whether two PNG files, in base64, look the same.

    An edge that moved by a fraction of a pixel changes pixels much and the picture not at all; so both are
    blurred first, over 3 pixels, and then no channel may be more than 20 of 255 apart anywhere.

    Args:
        one, other: the files.
        trained: the picture is of a trained model, in which single sampled pixels may fall the other way:
            2 % of the picture may be further apart.

    >>> def png(level):
    ...     file = io.BytesIO()
    ...     Image.new("L", (2, 2), level).save(file, "PNG")
    ...     return base64.b64encode(file.getvalue()).decode()
    >>> same_picture(png(100), png(102)), same_picture(png(100), png(130))
    (True, False)
    """
    if one == other:
        return True
    a, b = (Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGBA") for picture in (one, other))
    if a.size != b.size:
        return False
    blur = ImageFilter.GaussianBlur(BLUR)
    first, second = (np.asarray(image.filter(blur), dtype=np.int16) for image in (a, b))
    share = (np.abs(first - second).max(2) > VISIBLE).mean()
    return bool(share <= (SHARE if trained else 0))

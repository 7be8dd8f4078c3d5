"""Whether the outputs of a run are the stored ones: equal, but for what another CPU would compute otherwise.

Training multiplies the rounding of a CPU's own instructions: after a thousand steps a loss differs in its
third or fourth digit, a curve by a pixel's width, and one sampled pixel in some hundreds falls the other way.
Tags name the cells in which it decides more than that:

- ``trained``: single samples or points of a trained model; pictures are compared on the whole;
- ``chance``: a chain of samples, say, or what a network finds in single pictures; only words are compared,
  of pictures the size and how their words begin, and the asserts of the notebook say whether it is right.
"""

import base64
import io
import re

import numpy as np
from nbformat import NotebookNode
from PIL import Image, ImageFilter

BLUR, VISIBLE = 3, 20  # pixels; of 255 levels: another CPU gives up to 17, a curve moved by its width 57
SHARE = {"trained": 0.02, "chance": 1.0}  # of a picture's pixels; on other CPUs "trained" was up to 0.011
RELATIVE, ERRORS = 0.005, 0.1  # of a number; of a standard error
NUMBER = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)")
EPOCHS = re.compile(r"\d+ epochs?, best \d+")  # which of many losses, near equal, is the smallest
IMAGE = re.compile(r'<img alt="([^"]*)"[^>]*src="data:image/png;base64,([^"]*)">')  # its words, its PNG
ANY_NUMBER = re.compile(r"[-−+]?\d[\d,.]*")


def keep_stored(new: NotebookNode, stored: NotebookNode) -> None:
    """Put stored texts and pictures back, in place, wherever the new ones are the same; cells go by id."""
    before = {cell.get("id"): cell.get("outputs", []) for cell in stored.cells}
    for cell in new.cells:
        tags = cell.metadata.get("tags", [])
        share = max((SHARE[tag] for tag in tags if tag in SHARE), default=0.0)
        for output, old in zip(cell.get("outputs", []), before.get(cell.get("id"), []), strict=False):
            data, kept = output.get("data", {}), old.get("data", {})
            image, stored_image = (IMAGE.fullmatch(one.get("text/html", "")) for one in (data, kept))
            if image and stored_image:
                (words, picture), (said, seen) = image.groups(), stored_image.groups()
                if "chance" in tags:  # what it is, without what is seen in it
                    words, said = (re.split("[:.]", text)[0] for text in (words, said))
                # numbers in its words may differ: how far they moved, one sees
                if same_text(words, said, chance=True) and same_picture(picture, seen, share=share):
                    data |= {kind: kept[kind] for kind in ("text/html", "text/plain")}
                continue
            for place, was in ((output, old), (data, kept)):
                for kind in ("text", "text/plain", "text/html", "text/markdown"):
                    texts = [one.get(kind) for one in (place, was)]
                    if all(isinstance(t, str) for t in texts) and same_text(*texts, chance="chance" in tags):
                        place[kind] = was[kind]


def same_text(one: str, other: str, *, chance: bool = False) -> bool:
    """Whether two texts are the same but for numbers that moved by less than matters.

    A number may move by half a percent, by one in its last decimal, or by the standard error that follows
    it ("17.35 ± 0.26"); a standard error by a tenth, and with it the count of decimals: 0.096 or 0.10. Whole
    numbers have no last decimal, but which epoch of a training was best is not compared. With ``chance``
    numbers do not count.

    >>> same_text("17.43 ± 0.26 nats", "17.41 ± 0.25 nats"), same_text("17.43 nats", "17.21 nats")
    (True, False)
    >>> same_text("1.04 ± 0.10 nats", "1.053 ± 0.096 nats"), same_text("1.04 ± 0.10", "1.053 ± 0.12")
    (True, False)
    >>> same_text("64 of 64", "63 of 64"), same_text("0.50 nats", "0.50 bits")
    (False, False)
    >>> same_text("71 epochs, best 51, held-out loss 17.36", "73 epochs, best 53, held-out loss 17.36")
    True
    """
    if chance:
        return ANY_NUMBER.sub("", one).split() == ANY_NUMBER.sub("", other).split()
    a, b = (NUMBER.split(EPOCHS.sub("best", text)) for text in (one, other))  # text, number, text, number, …, text
    return len(a) == len(b) and a[::2] == b[::2] and all(_near(a, b, i) for i in range(1, len(b), 2))


def _near(a: list[str], b: list[str], i: int) -> bool:
    """Whether the numbers at place i are the same up to what matters."""
    decimals = [len(text.partition(".")[2]) for text in (a[i], b[i])]
    old, new = (float(text.replace(",", "")) for text in (a[i], b[i]))
    allowed = 10.0 ** -decimals[0] if decimals[0] else 0.0
    if of_error := b[i - 1].endswith("± "):
        allowed = max(allowed, ERRORS * new)
    else:
        error = float(b[i + 2].replace(",", "")) if b[i + 1] == " ± " else 0.0
        allowed = max(allowed, RELATIVE * new, error)
    rounded_alike = decimals[0] == decimals[1] or of_error or b[i + 1] == " ± "
    return rounded_alike and abs(new - old) <= allowed * (1 + 1e-9)


def same_picture(one: str, other: str, *, share: float = 0.0) -> bool:
    """Whether two PNG files, in base64, look the same.

    An edge that moved by a fraction of a pixel changes pixels much and the picture not at all; so both are
    blurred first, over 3 pixels, and then no channel may be more than 20 of 255 apart.

    A ``share`` of the pixels may be further apart: where single samples may fall the other way.
    """
    if one == other:
        return True
    a, b = (Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGBA") for picture in (one, other))
    if a.size != b.size:
        return False
    first, second = (np.asarray(i.filter(ImageFilter.GaussianBlur(BLUR)), dtype=np.int16) for i in (a, b))
    return bool((np.abs(first - second).max(2) > VISIBLE).mean() <= share)

"""Pictures as a notebook stores them: small PNG files in an image element that says what they show."""

from base64 import b64encode
from html import escape
from io import BytesIO

from PIL import Image

SCREEN_DPI, STORED_DPI = 72, 144  # pixels an inch on the screen; stored, so that a projector's are sharp too
MOST_OF_A_DRAWING = 4096  # colours


def html_image(picture: bytes, words: str) -> dict[str, str]:
    """A PNG of 144 dpi as the output of a cell: HTML, since a screen reader gets the ``alt`` of that alone.

    >>> file = BytesIO()
    >>> Image.new("RGB", (288, 144)).save(file, "png")
    >>> html_image(file.getvalue(), "A black field")["text/html"]
    '<img alt="A black field" width="144" height="72" src="data:image/png;base64,...">'
    """
    width, height = (round(pixels * SCREEN_DPI / STORED_DPI) for pixels in Image.open(BytesIO(picture)).size)
    source = f"data:image/png;base64,{b64encode(picture).decode()}"
    html = f'<img alt="{escape(words)}" width="{width}" height="{height}" src="{source}">'
    return {"text/html": html, "text/plain": words}


def smaller(picture: bytes) -> bytes:
    """A PNG with at most 256 colours, compressed as far as PNG goes.

    Of a drawing they are those that cover most of the colours it has; of a photograph, the means of as many
    groups of pixels, so that what is grey stays grey.
    """
    image = Image.open(BytesIO(picture)).convert("RGB")
    drawing = image.getcolors(MOST_OF_A_DRAWING) is not None
    method = Image.Quantize.MAXCOVERAGE if drawing else Image.Quantize.MEDIANCUT
    image = image.quantize(256, method=method, dither=Image.Dither.NONE)
    file = BytesIO()
    image.save(file, "png", compress_level=9)
    return file.getvalue()

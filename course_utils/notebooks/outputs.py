"""Outputs of notebooks: what of them is stored, and what may not be."""

import base64
import io
import re
from collections.abc import Iterable

import numpy as np
from nbformat import NotebookNode
from PIL import Image

INVISIBLE = 4  # of 255 levels
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE_INFO = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


def plain(text: str) -> str:
    """The text without the colours of a terminal.

    >>> plain("\\x1b[31mNameError\\x1b[39m")
    'NameError'
    """
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def troubles(outputs: Iterable[NotebookNode]) -> list[str]:
    """What among these outputs may not be shipped: errors, and anything printed to stderr.

    >>> from nbformat.v4 import new_output
    >>> troubles([new_output("stream", name=name, text="!") for name in ("stdout", "stderr")])
    ['printed to stderr: !']
    """
    found = []
    for output in outputs:
        if output["output_type"] == "error":
            found.append(f"{output['ename']}: {output['evalue']}")
        elif output["output_type"] == "stream" and output["name"] == "stderr":
            found.append(f"printed to stderr: {plain(output['text']).strip()}")
    return found


def clean(notebook: NotebookNode) -> None:
    """Drop, in place, all that differs from run to run: widgets, timings, the version of Python.

    Of an output that shows a widget the picture and the text beside it stay, so that a page without a
    kernel shows its first state. An output that is nothing but a widget, such as a progress bar, goes.
    """
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = NotebookNode(KERNELSPEC)
    notebook.metadata["language_info"] = NotebookNode(LANGUAGE_INFO)
    count = 0
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        count += bool(cell.source.strip())
        cell.execution_count = count if cell.source.strip() else None
        cell.outputs = [kept for output in cell.outputs if (kept := _without_widget(output))]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count


def _without_widget(output: NotebookNode) -> NotebookNode | None:
    data = output.get("data", {})
    if data.pop(WIDGET_VIEW, None) is None:
        return output
    output.metadata.pop(WIDGET_VIEW, None)
    return output if set(data) - {"text/plain"} else None


def keep_pictures(new: NotebookNode, stored: NotebookNode) -> None:
    """Put stored pictures back, in place, wherever the new ones look the same; cells are matched by id.

    The stored bytes stay although a library wrote its new version into the file, or a number changed in
    its sixth digit and an edge with it.
    """
    before = {cell.get("id"): cell.get("outputs", []) for cell in stored.cells}
    for cell in new.cells:
        for output, old in zip(cell.get("outputs", []), before.get(cell.get("id"), []), strict=False):
            picture, kept = (o.get("data", {}).get("image/png") for o in (output, old))
            if picture and kept and same_picture(picture, kept):
                output.data["image/png"] = kept


def same_picture(one: str, other: str) -> bool:
    """Whether two PNG files, in base64, look the same: equal size, no channel more than 4 of 255 apart.

    >>> def png(level):
    ...     file = io.BytesIO()
    ...     Image.new("L", (2, 2), level).save(file, "PNG")
    ...     return base64.b64encode(file.getvalue()).decode()
    >>> same_picture(png(100), png(102)), same_picture(png(100), png(120))
    (True, False)
    """
    if one == other:
        return True
    a, b = (_pixels(picture) for picture in (one, other))
    return a.shape == b.shape and int(abs(a - b).max()) <= INVISIBLE


def _pixels(picture: str) -> np.ndarray:
    """(height, width, 4), signed so that differences do not wrap around."""
    file = io.BytesIO(base64.b64decode(picture))
    return np.asarray(Image.open(file).convert("RGBA"), dtype=np.int16)

"""A notebook that keeps every rule, made from nothing: tests break it in one place at a time."""

import base64
import io
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from course_utils.notebooks.outputs import KERNELSPEC, LANGUAGE_INFO
from course_utils.plots.output import html_image

HEADER = """# A sample

Slide 6 of the lecture. Afterwards you will be able to

- say what a sample is,
- move its slider,
- check its claim.

**Prerequisites:** notebook [04](04_neighbour.ipynb).

**Time:** about 1 minute on 2 CPU cores.
"""
CELLS = {
    "title": HEADER,
    "imports": "from course_utils.exercises import check\nfrom course_utils.explorers import start_here",
    "predict": "**Predict:** how much ink is left at half the threshold, with $p_D$ as it is?",
    "what-is-seen": "## Ink\n\nThe picture shows a digit, grey on the left, black and white on the right.",
    "explore": "start_here.threshold()",
    "claim": "four = 2 + 2\nassert four == 4",
    "task": "**Exercise.** Write `ink(x)`, the share $\\frac{1}{D}\\sum_d x_d$ of ink.",
    "answer": "def ink(x):\n    ...",
    "answer-checked": "ink = check(ink)",
    "remember": "## Things to remember\n\n- A sample is a sample.",
}
FILLING = 16


def png(level: float = 255, size: tuple[int, int] = (4, 3)) -> str:
    """A picture of one grey, in base64."""
    file = io.BytesIO()
    Image.new("L", size, round(level)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def sample() -> NotebookNode:
    """The notebook, as it looks after a refresh."""
    sources = dict(CELLS)
    last = sources.popitem()
    sources |= {f"number-{word}": f"print({i})" for i, word in enumerate("abcdefghijklmnop"[:FILLING])}
    sources[last[0]] = last[1]
    cells, count = [], 0
    for name, source in sources.items():
        if source.startswith(("#", "*")):
            cells.append(new_markdown_cell(source, id=name))
        else:
            count += 1
            cells.append(new_code_cell(source, id=name, execution_count=count, outputs=_outputs(name, count)))
        kind = "slide" if source.startswith("#") else "skip" if name == "imports" else "fragment"
        cells[-1].metadata = NotebookNode(slideshow=NotebookNode(slide_type=kind))
    cells[[*sources].index("answer")].metadata.tags = ["exercise"]
    metadata = {"kernelspec": dict(KERNELSPEC), "language_info": dict(LANGUAGE_INFO)}
    return new_notebook(cells=cells, metadata=metadata)


def _outputs(name: str, count: int) -> list[NotebookNode]:
    if name == "explore":
        data = html_image(base64.b64decode(png()), "A digit (threshold = 8)")
        return [new_output("execute_result", data, execution_count=count)]
    if name.startswith("number"):
        return [new_output("stream", name="stdout", text="1\n")]
    return []


def course(folder: Path) -> Path:
    """A folder like the repository: pins, and a neighbour of the notebook; returns where this would be."""
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "04_neighbour.ipynb").write_text("{}")
    (folder / "requirements.txt").write_text("numpy==2.4.6\nPillow==13.0.0 ; sys_platform != 'x'\n")
    return folder / "notebooks" / "03_sample.ipynb"

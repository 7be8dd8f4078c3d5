"""A notebook that keeps every rule, made of the template: tests break it in one place at a time."""

import base64
import io
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_output
from PIL import Image

from course_utils.notebooks import template
from course_utils.notebooks.outputs import KERNELSPEC, LANGUAGE_INFO
from course_utils.plots.output import html_image

HEADER = template.HEADER.replace("{title}", "A sample")


def png(level: float = 255, size: tuple[int, int] = (4, 3)) -> str:
    """A picture of one grey, in base64."""
    file = io.BytesIO()
    Image.new("L", size, round(level)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def sample() -> NotebookNode:
    """The template as it looks after a refresh."""
    notebook = template.template("A sample")
    notebook.metadata |= {"kernelspec": dict(KERNELSPEC), "language_info": dict(LANGUAGE_INFO)}
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), 1):
        cell.execution_count = count
        if cell.id in ("digits", "explore"):
            data = html_image(base64.b64decode(png()), "A digit (threshold = 8)")
            cell.outputs = [new_output("execute_result", data, execution_count=count)]
        elif cell.id.startswith("step"):
            cell.outputs = [new_output("stream", name="stdout", text="1\n")]
    return notebook


def course(folder: Path) -> Path:
    """A folder like the repository: pins, and a neighbour of the notebook; returns where this would be."""
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "04_neighbour.ipynb").write_text("{}")
    (folder / "requirements.txt").write_text("numpy==2.4.6\nPillow==13.0.0 ; sys_platform != 'x'\n")
    return folder / "notebooks" / "03_sample.ipynb"

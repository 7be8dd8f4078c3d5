"""Outputs of notebooks: what of them is stored, and what may not be."""

import re
from collections.abc import Iterable

from nbformat import NotebookNode

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
    """The text without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def troubles(outputs: Iterable[NotebookNode]) -> list[str]:
    """What among these outputs may not be shipped: errors, and anything printed to stderr."""
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

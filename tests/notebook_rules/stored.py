"""Rules about what is stored: the format, the order of execution, the outputs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.validator import iter_validate

from course_utils.notebooks.outputs import KERNELSPEC, LANGUAGE_INFO, troubles

LARGEST = 800_000  # bytes
KINDS = {"text/plain", "text/html", "text/markdown", "text/latex"}  # an image alone has no words
SLIDES = {"slide", "subslide", "fragment", "skip", "notes"}
HIDING = {"nbval-skip", "nbval-ignore-output", "nbval-raises-exception", "raises-exception", "skip-execution"}
FOREIGN = re.compile(r"(?<![\w.])/(?:home|Users|root|work|tmp|mnt|opt|usr|var|private)/|\b[A-Z]:\\+Users\b")
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}")


def texts(cell: NotebookNode) -> Iterator[str]:
    """All text of a cell's outputs: printed, shown and of pictures."""
    for output in cell.get("outputs", []):
        yield output.get("text", "")
        yield from (data for kind, data in output.get("data", {}).items() if kind.startswith("text/"))
        yield json.dumps(output.get("metadata", {}), ensure_ascii=False)


def valid(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Format 4.5 with ids that are words."""
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        yield f"format {notebook.nbformat}.{notebook.nbformat_minor}, expected 4.5"
    yield from (f"breaks the format: {error.message[:100]}" for error in iter_validate(notebook))
    ids = [cell.get("id", "") for cell in notebook.cells]
    yield from (f"{i}: used for {ids.count(i)} cells" for i in sorted(set(ids)) if ids.count(i) > 1)
    for i in ids:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", i) or re.fullmatch(r"(?=.*\d)[0-9a-f-]{8,}", i):
            yield f"{i!r}: an id is words such as learn-theta"


def named(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """The file is called nn_name."""
    if not re.fullmatch(r"\d\d_[a-z][a-z0-9_]*\.ipynb", path.name):
        yield f"{path.name}: expected a name like 03_generative_models.ipynb"


def executed(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """No cell is empty, and code was executed in order; of what was not, the first is named."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    yield from (f"{cell.id}: is empty" for cell in notebook.cells if not cell.source.strip())
    for expected, cell in enumerate(code, start=1):
        counts = [cell.execution_count, *(o.execution_count for o in cell.outputs if "execution_count" in o)]
        if set(counts) != {expected}:
            yield f"{cell.id}: execution count {counts[0]}, expected {expected}: refresh it"
            break


def quiet(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """No error and no warning is stored."""
    for cell in notebook.cells:
        yield from (f"{cell.id}: {trouble}" for trouble in troubles(cell.get("outputs", [])))


def same_everywhere(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Nothing of one machine or one run: widgets, timings, versions, paths, addresses."""
    for kind, usual in (("kernelspec", KERNELSPEC), ("language_info", LANGUAGE_INFO)):
        if notebook.metadata.get(kind) != usual:
            yield f"has a {kind} of its own: refresh it"
    if "widgets" in notebook.metadata:
        yield "stores the state of widgets: refresh it"
    for cell in notebook.cells:
        if "execution" in cell.metadata:
            yield f"{cell.id}: stores when it ran: refresh it"
        for kind in {kind for output in cell.get("outputs", []) for kind in output.get("data", {})} - KINDS:
            yield f"{cell.id}: an output of kind {kind}"
        for text in (cell.source, *texts(cell)):
            yield from (f"{cell.id}: the absolute path {found}…" for found in FOREIGN.findall(text))
        for text in texts(cell):
            yield from (f"{cell.id}: the address in memory {found}" for found in ADDRESS.findall(text))


def small(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """The file is small."""
    size = len(nbformat.writes(notebook).encode())
    if size > LARGEST:
        yield f"{size / 1000:.0f} kB, at most {LARGEST / 1000:.0f}"


def a_slide_show(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Every cell says what it is in the slide show, which has no dead end."""
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]
    for cell, kind in zip(notebook.cells, kinds, strict=True):
        if kind not in SLIDES:
            yield f"{cell.id}: slide_type {kind!r}, expected one of {', '.join(sorted(SLIDES))}"
    if kinds[:1] != ["slide"]:
        yield "the first cell starts no slide"
    for before, cell, kind in zip(notebook.cells, notebook.cells[1:], kinds[1:], strict=False):
        if kind in ("skip", "notes") and before.cell_type == "code":
            yield f"{cell.id}: a {kind} cell right after code, where Shift+Enter would stop"


def tested(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """No cell hides from the tests."""
    for cell in notebook.cells:
        yield from (f"{cell.id}: the tag {tag}" for tag in HIDING.intersection(cell.metadata.get("tags", [])))
        if re.search(r"^\s*#\s*(NBVAL_(?!CHECK)|PYTEST_VALIDATE)", cell.source, re.M):
            yield f"{cell.id}: a comment that hides it from the tests"


RULES = (named, executed, quiet, same_everywhere, small, a_slide_show, tested)

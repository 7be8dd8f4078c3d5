"""Rules about the lesson: its length, and that one predicts, explores, checks, tries and remembers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from course_utils.notebooks.comparison import IMAGE
from notebook_rules.code import OWN, cells, parsed
from notebook_rules.text import count_words, prose, texts

FEWEST, FEWEST_START, MOST = 25, 15, 50
SEEN = 5  # words, at least, that say what a picture shows, one of them of these
SEEING = re.compile(
    r"(?i)\b(pictures?|figures?|plots?|images?|photos?|digits?|samples?|grid|map|tree|diagram|chart|panels?|"
    r"curves?|lines?|bars?|dots?|points?|shows?|shown|seen?|look|drawn?|above|below|left|right|top|bottom|"
    r"rows?|columns?|axis|axes|colours?|dark|light|bright|black|white|grey|blue|orange|green|slider)\b"
)


def length(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """As many cells as fit a lesson; the first notebook, which only shows how things work, may be shorter."""
    fewest = FEWEST_START if path.name.startswith("00") else FEWEST
    if not fewest <= len(notebook.cells) <= MOST:
        yield f"{len(notebook.cells)} cells, expected {fewest} to {MOST}"


def from_course(notebook: NotebookNode, module: str) -> set[str]:
    """The names under which a notebook has what it imports from course_utils.<module>."""
    whole, names = f"{OWN}.{module}", set()
    for node in (node for cell in cells(notebook) for node in ast.walk(parsed(cell))):
        if isinstance(node, ast.Import):
            found = (a for a in node.names if f"{a.name}.".startswith(f"{whole}."))
            names |= {a.asname or a.name.split(".")[0] for a in found}
        elif isinstance(node, ast.ImportFrom):
            found = (a for a in node.names if f"{node.module}.{a.name}.".startswith(f"{whole}."))
            names |= {a.asname or a.name for a in found}
    return names


def calls(cell: NotebookNode, names: set[str]) -> Iterator[ast.Call]:
    """The calls in a cell of these names, or of anything inside them."""
    for node in ast.walk(parsed(cell)):
        if isinstance(node, ast.Call):
            function = node.func
            while isinstance(function, ast.Attribute):
                function = function.value
            if isinstance(function, ast.Name) and function.id in names:
                yield node


def pictured(cell: NotebookNode) -> bool:
    """Whether an output of the cell has a picture."""
    data = [o.get("data", {}) for o in cell.get("outputs", [])]
    return any("image/png" in one or IMAGE.fullmatch(one.get("text/html", "")) for one in data)


def whole(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """There is a prediction, an explorer, a claim checked, an exercise, and what to remember."""
    explorers, exercises = (from_course(notebook, module) for module in ("explorers", "exercises"))
    code = cells(notebook)
    if not any(pictured(cell) and any(calls(cell, explorers)) for cell in code):
        yield "no explorer: no cell calls one of course_utils.explorers and stores its picture"
    if not any("check" in ast.unparse(call.func) for cell in code for call in calls(cell, exercises)):
        yield "no exercise: no cell calls check of course_utils.exercises"
    if not any("exercise" in cell.metadata.get("tags", []) for cell in code):
        yield "no exercise: no cell has the tag exercise"
    if not any(isinstance(node, ast.Assert) for cell in code for node in ast.walk(parsed(cell))):
        yield "no claim is checked with assert"
    if not any(re.search(r"\bPredict\b", cell.source) for cell in texts(notebook)):
        yield "nothing to predict before it runs"
    if not any(re.search(r"^#+ .*\bThings to remember\b", c.source, re.M) for c in texts(notebook)):
        yield "no section Things to remember"


def described(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """The text before a picture says what is seen; no two pictures share a text."""
    said = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            said = prose(cell.source)
        elif pictured(cell):
            if count_words(said) < SEEN or not SEEING.search(said):
                yield f"{cell.id}: a picture without a text before it that says what is seen"
            said = ""


RULES = (length, whole, described)

"""Rules about the code: short cells, plain Python, imports that are pinned and public."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from statistics import median

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

LINES, MEDIAN = 15, 6
MAGICS = {"matplotlib", "config"}
OWN = "course_utils"


def cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells of code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@cache
def syntax(source: str) -> ast.Module | SyntaxError:
    """The syntax tree of a source, magics and ! turned into calls as IPython does, or what breaks it."""
    try:
        return ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError as error:
        return error


def parsed(cell: NotebookNode) -> ast.Module:
    """The syntax tree of a cell; empty if it is broken."""
    tree = syntax(cell.source)
    return tree if isinstance(tree, ast.Module) else ast.Module([], [])


def brief(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Cells of code are short, and most are very short."""
    lines = {cell.id: len(cell.source.strip().splitlines()) for cell in cells(notebook)}
    yield from (f"{i}: {n} lines of code, at most {LINES}" for i, n in lines.items() if n > LINES)
    if lines and median(lines.values()) > MEDIAN:
        yield f"half the code cells have more than {MEDIAN} lines (median {median(lines.values()):g})"


def plain(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Python that any Python runs: no shell, no help, no magic but a few."""
    for cell in cells(notebook):
        if isinstance(tree := syntax(cell.source), SyntaxError):
            yield f"{cell.id}: not Python: {tree.msg}"
        for node in ast.walk(parsed(cell)):
            call = ast.unparse(node) if isinstance(node, ast.Call) else ""
            if re.match(r"get_ipython\(\)\.(system|getoutput)\(", call):
                yield f"{cell.id}: runs the shell with !"
            elif magic := re.match(r"get_ipython\(\)\.run_(?:line|cell)_magic\('(\w+)'", call):
                if magic[1] not in MAGICS:
                    yield f"{cell.id}: the magic {magic[1]} is not among {', '.join(sorted(MAGICS))}"


def imports(tree: ast.Module) -> Iterator[str]:
    """The dotted names that a cell imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


@cache
def pinned(requirements: Path) -> frozenset[str]:
    """The names of the distributions in a file of pins, normalised."""
    lines = requirements.read_text("utf-8").splitlines()
    return frozenset(normal(line.split("==")[0]) for line in lines if "==" in line)


@cache
def distributions() -> dict[str, list[str]]:
    """The distributions that bring each module which is installed here."""
    return dict(packages_distributions())


def unseen(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """What only a reader needs, imports and claims checked, is no slide."""
    for cell in cells(notebook):
        body = parsed(cell).body
        plain = body and all(isinstance(node, ast.Import | ast.ImportFrom | ast.Assert) for node in body)
        if plain and cell.metadata.get("slideshow", {}).get("slide_type") != "skip":
            yield f"{cell.id}: imports or asserts on a slide: skip it"


def normal(name: str) -> str:
    """A distribution's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def from_here(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Imports come from Python, the pins or the course, and are public."""
    pins, installed = pinned(path.parent.parent / "requirements.txt"), distributions()
    for cell in cells(notebook):
        for name in imports(parsed(cell)):
            parts = name.split(".")
            known = parts[0] in sys.stdlib_module_names or parts[0] == OWN
            if not known and pins.isdisjoint(map(normal, installed.get(parts[0], []))):
                yield f"{cell.id}: imports {parts[0]}, which no pin brings"
            if any(part.startswith("_") and not part.endswith("__") for part in parts):
                yield f"{cell.id}: imports {name}, which is private"


RULES = (brief, plain, unseen, from_here)

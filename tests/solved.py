"""A notebook with every exercise solved: each stub gives way to what ``solution`` would print."""

import copy
import io
from contextlib import redirect_stdout

from nbformat import NotebookNode

from course_utils.exercises import solution
from course_utils.exercises.engine.checking import catalogue
from course_utils.exercises.engine.stubs import stubs


def answer(name: str) -> str:
    """What ``solution`` prints; for a value, followed by the line that makes a function's result of it."""
    with redirect_stdout(io.StringIO()) as printed:
        solution(name)
    source = printed.getvalue().rstrip()
    return f"{source}\n{name} = {name}()" if catalogue()[name].value else source


def solved(notebook: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """A copy of a notebook with every stub replaced, and the names of the exercises in their order."""
    copied, names = copy.deepcopy(notebook), []
    for cell in copied.cells:
        lines = cell.source.splitlines()
        for name, statement in reversed(stubs(cell).items()):
            lines[statement.lineno - 1 : statement.end_lineno] = answer(name).splitlines()
        names += stubs(cell)
        cell.source = "\n".join(lines)
    return copied, names


def verdicts(notebook: NotebookNode, names: list[str]) -> dict[str, str]:
    """What the outputs of a notebook say of each exercise: the line that starts with its name."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    lines = [line for output in outputs for line in output.get("text", "").splitlines()]
    said = {name: [line for line in lines if line.startswith(f"{name}: ")] for name in names}
    return {name: found[0].partition(": ")[2] if found else "nothing" for name, found in said.items()}

"""What a notebook leaves to the student: the exercises in its cells with the tag exercise."""

import ast

from nbformat import NotebookNode

from course_utils.exercises.engine.checking import catalogue


def stubs(cell: NotebookNode) -> dict[str, ast.stmt]:
    """The exercises that a cell with the tag exercise leaves to the student, with their statements.

    A statement that only hands an answer to ``check`` is no stub.
    """
    if cell.cell_type != "code" or "exercise" not in cell.metadata.get("tags", []):
        return {}
    found = {}
    for statement in ast.parse(cell.source).body:
        if isinstance(statement, ast.FunctionDef):
            found[statement.name] = statement
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            if not (isinstance(statement.value, ast.Call) and ast.unparse(statement.value.func) == "check"):
                found[statement.targets[0].id] = statement
    return {name: statement for name, statement in found.items() if name in catalogue()}


def exercises_of(notebook: NotebookNode) -> list[str]:
    """The names of the exercises of a notebook, in their order."""
    return [name for cell in notebook.cells for name in stubs(cell)]

"""What every notebook of the course is: rules as functions, each of which names what breaks it."""

from pathlib import Path

from nbformat import NotebookNode

from notebook_rules import code, lesson, stored, text

RULES = [*stored.RULES, *text.RULES, *code.RULES, *lesson.RULES]


def problems(notebook: NotebookNode, path: Path) -> list[str]:
    """All that is wrong with a notebook, a line each; a broken format hides the rest.

    Args:
        notebook: as nbformat reads it.
        path: where it is or would be; links are followed from its folder, pins read from the one above.
    """
    return list(stored.valid(notebook, path)) or [
        problem for rule in RULES for problem in rule(notebook, path)
    ]

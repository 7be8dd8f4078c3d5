"""The source of a function, with the imports that it needs to run anywhere."""

import ast
from collections.abc import Callable, Iterator
from inspect import getmodule, getsource
from textwrap import dedent
from types import ModuleType
from typing import Any


def standalone(function: Callable[..., Any]) -> str:
    """The source of a function of a module, under those of the module's imports that it uses.

    >>> from course_utils.exercises.start_here import ink
    >>> standalone(ink).splitlines()[0]
    'from torch import Tensor'
    """
    source = dedent(getsource(function)).rstrip()
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    needed = names - {function.__name__, *function.__code__.co_varnames}
    module = getmodule(function)
    imports = "" if module is None else "\n".join(_imports(module, needed))
    return f"{imports}\n\n\n{source}" if imports else source


def _imports(module: ModuleType, needed: set[str]) -> Iterator[str]:
    for node in ast.parse(getsource(module)).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [name for name in node.names if (name.asname or name.name).split(".")[0] in needed]
            if node.names:
                yield ast.unparse(node)
        else:
            yield from (f"from {module.__name__} import {name}" for name in sorted(_defined(node) & needed))


def _defined(node: ast.stmt) -> set[str]:
    """The names that a statement of a module gives to a function, a class or values."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = getattr(node, "targets", [getattr(node, "target", ast.Pass())])
    return {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}

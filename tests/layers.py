"""The rules of the project's shape, as functions: each takes a package's folder and names what breaks it."""

import ast
import json
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = "course_utils"
LAYERS = {
    0: "checks runtime storage",
    1: "taxonomy nets universe datasets divergences plots",
    2: "models recognition applications",
    3: "training evaluation",
    4: "pretrained explorers exercises",
    5: "classroom notebooks environment scoreboard",  # tools: see of_tools
    6: "__main__",
}
LAYER = {unit: layer for layer, units in LAYERS.items() for unit in units.split()}
TOOLS = LAYERS[5].split()
SHOWN = {("00_start_here.ipynb", "environment")}  # a notebook that shows a tool
ONLY_IN = {"matplotlib": {"plots", "explorers"}, "ipywidgets": {"explorers", "exercises"}}
FILE_LINES, FUNCTION_LINES = 350, 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(package: Path) -> dict[str, ast.Module]:
    """Every module of the package by its dotted name, parsed."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        found[".".join((PACKAGE, *parts))] = parsed(path.read_text("utf-8"))
    return found


@cache
def parsed(text: str) -> ast.Module:
    """The tree of a module, which nobody changes: copies of the package have most of them in common."""
    return ast.parse(text)


def unit(module: str) -> str:
    """The part of the package that a module belongs to: course_utils.models.nade is of models."""
    return module.split(".")[1] if "." in module else "__init__"


@cache
def importing(tree: ast.Module) -> list[ast.Import | ast.ImportFrom | ast.Call]:
    """The statements and calls that import, wherever they stand."""

    def imports(node: ast.AST) -> bool:
        name = node.func if isinstance(node, ast.Call) else None
        called = getattr(name, "attr", getattr(name, "id", ""))
        return isinstance(node, ast.Import | ast.ImportFrom) or called in ("import_module", "__import__")

    return [node for node in ast.walk(tree) if imports(node)]


def imports(tree: ast.Module, known: set[str]) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, wherever it stands; ``from a import b`` is a.b where known."""
    for node in importing(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            inside = (f"{base}.{alias.name}" for alias in node.names)
            yield from ((node.lineno, name if name in known else base) for name in inside)
        else:
            yield from (
                (node.lineno, a.value)
                for a in node.args
                if isinstance(a, ast.Constant) and isinstance(a.value, str)
            )


def upward(package: Path) -> list[str]:
    """Imports of a higher layer, relative imports, and modules that have no layer."""
    every, wrong = modules(package), []
    for module, tree in every.items():
        here = unit(module)
        if here not in LAYER and module != PACKAGE:
            wrong.append(f"{module}: has no layer; give it one in tests/layers.py")
            continue
        for line, name in imports(tree, set(every)):
            there = unit(name)
            if name.startswith("."):
                wrong.append(f"{module}:{line}: relative import; write the whole name")
            elif name == PACKAGE or not name.startswith(f"{PACKAGE}."):
                continue
            elif LAYER.get(there, 9) > LAYER.get(here, -1):
                wrong.append(f"{module}:{line}: imports {name}, which is of a higher layer")
    return wrong


def of_tools(notebooks: Path) -> list[str]:
    """Cells that import a tool of the instructor or the maintainer, but where the notebook shows it."""
    wrong = []
    for path in sorted(notebooks.glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            for _, name in imports(ast.parse("".join(cell["source"])), {f"{PACKAGE}.{one}" for one in TOOLS}):
                if name.startswith(PACKAGE) and unit(name) in TOOLS and (path.name, unit(name)) not in SHOWN:
                    wrong.append(f"{path.name}, cell {cell.get('id')}: imports {name}, a tool")
    return wrong


def cycles(package: Path) -> list[str]:
    """A ring of modules that import one another; a module may name the package around it."""
    every = modules(package)
    graph = {
        module: {
            name
            for _, name in imports(without_type_checking(tree), set(every))
            if name in every and not f"{module}.".startswith(f"{name}.")
        }
        for module, tree in every.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def misplaced(package: Path) -> list[str]:
    """Imports of matplotlib and ipywidgets where they do not belong; those for type checkers do not count."""
    wrong = []
    for module, tree in modules(package).items():
        for line, name in imports(without_type_checking(tree), set()):
            library = name.split(".")[0]
            if library in ONLY_IN and unit(module) not in ONLY_IN[library]:
                wrong.append(f"{module}:{line}: imports {library}")
    return wrong


@cache
def without_type_checking(tree: ast.Module) -> ast.Module:
    """The same module without the blocks under ``if TYPE_CHECKING``."""
    kept = [
        node
        for node in tree.body
        if not (
            isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        )
    ]
    return ast.Module(kept, [])


def definitions(body: list[ast.stmt], name: str) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    """The classes and functions of a module and of its classes, by name; not those inside functions."""
    for node in body:
        if isinstance(node, ast.ClassDef | Function):
            yield f"{name}.{node.name}", node
        if isinstance(node, ast.ClassDef):
            yield from definitions(node.body, f"{name}.{node.name}")


def public(name: str) -> bool:
    """Whether no part of a dotted name is private; __init__ and the like count as public."""
    return not any(part.startswith("_") and not part.endswith("__") for part in name.split("."))


def undocumented(package: Path) -> list[str]:
    """Modules, public classes and public functions without a docstring."""
    wrong = []
    for module, tree in modules(package).items():
        if not ast.get_docstring(tree):
            wrong.append(f"{module}: has no docstring")
        for name, node in definitions(tree.body, module):
            if public(name) and not node.name.startswith("__") and not ast.get_docstring(node):
                wrong.append(f"{name}:{node.lineno}: has no docstring")
    return wrong


def untyped(package: Path) -> list[str]:
    """Public functions and methods with an argument or a result that has no type."""
    wrong = []
    for module, tree in modules(package).items():
        for name, node in definitions(tree.body, module):
            if isinstance(node, ast.ClassDef) or not public(name):
                continue
            a = node.args
            arguments = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
            bare = [x.arg for x in arguments if x.annotation is None and x.arg not in ("self", "cls")]
            bare += ["return"] * (node.returns is None)
            if bare:
                wrong.append(f"{name}:{node.lineno}: no type for {', '.join(bare)}")
    return wrong


def too_long(*folders: Path) -> list[str]:
    """Files and functions longer than one can read in a sitting; a function's docstring does not count."""
    paths = sorted(path for folder in folders for path in folder.rglob("*.py"))
    return [f"{path.name}{what}" for path in paths for what in lengths(path.read_text("utf-8"))]


@cache
def lengths(text: str) -> list[str]:
    """What is too long in a file."""
    wrong = [f": {n} lines, at most {FILE_LINES}"] if (n := len(text.splitlines())) > FILE_LINES else []
    for node in ast.walk(parsed(text)):
        if isinstance(node, Function) and (lines := code_lines(node)) > FUNCTION_LINES:
            wrong.append(f":{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES}")
    return wrong


def code_lines(node: Function) -> int:
    """The lines of a function from its name to its end, without its docstring."""
    told = node.body[0] if ast.get_docstring(node) else None
    return node.end_lineno - node.lineno + 1 - (told.end_lineno - told.lineno + 1 if told else 0)

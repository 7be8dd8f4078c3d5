"""The tree read off the classes: its nodes, its leaves, its picture in text."""

from collections.abc import Iterator
from inspect import isfunction

from course_utils.taxonomy.model import GenerativeModel

FOR_TRAINING = ("check", "loss", "players", "observe")


def children(node: type[GenerativeModel]) -> list[type[GenerativeModel]]:
    """The nodes right under this one, in the order of slide 14: the course's own classes only.

    A class that is not on the slide, such as a mixture of systems, or what some of them share, has
    ``on_tree = False``; what is built on it hangs from the node above.

    Raises:
        ValueError: node is no class of generative models.
    """
    _check(node, "children")
    package = __name__.split(".")[0]
    below = []
    for child in node.__subclasses__():
        if child.__module__.split(".")[0] == package:
            below += [child] if vars(child).get("on_tree", True) else children(child)
    return below


def leaves(node: type[GenerativeModel] = GenerativeModel) -> Iterator[type[GenerativeModel]]:
    """The systems on the tree, left to right: the classes that can be built."""
    if not getattr(node, "__abstractmethods__", None):
        yield node
    for child in children(node):
        yield from leaves(child)


def verbs(node: type[GenerativeModel]) -> list[str]:
    """The public methods that the tree grants a class, from the root down: what can be asked of a model.

    Left out are ``check`` and what is for training: losses, and the players of a game.

    >>> from course_utils.taxonomy import Flow
    >>> verbs(Flow)
    ['sample', 'log_prob', 'encode', 'decode']
    """
    _check(node, "verbs")
    package = __name__.rsplit(".", 1)[0]
    granted = [base for base in reversed(node.__mro__) if base.__module__.startswith(f"{package}.")]
    found = [
        name
        for base in granted
        for name, value in vars(base).items()
        if isfunction(value) and not name.startswith("_") and not name.endswith(FOR_TRAINING)
    ]
    return list(dict.fromkeys(["sample", *found]))


def tree(node: type[GenerativeModel] = GenerativeModel, prefix: str = "") -> str:
    """Draw the tree under a node from the classes themselves, as text.

    >>> from course_utils.taxonomy import ImplicitDensity
    >>> print(tree(ImplicitDensity))
    Implicit density — does not compute p(x), but can sample from it
    ├─ Markov chain — learned step x → x′...
    └─ Direct — x = G(z), learned in a game against D...
    """
    _check(node, "tree")
    lines = [] if prefix else [f"{node.title} — {node.about}"]
    below = children(node)
    for i, child in enumerate(below):
        last = i == len(below) - 1
        lines.append(f"{prefix}{'└─' if last else '├─'} {child.title} — {child.about}")
        lines += [tree(child, prefix + ("   " if last else "│  "))] * bool(children(child))
    return "\n".join(lines)


def _check(node: object, who: str) -> None:
    if not isinstance(node, type) or not issubclass(node, GenerativeModel):
        raise ValueError(f"{who}: expected a class on the tree, such as GenerativeModel, got {node!r}")

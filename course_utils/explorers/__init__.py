"""The course's explorers: pictures under sliders, a module for each notebook."""

from collections.abc import Callable
from importlib import import_module
from inspect import isfunction, signature
from pkgutil import iter_modules

from course_utils.explorers.base import Explorer, panels
from course_utils.explorers.controls import choice, slider, switch

__all__ = ["Explorer", "all", "choice", "panels", "slider", "switch"]


def all() -> dict[str, Callable[..., Explorer]]:
    """Every explorer of the course: the public functions of this package that return an ``Explorer``.

    >>> "start.threshold" in all()
    True
    """
    found = {}
    for entry in iter_modules(__path__):
        module = import_module(f"{__name__}.{entry.name}")
        for name, value in vars(module).items():
            own = isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
            if own and signature(value).return_annotation in (Explorer, "Explorer"):
                found[f"{entry.name}.{name}"] = value
    return found

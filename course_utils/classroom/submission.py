"""What runs inside the sandbox: the cells of one submission, one after the other, and a note of each check.

    python -m course_utils.classroom.submission TASK <NOTEBOOK >NOTES

Notes are lines of JSON: {"exercise", "outcome", "text"}, {"cell", "error", "late"}, {"unreadable"}, and at
the end {"done": true}. What the cells print goes nowhere.
"""

import ast
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

LONGEST = 2000  # characters of a text
LARGEST_FILE = 100 << 20
PATIENCE = 5  # wall-clock seconds for each second of CPU time: a busy machine is not the student's fault
UNCHECKED = "No check of this ran in the notebook; its last value was judged.\n"


class OutOfTime(BaseException):
    """A cell has had its seconds."""


class Runner:
    """Does one thing after the other, each within its time, and notes what went wrong.

    Args:
        seconds: of CPU time for each; where the system has no such clock (Windows), there is no limit.
        notes: the number of the open file to write to.
    """

    def __init__(self, seconds: float, notes: int) -> None:
        self.seconds, self.notes, self.late = seconds, open(notes, "wb"), False
        self.timed = hasattr(signal, "setitimer")
        for name in ("SIGPROF", "SIGALRM") if self.timed else ():
            signal.signal(getattr(signal, name), self.over)

    def over(self, *_: object) -> None:
        """Interrupt what runs."""
        self.late = True
        raise OutOfTime(f"not done after {self.seconds:g} s of CPU time")

    def clocks(self, seconds: float) -> None:
        """Start the clocks, 0 stops them; they ring again and again for those who do not listen."""
        if self.timed:
            signal.setitimer(signal.ITIMER_PROF, seconds, 0.5)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE * seconds, 0.5)

    def note(self, **note: Any) -> None:
        """Write a line that is there even if the process is killed in the next moment."""
        self.notes.write(json.dumps(note).encode() + b"\n")
        self.notes.flush()

    def run(self, name: str, act: Callable[[], object]) -> None:
        """Do it; whatever goes wrong, go on."""
        self.late, error = False, None
        try:
            try:
                self.clocks(self.seconds)
                act()
            finally:
                self.clocks(0)
        except BaseException as raised:
            self.clocks(0)  # they may have rung once more before they were stopped
            error = f"{type(raised).__name__}: {raised}"[:LONGEST]
        if error or self.late:
            self.note(cell=name, error=error or "", late=self.late)


class Cells:
    """The namespace of a notebook; stands for IPython in it, where lines with ! and magics do nothing."""

    def __init__(self) -> None:
        from IPython.core.inputtransformer2 import TransformerManager
        from IPython.display import display

        self.main, self.transform = ModuleType("__main__"), TransformerManager().transform_cell
        vars(self.main).update(get_ipython=lambda: self, display=display)
        sys.modules["__main__"] = self.main

    def run(self, source: str) -> None:
        """Run a cell."""
        code = compile(self.transform(source), "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
        waiting = eval(code, vars(self.main))
        if waiting is not None:
            asyncio.run(waiting)
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")

    def run_line_magic(self, name: str, line: str, *_: object) -> None:
        """Run what %time times."""
        self.run_cell_magic(name, "", line)

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        """Run what %%time, %%timeit or %%capture stands above."""
        if name in ("time", "timeit", "capture"):
            self.run(cell)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def limit(megabytes: int, seconds: float) -> None:
    """Bound memory, CPU time and the size of files, where the system can (not on Windows)."""
    try:
        import resource
    except ImportError:
        return
    data, cpu = megabytes << 20, int(seconds) + 1
    bounds = {"DATA": (data, data), "CPU": (cpu, cpu + 5), "FSIZE": (LARGEST_FILE,) * 2, "CORE": (0, 0)}
    for name, bound in bounds.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), bound)


def code_cells(content: bytes) -> list[tuple[str, str]]:
    """The name and source of each cell of code; the outputs are not looked at.

    >>> code_cells(b'{"nbformat": 4, "cells": [{"cell_type": "code", "id": "a", "source": ["x = 1"]}]}')
    [('a', 'x = 1')]
    """
    notebook = json.loads(content)
    if notebook["nbformat"] != 4:
        raise ValueError("expected a notebook of format 4")
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [(str(cell.get("id", i)), "".join(cell["source"])) for i, cell in enumerate(cells)]


def main(task: str) -> None:
    """Run the cells of the notebook on stdin; one that fails does not keep the others from running."""
    given = json.loads(task)
    runner = Runner(given["cell"], os.dup(1))
    content = sys.stdin.buffer.read(LARGEST_FILE)
    for own in (0, 1):  # the file handed in, and the notes, are out of reach
        os.dup2(os.open(os.devnull, os.O_RDWR), own)
    limit(given["memory"], given["total"])
    try:
        cells = code_cells(content)
    except Exception as error:
        why = f"no notebook: {type(error).__name__}: {error}"
        return runner.note(unreadable=why[:LONGEST], done=True)
    from course_utils import plots  # noqa: F401  what is slow or large comes before the first cell's time
    from course_utils.exercises.engine import Exercise, Verdict, checking

    checked, notebook = set(), Cells()

    def heard(exercise: Exercise, verdict: Verdict, before: str = "") -> None:
        checked.add(exercise.name)
        runner.note(exercise=exercise.name, outcome=verdict.outcome, text=(before + verdict.text)[:LONGEST])

    def last_value(name: str) -> None:
        verdict = checking.verdicts([name], vars(notebook.main))[name]
        if name not in checked and verdict is not None:
            heard(checking.catalogue()[name], verdict, UNCHECKED)

    checking.listeners.append(heard)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")
    for name, source in cells:
        runner.run(name, lambda source=source: notebook.run(source))
    for name in given["exercises"]:
        runner.run(name, lambda name=name: last_value(name))
    runner.note(done=True)
    os._exit(0)  # threads, exit handlers and the like of a submission are not waited for


if __name__ == "__main__":
    main(sys.argv[1])

"""The shape of every notebook: each rule finds what breaks it, and no notebook of the course breaks one."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_output
from notebook_rules import problems
from sample_notebook import HEADER, course, png, sample

from course_utils.notebooks.command import FOLDER

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST_OF_ALL = 6_000_000


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(c for c in notebook.cells if c.id == name)


def source(name: str, text: str) -> Callable:
    """Write another source into a cell."""
    return lambda notebook: cell(notebook, name).update(source=text)


def output(where: str, kind: str = "stream", /, *data: dict, **fields: object) -> Callable:
    """Add an output to a cell."""
    return lambda notebook: cell(notebook, where).outputs.append(new_output(kind, *data, **fields))


def shown(kind: str, data: object) -> Callable:
    return output("step-1-code", "display_data", {kind: data})


def metadata(name: str, **fields: object) -> Callable:
    return lambda notebook: cell(notebook, name).metadata.update(fields)


def code(text: str) -> Callable:
    return source("step-1-code", text)


def slide(name: str, kind: str) -> Callable:
    return metadata(name, slideshow={"slide_type": kind})


def header(old: str, new: str = "") -> Callable:
    assert old in HEADER
    return source("title", HEADER.replace(old, new))


def without(*names: str) -> Callable:
    return lambda notebook: notebook.update(cells=[c for c in notebook.cells if c.id not in names])


def long_cells(notebook: NotebookNode) -> None:
    for c in notebook.cells:
        if c.cell_type == "code":
            c.source = "\n".join(f"a = {i}" for i in range(7))


def more_cells(notebook: NotebookNode) -> None:
    extra = [deepcopy(notebook.cells[-1]) for _ in range(51 - len(notebook.cells))]
    notebook.cells += [NotebookNode(c, id="more-" + "i" * i) for i, c in enumerate(extra, start=1)]


WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PLANTED = {
    "an old format": (lambda n: n.update(nbformat_minor=4), "expected 4.5"),
    "a broken format": (lambda n: cell(n, "claim").pop("metadata"), "breaks the format"),
    "two cells of one id": (lambda n: cell(n, "claim").update(id="task"), "used for 2 cells"),
    "an id of a machine": (lambda n: cell(n, "claim").update(id="3f2a91bc"), "an id is words"),
    "an id with an underscore": (lambda n: cell(n, "claim").update(id="my_claim"), "an id is words"),
    "an empty cell": (source("claim", "  "), "claim: is empty"),
    "a cell that did not run": (lambda n: cell(n, "claim").update(execution_count=None), "count None"),
    "a cell run twice": (lambda n: cell(n, "claim").update(execution_count=9), "count 9, expected 4"),
    "a result of another run": (lambda n: cell(n, "explore").outputs[0].update(execution_count=9), "count"),
    "a stored error": (output("claim", "error", ename="E", evalue="x", traceback=[]), "claim: E: x"),
    "a stored warning": (output("claim", name="stderr", text="beware"), "printed to stderr: beware"),
    "another kernel": (lambda n: n.metadata.kernelspec.update(name="mine"), "a kernelspec of its own"),
    "a version of Python": (lambda n: n.metadata.language_info.update(version="3.9"), "a language_info"),
    "stored widgets": (lambda n: n.metadata.update(widgets={}), "the state of widgets"),
    "a stored view": (shown(WIDGET_VIEW, {"model_id": "1"}), "an output of kind application/vnd"),
    "a stored time": (metadata("claim", execution={"iopub.execute_input": "now"}), "when it ran"),
    "a path in code": (code('open("/home/me/x")'), "the absolute path /home/"),
    "a path of Windows": (code("open(r'C:\\Users\\me')"), "the absolute path C:\\Users"),
    "a path in an output": (output("claim", name="stdout", text="saved in /tmp/x"), "path /tmp/"),
    "a path in a table": (shown("text/html", "<b>/Users/me</b>"), "the absolute path /Users/"),
    "an address": (shown("text/plain", "<Net at 0x7f3a2b1c0d90>"), "the address in memory"),
    "a large output": (shown("text/plain", "x" * 800_000), "kB, at most 800"),
    "no slide": (lambda n: cell(n, "claim").metadata.pop("slideshow"), "claim: slide_type None"),
    "a slide type of nbconvert's": (slide("claim", "-"), "claim: slide_type '-'"),
    "a start without a slide": (slide("title", "fragment"), "starts no slide"),
    "a dead end": (slide("ink-checked", "skip"), "ink-checked: a skip cell right after code"),
    "a hidden cell": (metadata("claim", tags=["nbval-skip"]), "the tag nbval-skip"),
    "an allowed error": (metadata("claim", tags=["raises-exception"]), "the tag raises-exception"),
    "a hidden cell by comment": (code("# NBVAL_SKIP\nprint(1)"), "a comment that hides it"),
    "no header": (without("title"), "the first cell is no header"),
    "no title": (header("# A sample"), "lacks a title"),
    "no slides": (header("Slide 6"), "lacks the slides"),
    "no prerequisites": (header("Before"), "lacks the prerequisites (**Before:** …)"),
    "no time": (header("about 1 minute", "a while"), "lacks **Time:**"),
    "too few goals": (header("- judge ….", "And more."), "lists 2 things"),
    "too many goals": (header("- judge", "- a\n- b\n- c\n- judge"), "lists 6 things"),
    "a second title": (source("remember", "# Things to remember"), "remember: a second title"),
    "a long text": (source("task", "## Not these\n\n" + "word " * 81), "81 words, at most 80"),
    "an open formula": (source("task", "Let $x be.\n\nAnd y$ too."), "a formula that is not closed"),
    "an open block": (source("task", "$$x = 1\n\nNext."), "a formula that is not closed"),
    "a lost neighbour": (source("task", "See [x](05_lost.ipynb)."), "05_lost.ipynb leads nowhere"),
    "a lost picture": (source("task", '<img src="lost.png" alt="x">'), "lost.png leads nowhere"),
    "a lost reference": (source("task", "See [x].\n\n[x]: lost.md"), "lost.md leads nowhere"),
    "a silent picture": (source("task", "![](04_neighbour.ipynb)"), "no words for those"),
    "a picture from elsewhere": (source("task", "![x](https://a.org/b.png)"), "not a file of the course"),
    "long code": (code("\n".join(["a = 1"] * 16)), "16 lines of code, at most 15"),
    "long cells throughout": (long_cells, "half the code cells"),
    "the shell": (code("!ls"), "runs the shell"),
    "the shell in a value": (code("files = !ls"), "runs the shell"),
    "a magic": (code("%timeit 1"), "the magic timeit"),
    "a cell magic": (code("%%time\n1"), "the magic time"),
    "help": (code("print?"), "the magic pinfo"),
    "no Python": (code("print(1"), "not Python"),
    "an import without a pin": (code("import tensorflow"), "imports tensorflow, which no pin"),
    "an import that is here by chance": (code("import torch"), "imports torch, which no pin"),
    "a private module": (code("import numpy._core"), "which is private"),
    "imports on a slide": (slide("imports", "fragment"), "imports: imports or asserts on a slide"),
    "asserts on a slide": (slide("claim", "fragment"), "claim: imports or asserts on a slide"),
    "a private name": (code("from course_utils.exercises import _shown"), "which is private"),
    "too few cells": (lambda n: n.cells.__delitem__(slice(-5, -1)), "23 cells, expected 25 to 50"),
    "too many cells": (more_cells, "51 cells, expected 25 to 50"),
    "no explorer": (source("explore", "print('digit')"), "no explorer"),
    "an explorer without a picture": (lambda n: cell(n, "explore").update(outputs=[]), "no explorer"),
    "no check": (source("ink-checked", "model.check(ink)"), "no cell calls check"),
    "no exercise": (lambda n: cell(n, "ink").metadata.pop("tags"), "no cell has the tag exercise"),
    "no assert": (source("claim", "print(2 + 2)"), "no claim is checked"),
    "no prediction": (source("predict", "**Look** at this."), "nothing to predict"),
    "no summary": (source("remember", "## The end"), "no section Things to remember"),
    "a picture unannounced": (output("step-1-code", "display_data", {"image/png": png()}), "what is seen"),
    "two pictures under one text": (without("answer-to-it", "explore-text"), "explore: a picture"),
    "a picture under a heading": (source("what-is-seen", "## Ink and nothing but ink"), "what is seen"),
}


def test_a_notebook_that_keeps_the_rules_has_no_problems(tmp_path: Path):
    assert problems(sample(), course(tmp_path)) == []


@pytest.mark.parametrize("planted", PLANTED)
def test_each_rule_finds_what_breaks_it(planted: str, tmp_path: Path):
    breaks, expected = PLANTED[planted]
    notebook = sample()
    breaks(notebook)
    assert any(expected in problem for problem in problems(notebook, course(tmp_path)))


def test_a_name_without_a_number_is_found(tmp_path: Path):
    assert "a_sample.ipynb: expected" in " ".join(
        problems(sample(), course(tmp_path).with_name("a_sample.ipynb"))
    )


@pytest.mark.parametrize(
    "harmless",
    [
        source("task", "Costs \\$5, `$PATH`, $a$ and\n\n```\n$ ls\n```\n\n$$\nx\n$$"),
        source("task", "Over $" + "word " * 90 + "$.\n\n| " + "word | " * 90),
        source("task", "A map $G:\\Omega\\to X$ and https://a.org/home/b, [here](04_neighbour.ipynb#x)."),
        code("print('%time !ls /etc 50 % _x')\n1 % 2"),
        code("%matplotlib inline"),
        code("import numpy as np, os.path\nfrom PIL import Image\nnp.pi"),
        code("# NBVAL_CHECK_OUTPUT\nprint(1)"),
        slide("remember", "subslide"),
    ],
)
def test_what_only_looks_wrong_is_no_problem(harmless: Callable, tmp_path: Path):
    notebook = sample()
    harmless(notebook)
    assert problems(notebook, course(tmp_path)) == []


def test_the_first_notebook_may_be_shorter(tmp_path: Path):
    notebook = sample()
    without(*(f"step-{n}{end}" for n in range(5) for end in ("", "-seen")))(notebook)
    path = course(tmp_path)
    assert problems(notebook, path.with_name("00_start_here.ipynb")) == []
    assert "cells, expected 25" in " ".join(problems(notebook, path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_keeps_the_rules(path: Path):
    found = problems(nbformat.read(path, as_version=4), path)
    assert not found, "\n".join(found)


def test_every_number_is_used_once():
    assert [n for n, times in Counter(path.name[:2] for path in NOTEBOOKS).items() if times > 1] == []


def test_all_notebooks_together_are_small():
    assert 0 < sum(path.stat().st_size for path in NOTEBOOKS) <= LARGEST_OF_ALL

"""Every notebook as slides, on a projector of 1280×720: nothing is cut off, and every picture has words."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from lab import Lab, chromium_or_skip, jupyterlab
from nbformat.v4 import new_markdown_cell, new_notebook

from course_utils.notebooks.command import FOLDER
from course_utils.notebooks.outputs import KERNELSPEC

pytestmark = pytest.mark.slow
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
HEIGHT, SLACK = 720, 1  # pixels: a layout rounds
LETTERS = "() => parseFloat(getComputedStyle(document.querySelector('.jp-MarkdownOutput p')).fontSize)"
SMALLEST = 32  # pixels: 24 points
PADDING = """() => { // around the cells of a slide: what they lose of the projector's height
    const { paddingTop, paddingBottom } = getComputedStyle(document.querySelector('.jp-Deck .jp-Notebook'));
    return parseFloat(paddingTop) + parseFloat(paddingBottom); }"""


@pytest.fixture(scope="module")
def too_much(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook with one slide that is too high, one that is too wide, and one that fits."""
    texts = {"high": "Words.\n\n" * 20, "wide": "| " + "wide " * 60 + "|\n|---|\n", "fits": "Words."}
    texts["wide"] = texts["wide"].replace(" wide", "\u00a0wide")
    slide = {"slideshow": {"slide_type": "slide"}}
    cells = [new_markdown_cell(text, id=name, metadata=slide) for name, text in texts.items()]
    path = tmp_path_factory.mktemp("planted") / "too_much.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC}), path)
    return path


@pytest.fixture(scope="module")
def lab(too_much: Path) -> Iterator[Lab]:
    first = too_much.with_name("first.ipynb")  # the others take its place, one after the other
    nbformat.write(
        new_notebook(cells=[new_markdown_cell("Words.")], metadata={"kernelspec": KERNELSPEC}), first
    )
    with jupyterlab([first, *NOTEBOOKS, too_much], chromium_or_skip(), height=HEIGHT) as running:
        running.open(first.name)
        yield running


def faults(lab: Lab, path: Path) -> dict[str, str]:
    """What is wrong with the slides of a notebook, by the id of the first cell on each."""
    lab.replace(path.name)
    slides, found = lab.slides(nbformat.read(path, as_version=4)), {}
    room = HEIGHT - lab.page.evaluate(PADDING)
    for first, cells in slides.items():
        over = {"down": sum(c["high"] for c in cells) - room, "across": max(c["across"] for c in cells)}
        wrong = [f"{pixels:.0f} pixels too much {way}" for way, pixels in over.items() if pixels > SLACK]
        wrong += ["a picture without words"] * (not all(words for c in cells for words in c["pictures"]))
        if wrong:
            found[first] = ", ".join(wrong)
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_slides_fit_and_every_picture_has_words(lab: Lab, path: Path):
    assert faults(lab, path) == {}


def test_a_slide_that_overflows_is_seen_and_letters_are_large(lab: Lab, too_much: Path):
    """Without the course's settings of JupyterLab letters are small, and whatever there is would fit."""
    assert set(faults(lab, too_much)) == {"high", "wide"}
    assert lab.page.evaluate(LETTERS) >= SMALLEST

"""A student's first minutes: JupyterLab in a real browser, a notebook run, a slider moved, slides shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from lab import PATIENCE, SECONDS, Lab, chromium_or_skip, jupyterlab
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator

from course_utils.notebooks import find
from course_utils.notebooks.outputs import KERNELSPEC

pytestmark = pytest.mark.slow
NOTEBOOK = find("02")  # it runs soon, and has more than one explorer
PLANTED = """
import ipywidgets
from IPython.display import HTML, display
out = ipywidgets.Output()
display(out, HTML('<img src="https://example.org/picture.png">'))
with out:
    raise KeyError("planted")
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook with an error inside a widget and a picture on another machine."""
    path = tmp_path_factory.mktemp("planted") / "faulty.ipynb"
    cells, metadata = [new_code_cell(PLANTED, id="planted")], {"kernelspec": KERNELSPEC}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path


@pytest.fixture(scope="module")
def lab(faulty: Path) -> Iterator[Lab]:
    with jupyterlab([NOTEBOOK, faulty], chromium_or_skip()) as running:
        yield running


@contextmanager
def photographed(lab: Lab, folder: Path) -> Iterator[None]:
    """Keep what the page looked like when something failed."""
    try:
        yield
    except BaseException:
        lab.page.screenshot(path=folder / "page.png")
        raise


def press(lab: Lab, explorer: str, slider: Locator, times: int = 3) -> bool:
    """Press an arrow key on a slider until the picture is another one; whether it became one."""
    before = lab.picture(explorer)
    slider.focus()
    for _ in range(times):
        full = slider.get_attribute("aria-valuenow") == slider.get_attribute("aria-valuemax")
        slider.press("ArrowLeft" if full else "ArrowRight")
        if lab.until(lambda: lab.picture(explorer) != before, patience=20):
            return True
    return False


def test_a_notebook_runs_and_its_sliders_move_its_pictures(lab: Lab, tmp_path: Path):
    with photographed(lab, tmp_path):
        lab.open(NOTEBOOK.name)
        lab.run_all()
        lab.page.wait_for_selector(".noUi-handle", timeout=PATIENCE * SECONDS)
        assert lab.until(lambda: len(lab.explorers()) > 1)
        for explorer in lab.explorers():
            said = lab.words(explorer)
            assert any(press(lab, explorer, slider) for slider in lab.sliders(explorer)), explorer
            assert lab.until(lambda: lab.words(explorer) not in ("", said)), explorer
        assert lab.errors() == []
        assert lab.strangers() == []


def test_the_first_screen_asks_nothing_and_nobody(lab: Lab, tmp_path: Path):
    """JupyterLab's news, its look for a newer version and its extensions from PyPI are off."""
    with photographed(lab, tmp_path):
        lab.open(NOTEBOOK.name)
        lab.page.wait_for_timeout(3 * SECONDS)  # the question came within one
        assert lab.page.locator(".Toastify__toast, .jp-Dialog").count() == 0
        asked = [url for url in lab.requests if "/lab/api/" in url]
        assert not [url for url in asked if any(word in url for word in ("news", "update", "extensions"))]
        plugins = lab.page.evaluate("() => window.jupyterapp.listPlugins()")
        assert "@jupyterlab/apputils-extension:notification" in plugins
        assert not [name for name in plugins if "announcements" in name or "extensionmanager" in name]
        assert lab.strangers() == []


def test_a_notebook_is_its_own_slide_show(lab: Lab, tmp_path: Path):
    with photographed(lab, tmp_path):
        lab.open(NOTEBOOK.name)
        cells = nbformat.read(NOTEBOOK, as_version=4).cells
        slides = [c.id for c in cells if c.metadata.slideshow.slide_type not in ("skip", "notes")]
        lab.page.locator(".jp-Cell").first.click()
        lab.page.keyboard.press("Escape")
        lab.page.get_by_title("Toggle Deck").click()
        for cell in slides:
            assert lab.until(lambda cell=cell: lab.deck()["active"] == cell and lab.deck()["on"])
            assert cell in lab.deck()["visible"]
            lab.page.keyboard.press("Space")
        lab.page.keyboard.press("Escape")
        assert lab.until(lambda: not lab.deck()["on"])
        assert lab.strangers() == []


def test_an_error_in_a_widget_and_a_request_to_elsewhere_are_seen(lab: Lab, faulty: Path, tmp_path: Path):
    with photographed(lab, tmp_path):
        lab.open(faulty.name)
        lab.run_all()
        assert lab.until(lambda: any("planted" in error for error in lab.errors()))
        assert lab.until(lambda: set(lab.strangers()) == {"https://example.org/picture.png"})

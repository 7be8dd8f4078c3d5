"""Refresh: what it stores, what it leaves out, what it refuses, and that nothing changes without a reason."""

import base64
import io
import os
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from course_utils import plots
from course_utils.notebooks import NotebookError, command, find, main, refresh
from course_utils.notebooks.comparison import SHARE, keep_stored, same_picture, same_text

LIVELY = {
    "setup": """
import io, os, sys
import ipywidgets
from course_utils.plots.output import html_image
from IPython.display import display
from PIL import Image
from tqdm.auto import tqdm

class Explorer:
    def _repr_mimebundle_(self, **kwargs):
        file = io.BytesIO()
        Image.new("L", (8, 8), 100).save(file, "png")
        view = ipywidgets.VBox([ipywidgets.IntSlider()])._repr_mimebundle_()
        return {**view, **html_image(file.getvalue(), "grey")}
""",
    "bar": "for _ in tqdm(range(3)):\n    pass",
    "explorer": "Explorer()",
    "output-widget": "out = ipywidgets.Output()\nwith out:\n    print('inside')\nout",
    "printed": "print('a', end='')\nprint('b')\nsys.stdout.flush()\nprint('c')\n1 + 1",
    "surroundings": "print(*(os.environ.get(n) for n in ('OMP_NUM_THREADS', 'COURSE_DEVICE')), "
    "os.path.basename(os.getcwd()), sys.executable == os.environ['TEST_PYTHON'])",
}


def notebook(path: Path, cells: dict[str, str], **metadata: object) -> Path:
    """Write a notebook that was never executed."""
    code = [new_code_cell(source, id=name, metadata={"tags": ["kept"]}) for name, source in cells.items()]
    head = new_markdown_cell("# Title", id="title")
    nbformat.write(new_notebook(cells=[head, *code], metadata=metadata), path)
    return path


def png(pixels: np.ndarray, note: str = "") -> str:
    info, file = PngInfo(), io.BytesIO()
    info.add_text("Software", note)
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG", pnginfo=info)
    return base64.b64encode(file.getvalue()).decode()


def image(picture: str, words: str, side: int = 8) -> dict[str, str]:
    """A PNG as a notebook stores it."""
    html = f'<img alt="{words}" width="{side}" height="{side}" src="data:image/png;base64,{picture}">'
    return {"text/html": html, "text/plain": words}


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list]]:
    """A notebook with everything that changes from run to run, refreshed once."""
    folder = tmp_path_factory.mktemp("lively")
    path = notebook(
        folder / "05_lively.ipynb", LIVELY, widgets={}, kernelspec={"name": "x", "display_name": "y"}
    )
    path.chmod(0o644)
    os.environ["TEST_PYTHON"] = sys.executable
    yield path, [refresh(path)]
    del os.environ["TEST_PYTHON"]


def outputs(path: Path) -> dict[str, list]:
    return {cell.id: cell.outputs for cell in nbformat.read(path, as_version=4).cells[1:]}


@pytest.mark.slow
def test_pictures_and_text_stay_and_widgets_go(lively):
    stored = outputs(lively[0])
    assert set(stored["explorer"][0].data) == {"text/html", "text/plain"}
    assert stored["bar"] == [] and stored["output-widget"] == []
    assert "widget" not in lively[0].read_text().replace("ipywidgets", "").replace("output-widget", "")

    printed, result = stored["printed"]
    assert printed.text == "ab\nc\n" and result.data == {"text/plain": "2"}


@pytest.mark.slow
def test_cells_are_numbered_and_keep_their_ids_and_tags_and_no_version_is_stored(lively):
    stored = nbformat.read(lively[0], as_version=4)
    cells, metadata = stored.cells, stored.metadata
    assert [cell.id for cell in cells] == ["title", *LIVELY]
    assert [cell.execution_count for cell in cells[1:]] == [1, 2, 3, 4, 5, 6]
    assert all(cell.metadata == {"tags": ["kept"]} for cell in cells[1:])
    assert metadata.kernelspec.name == "python3"
    assert "version" not in metadata.language_info and "widgets" not in metadata


@pytest.mark.slow
def test_kernels_are_this_python_with_one_thread_on_the_cpu_in_the_notebooks_folder(lively):
    text = outputs(lively[0])["surroundings"][0].text
    assert text.split() == ["1", "cpu", lively[0].parent.name, "True"]


@pytest.mark.slow
def test_the_file_keeps_its_mode_and_leaves_nothing_beside_it(lively):
    path, done = lively
    assert path.stat().st_mode & 0o777 == 0o644
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert done[0].changed and done[0].kilobytes == path.stat().st_size / 1000 and done[0].seconds > 0


@pytest.mark.slow
def test_a_second_refresh_changes_nothing_not_even_a_picture_with_another_note(lively, capsys):
    path = lively[0]
    stored = nbformat.read(path, as_version=4)
    cell = next(cell for cell in stored.cells if cell.id == "explorer")
    cell.outputs[0].data |= image(png(np.full((8, 8), 104), "of another version"), "grey", side=4)
    path.write_text(nbformat.writes(stored) + "\n")
    before, touched = path.read_bytes(), path.stat().st_mtime_ns
    assert main([str(path)]) == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, touched)
    assert "unchanged" in capsys.readouterr().out


@pytest.fixture
def quick(monkeypatch):
    """Execution without a kernel: every code cell prints 1, and a division fails."""

    def run(stored, folder: Path, *, name: str):
        fresh = deepcopy(stored)
        for cell in fresh.cells[1:]:
            if "/" in cell.source:
                raise NotebookError(f"{name}: ZeroDivisionError")
            cell.outputs = [new_output("stream", text="1\n")]
        return fresh

    monkeypatch.setattr(command, "execute", run)


def test_a_failure_leaves_the_file_and_the_command_goes_on(quick, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    faulty = notebook(tmp_path / "01_faulty.ipynb", {"faulty": "1 / 0"})
    fine = notebook(tmp_path / "02_fine.ipynb", {"fine": "print(1)"})
    broken = tmp_path / "03_broken.ipynb"
    broken.write_text("{")
    before = {path: path.read_bytes() for path in (faulty, fine, broken)}
    assert main([]) == 1
    assert [path for path in before if path.read_bytes() != before[path]] == [fine]
    report = capsys.readouterr()
    assert "3 notebooks" in report.out and "1 changed, 2 failed" in report.out
    assert "ZeroDivisionError" in report.err and "expected a valid notebook in 03_broken.ipynb" in report.err


def test_a_check_writes_nothing_and_fails_where_something_is_out_of_date(quick, tmp_path: Path):
    path = notebook(tmp_path / "05_sample.ipynb", {"fine": "print(1)"})
    before = path.read_bytes()
    assert main([str(path), "--check"]) == 1
    assert path.read_bytes() == before
    assert main([str(path)]) == 0
    assert main([str(path), "--check"]) == 0
    assert path.read_bytes() != before


def test_an_interrupted_write_leaves_the_old_file(quick, tmp_path: Path, monkeypatch):
    def interrupted(source: str, target: Path) -> None:
        raise KeyboardInterrupt

    path = notebook(tmp_path / "05_sample.ipynb", {"fine": "print(1)"})
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        refresh(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_what_somebody_saved_meanwhile_is_not_lost(quick, tmp_path: Path, monkeypatch):
    path = notebook(tmp_path / "05_sample.ipynb", {"fine": "print(1)"})
    run = command.execute

    def edited(stored, *args, **kwargs):
        notebook(path, {"fine": "print(1)", "new": "print('written while it ran')"})
        return run(stored, *args, **kwargs)

    monkeypatch.setattr(command, "execute", edited)
    with pytest.raises(NotebookError, match="05_sample.ipynb: saved by somebody else"):
        refresh(path)
    assert "written while it ran" in path.read_text() and list(tmp_path.iterdir()) == [path]


def test_notebooks_are_found_by_path_name_and_number(tmp_path: Path):
    path = notebook(tmp_path / "05_sample.ipynb", {})
    for name in (path, str(path), "05_sample", "05_sample.ipynb", "05", "5", 5):
        assert find(name, tmp_path) == path
    for name in ("06", "sample", "", "05_", "²"):
        with pytest.raises(ValueError, match=r"mark: expected .* \(05_sample\), got"):
            find(name, tmp_path, who="mark")
    notebook(tmp_path / "05_twin.ipynb", {})
    with pytest.raises(ValueError, match="05_sample, 05_twin"):
        find("05", tmp_path)


def test_the_command_refuses_an_unknown_name(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["no_such_notebook"])
    assert stopped.value.code == 2
    assert "expected the name or number of one notebook" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("MADE: best 63, 17.22 nats (stopped)", "MADE: best 63, 17.21 nats (stopped)", True),  # another CPU's
        ("0.235 ± 0.080 nats", "0.245 ± 0.080 nats", True),
        ("0.724 ± 0.033 below", "0.728 ± 0.034 below", True),
        ("over 20 images 5,426, 371 times", "over 20 images 5,425, 371 times", True),
        ("0.235 ± 0.080 nats", "0.305 ± 0.080 nats", True),
        ("0.235 ± 0.080 nats", "0.335 ± 0.080 nats", False),
        ("0.235 ± 0.080 nats", "0.235 ± 0.090 nats", False),
        ("by 1.053 ± 0.096 nats", "by 1.04 ± 0.10 nats", True),  # as many decimals as the error needs
        ("by 1.053 ± 0.096 nats", "by 1.05 ± 0.13 nats", False),
        ("17.22 nats", "17.42 nats", False),
        ("17.22 nats", "17.2 nats", False),
        ("17.22 nats", "-17.22 nats", False),
        ("64 of 64", "64 of 63", False),
        ("64 of 64", "64 of 64.", False),
        ("epoch 9", "epoch 10", False),
        ("p(x₁) of Conv2d", "p(x₂) of Conv2d", False),
        ("Conv2d(1, 16)", "Conv3d(1, 16)", False),
        ("right", "wrong", False),
        ("", "1", False),
    ],
)
def test_a_text_is_the_same_where_only_rounding_moved_its_numbers(one: str, other: str, same: bool):
    assert same_text(one, other) is same and same_text(other, one) is same


@cache
def drawn(shift: float = 0.0, label: str = "17.46 nats", image: float = 0.5, flip: bool = False) -> str:
    """A figure as the notebooks have them: a curve, a label, an image of pixels."""
    with plots.style():
        figure = Figure(figsize=(7, 4), dpi=100)
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        x = np.linspace(0, 1, 50)
        left.plot(x, np.sin(6 * x) + shift)
        left.text(0.5, 0.5, label)
        left.set_ylim(-1.5, 1.5)
        pixels = np.full((8, 32), image)
        pixels[2, 3] = 1 - flip
        right.imshow(pixels, vmin=0, vmax=1)
    file = io.BytesIO()
    figure.savefig(file)
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize(
    ("change", "same", "same_on_the_whole"),
    [
        ({}, True, True),
        ({"shift": 0.002}, True, True),  # a fifth of a pixel
        ({"image": 0.503}, True, True),
        ({"flip": True}, False, True),  # a sampled pixel that fell the other way
        ({"shift": 0.03}, False, True),  # a curve that moved by its width
        ({"label": "17.46 bits"}, False, True),
        ({"image": 0.6}, False, False),
        ({"shift": 0.1}, False, False),
    ],
)
def test_a_picture_is_the_same_up_to_what_an_eye_sees(change: dict, same: bool, same_on_the_whole: bool):
    assert same_picture(drawn(), drawn(**change)) is same
    assert same_picture(drawn(), drawn(**change), share=SHARE["trained"]) is same_on_the_whole


def test_what_is_the_same_is_kept_by_cell():
    grey, near, far = (png(np.full((5, 4), level)) for level in (100, 101, 200))

    def cells(**pictures: str):
        shown = {
            name: new_output("display_data", image(data, "12 images")) for name, data in pictures.items()
        }
        return new_notebook(cells=[new_code_cell(id=name, outputs=[o]) for name, o in shown.items()])

    new = cells(moved=near, changed=far, added=near)
    keep_stored(new, cells(changed=grey, moved=grey))
    assert [cell.outputs[0].data for cell in new.cells] == [image(p, "12 images") for p in (grey, far, near)]


@pytest.mark.parametrize(
    ("words", "tags", "kept"),
    [
        ("A curve: from 17.2 to 30", [], True),
        ("A curve: to 17.2 from 30", [], False),
        ("A curve: to 17.2 from 30", ["trained"], False),
        ("A curve: to 17.2 from 30", ["chance"], True),  # what it is, is the same; what is seen is chance
        ("A line: from 17.4 to 31", ["chance"], False),
    ],
)
def test_a_picture_that_looks_the_same_is_kept_unless_its_words_changed(words: str, tags: list, kept: bool):
    """Numbers in its words follow the curves: how far they moved, one sees."""
    before, after = image(drawn(), "A curve: from 17.4 to 31"), image(drawn(image=0.503), words)
    shown = (new_output("display_data", dict(data)) for data in (before, after))
    cells = (new_code_cell(id="a", outputs=[one], metadata={"tags": tags}) for one in shown)
    old, new = (new_notebook(cells=[cell]) for cell in cells)
    keep_stored(new, old)
    assert new.cells[0].outputs[0].data == (before if kept else after)


def test_texts_are_kept_and_the_tag_trained_is_heeded():
    def cell(text: str, result: str, picture: str, *tags: str):
        shown = (image(picture, "A curve"), {"text/plain": result})
        outputs = [new_output("stream", text=text), *(new_output("display_data", data) for data in shown)]
        return new_notebook(cells=[new_code_cell(id="a", outputs=outputs, metadata={"tags": [*tags]})])

    before, after = ("1.001 nats\n", "KL 2.000", drawn()), ("1.002 nats\n", "KL 2.001", drawn(flip=True))
    for tags, picture in (((), after[2]), (("trained",), before[2]), (("exercise", "chance"), before[2])):
        new = cell(*after, *tags)
        keep_stored(new, cell(*before))
        printed, shown, said = new.cells[0].outputs
        assert (printed.text, said.data["text/plain"]) == before[:2]
        assert shown.data == image(picture, "A curve")
    new = cell("1.1 nats\n", "TV 2.000", drawn())
    keep_stored(new, cell(*before))
    assert new.cells[0].outputs[0].text == "1.1 nats\n" and "TV" in new.cells[0].outputs[2].data["text/plain"]


def test_where_chance_decides_only_words_count():
    one, other = "best 15, off by -2.598 of 100\n", "best 9, off by +0.037 of  100\n"
    assert same_text(one, other, chance=True) and not same_text(one, other)
    assert not same_text(one, other.replace("best", "last"), chance=True)


def test_pictures_of_other_sizes_differ():
    assert not same_picture(png(np.zeros((5, 4))), png(np.zeros((4, 5))), share=1.0)
    assert not same_picture(png(np.zeros((1, 1))), png(np.zeros((4, 5))))

"""Running a notebook: what is refused, by which cell, and that no reply of a kernel is overlooked."""

import asyncio
from math import inf
from pathlib import Path
from queue import Empty

import nbformat
import pytest
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.notebooks import NotebookError, execute, execution


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import warnings\nwarnings.warn('beware')", "printed to stderr: .*beware"),
        ("import ipywidgets\nwith ipywidgets.Output():\n    1 / 0", "ZeroDivisionError"),
        ("import time\ntime.sleep(600)", "not done after 5 s"),
    ],
    ids=["error", "warning", "Output widget", "timeout"],
)
def test_a_notebook_that_is_not_clean_is_refused_by_cell(source: str, reason: str, tmp_path: Path):
    cells = [new_code_cell("print(1)", id="fine"), new_code_cell(source, id="faulty")]
    with pytest.raises(NotebookError, match=rf"05\.ipynb, cell 1 \(faulty\): (?s:.*){reason}"):
        execute(new_notebook(cells=cells), tmp_path, name="05.ipynb", timeout=5 if "sleep" in source else 600)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DeadKernelError("Kernel died"), "the kernel died"),
        (nbformat.ValidationError("9" * 1000), "an output breaks the format: 9{300}$"),
    ],
)
def test_a_death_and_a_broken_output_are_told_in_a_line(error: Exception, reason: str, tmp_path, monkeypatch):
    def execute_badly(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(execution.NotebookClient, "execute", execute_badly)
    with pytest.raises(NotebookError, match=f"^05.ipynb: {reason}"):
        execute(new_notebook(), tmp_path, name="05.ipynb")


def test_a_reply_that_came_unnoticed_is_found(monkeypatch):
    class Socket:
        """Never wakes up, but answers when asked again."""

        asked = 0

        async def poll(self, milliseconds: int) -> bool:
            self.asked += 1
            assert milliseconds <= 1000
            return self.asked > 2

    channel = object.__new__(execution.WakefulChannel)
    channel.socket = Socket()
    monkeypatch.setattr(channel, "_recv", lambda: asyncio.sleep(0, {"the": "reply"}))
    assert asyncio.run(channel.get_msg(timeout=None)) == {"the": "reply"}
    channel.socket.asked = -inf
    with pytest.raises(Empty):
        asyncio.run(channel.get_msg(timeout=0.01))

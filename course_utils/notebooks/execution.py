"""Run a notebook from its first cell to its last in a fresh kernel, and stop at whatever is not clean.

The kernel gets one CPU thread and the CPU as device, whatever the machine has: then the stored numbers can
be made again anywhere, and they are those of the tests, which also use one thread. A student's own run uses
every thread and the best device; its numbers agree with the stored ones to a few digits.
"""

import copy
import os
import tempfile
from math import inf
from pathlib import Path
from queue import Empty
from time import monotonic

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, ValidationError
from traitlets import Type

from course_utils.notebooks.outputs import clean, plain, troubles

CELL_TIMEOUT = 600  # seconds of a clock on the wall, so generous: the machine may be busy
MOMENT = 0.2
KERNEL_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "COURSE_DEVICE": "cpu",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


class NotebookError(RuntimeError):
    """A notebook did not run as it must: the message names the file, the cell and the reason."""


class WakefulChannel(AsyncZMQSocketChannel):
    """A channel on which a message that came unnoticed is found a moment later.

    For an Output widget nbclient writes to it while it waits for the cell's reply on it, the news of which
    may get lost (github.com/jupyter/nbclient/issues/312); a plain channel then waits until the timeout.
    """

    async def get_msg(self, timeout: float | None = None) -> dict:
        """The next message; raises Empty if none comes within the timeout in seconds."""
        end = inf if timeout is None else monotonic() + timeout
        while not await self.socket.poll(round(1000 * max(0.0, min(MOMENT, end - monotonic())))):
            if monotonic() >= end:
                raise Empty
        return await self._recv()


class Client(AsyncKernelClient):
    """A client whose replies are not overlooked."""

    shell_channel_class = Type(WakefulChannel)


def execute(
    notebook: NotebookNode, folder: Path, *, name: str = "notebook", timeout: int = CELL_TIMEOUT
) -> NotebookNode:
    """A copy of the notebook, executed in this folder by a fresh kernel of this very Python, and cleaned.

    Errors call it ``name``; a cell is given up after ``timeout`` seconds.

    Raises:
        NotebookError: a cell failed, ran too long or printed to stderr, the kernel died, or an Output
            widget holds an error.
    """
    fresh, own = copy.deepcopy(notebook), KernelSpecManager(kernel_dirs=[])  # none that a user registered
    kernels = AsyncKernelManager(kernel_spec_manager=own, client_factory=Client, transport_encryption="auto")
    client = NotebookClient(
        fresh,
        km=kernels,
        resources={"metadata": {"path": str(folder)}},
        timeout=timeout,
        record_timing=False,
        coalesce_streams=True,
        force_raise_errors=True,
        skip_cells_with_tag="",
    )
    place = name

    def start(cell: NotebookNode, cell_index: int) -> None:
        nonlocal place
        place = f"{name}, cell {cell_index} ({cell.get('id', 'without id')})"

    def inspect(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        if execute_reply["content"]["status"] != "ok":
            return  # nbclient is about to raise, with the traceback
        inside = [output for state in client.widget_state.values() for output in state.get("outputs", [])]
        for trouble in troubles([*cell.outputs, *inside]):
            raise NotebookError(f"{place}: {trouble}")

    client.on_cell_start, client.on_cell_executed = start, inspect
    with tempfile.TemporaryDirectory() as profile:  # the settings of whoever runs this do not count
        environment = {**os.environ, **KERNEL_ENVIRONMENT, "IPYTHONDIR": profile}
        try:
            client.execute(env=environment, cleanup_kc=True)
        except CellExecutionError as error:
            raise NotebookError(f"{place}: {plain(error.traceback)}") from None
        except CellTimeoutError:
            raise NotebookError(f"{place}: not done after {timeout} s") from None
        except DeadKernelError:
            raise NotebookError(f"{place}: the kernel died") from None
        except ValidationError as error:
            raise NotebookError(f"{place}: an output breaks the format: {error.message[:300]}") from None
    clean(fresh)
    return fresh

"""How long a student waits before the first cell is done: the start of the kernel, then the imports.

    python tests/benchmarks/notebook_start.py [NAMES…] [--times 3]

prints, for each notebook, the medians in seconds: until a fresh kernel answers, until its first code cell
(the imports) has run, and both together. Kernels get every thread, as a student's do.
"""

import argparse
import os
import statistics
import time
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from course_utils.notebooks import find
from course_utils.notebooks.command import FOLDER

PATIENCE = 120


def imports(notebook: Path) -> str:
    """The source of the first code cell."""
    cells = nbformat.read(notebook, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


def start(source: str, folder: Path) -> tuple[float, float]:
    """Seconds until a fresh kernel is ready, and from then until it has run the source.

    Raises:
        RuntimeError: the source fails.
    """
    begin = time.perf_counter()
    manager = KernelManager(
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]), transport_encryption="auto"
    )
    manager.start_kernel(cwd=str(folder), env={**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"})
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE)
        ready = time.perf_counter()
        reply = client.execute(source, reply=True, timeout=PATIENCE)["content"]
        done = time.perf_counter()
        if reply["status"] != "ok":
            raise RuntimeError(f"the first cell fails: {reply.get('ename')}: {reply.get('evalue')}")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return ready - begin, done - ready


def main() -> None:
    """Measure the notebooks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", help="paths, names or numbers; none: every notebook")
    parser.add_argument("--times", type=int, default=3, help="fresh kernels for each notebook")
    arguments = parser.parse_args()
    notebooks = [find(name) for name in arguments.names] or sorted(FOLDER.glob("*.ipynb"))
    print(f"{'notebook':<36} {'kernel':>7} {'imports':>8} {'both':>7}   (s, median of {arguments.times})")
    for notebook in notebooks:
        taken = [start(imports(notebook), notebook.parent) for _ in range(arguments.times)]
        kernel, first = (statistics.median(column) for column in zip(*taken, strict=True))
        both = statistics.median(sum(pair) for pair in taken)
        print(f"{notebook.stem:<36} {kernel:7.2f} {first:8.2f} {both:7.2f}", flush=True)


if __name__ == "__main__":
    main()

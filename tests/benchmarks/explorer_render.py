"""How long the pictures of the explorers take, from values to PNG bytes: one thread, no browser.

Run: python tests/benchmarks/explorer_render.py
"""

import sys
import time
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from explorer_inputs import INPUTS, shown

from course_utils.explorers.engine.controls import extremes

REPEATS = 60


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'explorer':<28}{'median ms':>10}{'CPU ms':>8}{'kB live':>9}{'kB stored':>11}")
    for name, build in shown().items():
        explorer = build(*INPUTS.get(name, tuple)())
        values = cycle({key: end} for key, widget in explorer.controls.items() for end in extremes(widget))
        walls, cpus, picture = [], [], b""
        for value in islice(values, REPEATS):
            wall, cpu = time.perf_counter(), time.process_time()
            picture = explorer.picture(**value)
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        sizes = len(picture) / 1000, len(explorer.stored()) / 1000
        print(
            f"{name:<28}{1e3 * median(walls):>10.1f}{1e3 * median(cpus):>8.1f}"
            f"{sizes[0]:>9.1f}{sizes[1]:>11.1f}"
        )


if __name__ == "__main__":
    main()

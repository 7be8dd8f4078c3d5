"""Do the systems of notebook 20 lead? Three seeds of each, and how far below a rival of the tree it is.

The rival is trained once, by the scoreboard's settings as all are; differences are those of the same images.

Run: python tests/benchmarks/younger.py [NAMES…] [--seeds 3]
"""

import argparse
import time

import torch

from course_utils.datasets import digits
from course_utils.divergences import mean
from course_utils.evaluation import bits_per_dim, paired_difference
from course_utils.evaluation.results import BINARY, GREY, LEVELS
from course_utils.scoreboard.digits import KINDS, costs
from course_utils.scoreboard.scores import learned
from course_utils.scoreboard.universes import dequantised

RIVALS = {
    ("AnyOrder", BINARY): "MADE, 8 orders",
    ("FlowMatching", GREY): "Glow",
    ("SplineFlow", GREY): "Glow",
    ("VQVAE", GREY): "VAE",
}


def cost(name: str, data: str, seed: int = 0) -> torch.Tensor:
    """What each test image costs a model trained from this seed, in the unit of the set."""
    model, _ = learned(name, data, seed)
    spread = dequantised(model)
    x = digits("unit" if spread else KINDS[data]).test.x
    nats = next(iter(costs(model, x).values()))[0]
    return nats if data == BINARY else bits_per_dim(-nats, 64, LEVELS if spread else 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for (name, data), rival in RIVALS.items():
        if given.names and name not in given.names:
            continue
        other = cost(rival, data)
        print(f"{data}: {rival} {mean(other)}", flush=True)
        for seed in range(given.seeds):
            started = time.process_time()
            own = cost(name, data, seed)
            seconds = time.process_time() - started
            gap = paired_difference(other, own)
            print(f"  {name}, seed {seed}: {mean(own)}; {gap} below {rival}; {seconds:.0f} CPU s", flush=True)


if __name__ == "__main__":
    main()

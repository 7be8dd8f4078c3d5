"""MADE on the static binarisation of MNIST: held-out nats after so many seconds of training.

Needs COURSE_DATA to name a folder that holds BinarizedMNIST/binarized_mnist.npz.
Run: python tests/benchmarks/made_mnist.py [SECONDS] [MASKS] [EPOCHS]   (default: 300 1 100)
"""

import sys
import time

import torch

from course_utils.datasets import binarized_mnist
from course_utils.evaluation import held_out
from course_utils.models import MADE
from course_utils.models.ensemble import OrderEnsemble
from course_utils.runtime import set_seed
from course_utils.training import fit

SETTINGS = {"lr": 1e-3, "batch_size": 100, "weight_decay": 0.1, "average": 0.9995}


def main() -> None:
    given = [int(argument) for argument in sys.argv[1:]]
    seconds, masks, epochs = given + [300, 1, 100][len(given) :]
    data = binarized_mnist()
    set_seed(0)
    model = MADE((1, 28, 28), hidden=(1000,), masks=masks)
    started, cpu = time.perf_counter(), time.process_time()
    ensemble, valid = OrderEnsemble(model.members()), data.valid.x[:2000]
    settings = SETTINGS | {"epochs": epochs, "seconds": seconds, "device": "cpu"}
    history = fit(ensemble, data.train.x, valid=valid, **settings)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(history)
    score = held_out(ensemble, data.test.x)
    print(
        f"{torch.get_num_threads()} threads, {wall:.0f} s ({cpu:.0f} s of CPU): {score} nats on 10,000 tests"
    )


if __name__ == "__main__":
    main()

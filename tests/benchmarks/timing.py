"""Calls timed side by side, so that a machine that slows down slows all of them."""

import time
from collections.abc import Callable
from statistics import median


def side_by_side(calls: dict[str, Callable[[], object]], rounds: int = 15) -> dict[str, float]:
    """The median CPU seconds of each call, over rounds in which every one has its turn; one warms up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(time.process_time() - start)
    return {name: median(taken[1:]) for name, taken in times.items()}


def report(seconds: dict[str, float]) -> None:
    """Print each call's time, and its ratio to the first one's."""
    first = next(iter(seconds.values()))
    for name, taken in seconds.items():
        print(f"{name:40} {1e3 * taken:9.1f} ms, ratio {taken / first:.2f}")

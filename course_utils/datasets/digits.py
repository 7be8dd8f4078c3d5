"""The bundled digits: 1,797 real 8×8 images with 17 grey levels, no download."""

import numpy as np
import torch

from course_utils.datasets.images import Splits, check_kind, make_splits

LEVELS = 17
HELD_OUT = 300
SOURCE = "scikit-learn's load_digits (UCI Optical Recognition of Handwritten Digits, Alpaydin & Kaynak)"


def digits(kind: str = "binary", *, seed: int = 0) -> Splits:
    """Real handwritten digits, 1×8×8, split 1197/300/300 once and for ever.

    The split is stratified by class and the same on every machine (see ``split``). Order within a split is
    mixed, so that any prefix is a fair sample.

    Args:
        kind: "binary" (grey ≥ 8 of 16), "levels" (k/16), "unit" ((v + u)/17, dequantised) or
            "stochastic" (Bernoulli(v/16)).
        seed: of the noise of "unit" and "stochastic"; it never touches the split.

    Raises:
        ValueError: kind or seed is none of the choices.

    >>> data = digits()
    >>> [len(part) for part in data]
    [1197, 300, 300]
    >>> x, y = data.train
    >>> x.shape, x.unique().tolist()
    (torch.Size([1197, 1, 8, 8]), [0.0, 1.0])
    """
    generator = check_kind(kind, seed, "digits")
    from sklearn.datasets import load_digits  # costs a second: only who asks for digits pays

    pixels, target = load_digits(return_X_y=True)
    grey, label = torch.from_numpy(pixels).to(torch.uint8).reshape(-1, 1, 8, 8), torch.from_numpy(target)
    parts = tuple((grey[rows], label[rows]) for rows in map(torch.from_numpy, split(target)))
    return make_splits(parts, "digits", SOURCE, kind, LEVELS, generator)


def split(y: np.ndarray, held_out: int = HELD_OUT) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows of train, valid and test, stratified by the labels y, with ``held_out`` rows in the last two.

    Row i of N gets the outputs i and N + i of SplitMix64 as two keys. By ascending first key, q_c rows of
    class c are test, the next q_c valid, the rest train; the quotas q_c share out ``held_out`` in
    proportion to the classes, by largest remainders. Within a split, rows follow the second key.
    """
    pick, mix = split_mix(2 * len(y)).reshape(2, -1)
    order = np.argsort(pick, kind="stable")
    rank = np.empty(len(y), dtype=np.int64)  # of a row among those of its class, in this order
    by_class = order[np.argsort(y[order], kind="stable")]
    sizes = np.bincount(y)
    rank[by_class] = np.arange(len(y)) - np.repeat(np.cumsum(sizes) - sizes, sizes)

    exact = held_out * sizes / len(y)
    quota = np.floor(exact).astype(np.int64)
    left = held_out - quota.sum()
    quota[np.argsort(quota - exact, kind="stable")[:left]] += 1

    mixed = np.argsort(mix, kind="stable")
    rank, quota = rank[mixed], quota[y[mixed]]
    is_test, is_train = rank < quota, rank >= 2 * quota
    return mixed[is_train], mixed[~is_test & ~is_train], mixed[is_test]


def split_mix(n: int) -> np.ndarray:
    """The first n outputs of SplitMix64 from state 0 (Steele, Lea & Flood 2014), in integer arithmetic.

    >>> hex(split_mix(1)[0])
    '0xe220a8397b1dcdaf'
    """
    z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))

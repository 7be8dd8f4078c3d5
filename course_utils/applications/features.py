"""Features: what a model of p(x) makes of images, judged by how few labels a linear classifier then needs."""

import warnings

import numpy as np
import torch
from torch import Tensor

from course_utils.checks import check_count, check_number, check_seed, described
from course_utils.runtime import as_double

PENALTY, STEPS = 0.01, 300


def label_draws(y: Tensor, labels: int, draws: int = 10, *, seed: int = 0) -> Tensor:
    """Which images get a label: the same number of each class, class by class, drawn anew in every row.

    Of images of classes y ``(N,)``, their numbers ``(draws, labels)``.

    Raises:
        ValueError: y is no vector of classes, labels no multiple of their number, or a class has too few.

    >>> y = torch.tensor([0, 1, 0, 1, 1])
    >>> y[label_draws(y, 4, draws=2)].tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    who = "label_draws"
    classes, counts = check_labels(y, who).unique(return_counts=True)
    check_count(draws, f"{who}: draws")
    each, rest = divmod(check_count(labels, f"{who}: labels"), len(classes))
    if rest or each > counts.min():
        most = f"a multiple of {len(classes)}, at most {len(classes) * int(counts.min())}"
        raise ValueError(f"{who}: expected labels as {most}, got {labels}")
    generator = torch.Generator().manual_seed(check_seed(seed, who))
    rows = [(y == k).nonzero()[:, 0] for k in classes]
    picks = [[r[torch.randperm(len(r), generator=generator)[:each]] for r in rows] for _ in range(draws)]
    return torch.stack([torch.cat(pick) for pick in picks])


def read(features: Tensor, y: Tensor, rows: Tensor, *, penalty: float = PENALTY) -> Tensor:
    """The classes ``(N,)`` that logistic regression gives to all images, once it has seen those of some.

        min over W, b of   Σ over labelled i of −log softmax(W f_i + b)_{y_i}  +  penalty · s²/2 · ‖W‖²,

    where s² is the mean squared length of the centred features of *all* images, which takes no label: to
    multiply features by a number changes nothing, and one penalty serves them all. Nor does a rotation
    change anything. So the features are rotated into the span of the labelled ones, outside of which the best
    W is zero, and there are as many unknowns as labels however many features there are.

    Args:
        features: of all images, ``(N, K)``, finite.
        y: the class of each, ``(N,)``, of which only those of ``rows`` are looked at.
        rows: which images are labelled, ``(n,)``.
        penalty: for large weights.

    Raises:
        ValueError: there is no row, feature or class for each image, or the rows have one class alone.

    >>> f = torch.tensor([[0.0, 1.0], [0.0, 3.0], [0.0, 5.0], [0.0, 7.0]])
    >>> read(f, torch.tensor([0, 0, 1, 1]), torch.tensor([0, 3])).tolist()
    [0, 0, 1, 1]
    """
    f = scaled(check_features(features, y, "read"))
    check_number(penalty, "read: penalty", low=1e-9)
    if rows.dim() != 1 or len(y[rows].unique()) < 2:
        raise ValueError(f"read: expected rows (n,) of two classes or more, got {tuple(rows.shape)}")
    return read_scaled(f, y[rows], rows, penalty)


def scaled(f: Tensor) -> Tensor:
    """Features ``(N, K)``, centred, and divided by one number so that their mean squared length is 1."""
    f = f - f.mean(0)
    return f / f.square().sum(1).mean().sqrt().clamp_min(1e-12)


def read_scaled(f: Tensor, known: Tensor, rows: Tensor, penalty: float = PENALTY) -> Tensor:
    """As ``read``, with features that are ``scaled`` already and only the classes of the labelled rows."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    span = torch.linalg.qr(f[rows].T)[0]
    f = f @ span
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what is left after 300 steps changes no class
        model = LogisticRegression(C=1 / penalty, max_iter=STEPS).fit(f[rows].numpy(), known.numpy())
    return torch.from_numpy(np.asarray(model.predict(f.numpy())))


def accuracies(
    features: Tensor, y: Tensor, draws: Tensor, test: Tensor, *, penalty: float = PENALTY
) -> Tensor:
    """The share of test images that are read right, in percent, after each draw of labels: ``(draws,)``.

    Args:
        features, y, penalty: as ``read`` has them.
        draws: from ``label_draws``, ``(draws, n)``.
        test: rows of the images that are asked for, none of them labelled.

    Raises:
        ValueError: a row is in a draw and in the test, or ``read`` complains.

    >>> y = torch.arange(40) % 2
    >>> f = torch.stack([y.double(), torch.zeros(40)], 1)
    >>> accuracies(f, y, label_draws(y[:20], 2, draws=3), torch.arange(20, 40)).tolist()
    [100.0, 100.0, 100.0]
    """
    if draws.dim() != 2 or bool(torch.isin(draws, test).any()):
        got = f"draws {tuple(draws.shape)}" if draws.dim() != 2 else "test images that are in a draw"
        raise ValueError(f"accuracies: expected draws (draws, n) and a test of other images, got {got}")
    check_number(penalty, "accuracies: penalty", low=1e-9)
    f, shares = scaled(check_features(features, y, "accuracies")), []
    for rows in draws:
        both = torch.cat([rows, test])  # the other images have done their part: the scale
        read = read_scaled(f[both], y[rows], torch.arange(len(rows)), penalty)[len(rows) :]
        shares.append(100 * (read == y[test]).double().mean())
    return torch.stack(shares)


def check_labels(y: object, who: str) -> Tensor:
    """Return a vector of classes; else raise a ValueError."""
    if not isinstance(y, Tensor) or y.dim() != 1 or y.dtype != torch.int64 or len(y) == 0:
        raise ValueError(f"{who}: expected classes y as an int64 tensor (N,), got {described(y)}")
    return y


def check_features(features: object, y: object, who: str) -> Tensor:
    """Return finite features in float64, a row for each class in y; else raise a ValueError."""
    n = len(check_labels(y, who))
    if not isinstance(features, Tensor) or features.dim() != 2 or len(features) != n:
        raise ValueError(f"{who}: expected features as a tensor ({n}, K), got {described(features)}")
    if not bool(features.isfinite().all()):
        raise ValueError(f"{who}: expected finite features, got one that is not")
    return as_double(features.detach())

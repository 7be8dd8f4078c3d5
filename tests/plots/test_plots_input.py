from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
import torch
from test_plots import P, Q, X, gaussian

from course_utils import plots

NAN = float("nan")


def history(train, valid, best):
    plots.history(SimpleNamespace(train=train, valid=valid, best_epoch=best))


BAD = {
    "images of one dimension": (lambda: plots.images(torch.rand(8)), r"\(N, C, H, W\) or .*\(8,\)"),
    "no images": (lambda: plots.images(torch.rand(0, 1, 8, 8)), r"got shape \(0, 1, 8, 8\)"),
    "two channels": (lambda: plots.images(torch.rand(2, 2, 8, 8)), "1 channel .* or 3 .*, got 2"),
    "values above 1": (lambda: plots.images(2 * torch.ones(1, 8, 8)), r"in \[0, 1\], got \[2, 2\]"),
    "values below 0": (lambda: plots.images(-torch.ones(1, 8, 8)), r"in \[0, 1\], got \[-1, -1\]"),
    "NaN": (lambda: plots.images(torch.full((1, 8, 8), NAN)), "images: expected numbers, got NaN"),
    "a text": (lambda: plots.images("digits"), "images: expected a tensor .* got str"),
    "ragged lists": (lambda: plots.points([[1, 2], [3]]), "points: expected numbers of shape"),
    "too few labels": (lambda: plots.images(torch.rand(3, 8, 8), labels=["a"]), "3 labels, .*, got 1"),
    "no columns": (lambda: plots.images(torch.rand(3, 8, 8), columns=0), "columns as a positive .*, got 0"),
    "labels in space": (lambda: plots.labelled(torch.rand(5, 3), torch.arange(5)), r"labelled: .*\(n, 2\)"),
    "a label too few": (lambda: plots.labelled(torch.rand(5, 2), torch.arange(4)), r"labelled: .*n labels"),
    "half a label": (lambda: plots.labelled(torch.rand(2, 2), torch.tensor([0, 0.5])), "labelled: .*whole"),
    "points in space": (lambda: plots.points(torch.rand(5, 3)), r"points: .*\(n, 2\), got shape \(5, 3\)"),
    "no extent": (lambda: plots.density(gaussian, (1, 0, 0, 1)), "density: expected extent"),
    "a scalar density": (lambda: plots.density(lambda z: z.sum(), (0, 1, 0, 1)), "density: .* from log_prob"),
    "a short density": (lambda: plots.density(lambda z: z[:3, 0], (0, 1, 0, 1)), r"\(25600,\), got \(3,\)"),
    "density NaN": (lambda: plots.density(lambda z: z[:, 0] * NAN, (0, 1, 0, 1)), "density: .* got NaN"),
    "unequal histories": (lambda: history([1.0], [1.0, 2.0], 1), "history"),
    "an empty history": (lambda: history([], [], 0), "history: .*epochs"),
    "no such epoch": (lambda: history([1.0], [1.0], 2), r"\[1, 1\], got 2"),
    "no distributions": (lambda: plots.distributions({}), "distributions: expected 1 to 7 curves, got 0"),
    "lengths": (lambda: plots.distributions({"p": P, "q": Q[:2]}), "3 values of each curve, got 2 of q"),
    "negative": (lambda: plots.distributions({"p": P, "q": -Q}), "values ≥ 0 of q, got -0.2"),
    "infinite": (lambda: plots.distributions({"p": P, "q": Q / 0}), "values ≥ 0 of q, got inf"),
    "a short grid": (lambda: plots.distributions({"p": P}, grid=X), "grid of 3 places, got 50"),
    "no lines": (lambda: plots.lines(X, {}, "x", "y"), "lines: expected 1 to 7 curves, got 0"),
    "eight lines": (lambda: plots.lines(X, {c: X for c in "abcdefgh"}, "x", "y"), "1 to 7 curves, got 8"),
    "a short line": (lambda: plots.lines(X, {"a": X[:3]}, "x", "y"), "50 values of each curve, got 3 of a"),
    "scale of lines": (lambda: plots.lines(X, {"a": X}, "x", "y", scale="up"), "'linear' or 'log', got 'up'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_clear_error_and_leaves_no_figure(name):
    call, message = BAD[name]
    before = plt.get_fignums()
    with pytest.raises(ValueError, match=message):
        call()
    assert plt.get_fignums() == before

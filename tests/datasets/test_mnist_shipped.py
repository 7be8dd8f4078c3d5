"""The test images that come with the course are those of the sets, and a damaged file is named."""

import numpy as np
import pytest
import torch

from course_utils.datasets import DatasetUnavailable, binarized_mnist, mnist, mnist_shipped
from course_utils.datasets.mnist_shipped import PLACE, pack


@pytest.mark.slow
def test_they_are_the_test_images_of_the_sets(tmp_path):
    try:
        static, grey = binarized_mnist().test, mnist("levels").test
    except DatasetUnavailable:
        pytest.skip("COURSE_DATA names no folder that holds MNIST and BinarizedMNIST")
    for kind, whole in (("static", static), ("levels", grey)):
        for place in (PLACE, pack(tmp_path / "again.npz")):
            x, y = mnist_shipped(kind, path=place)
            assert torch.equal(x, whole.x[: len(x)]) and torch.equal(y, whole.y[: len(y)])


def test_values_and_digits():
    for kind, n in (("static", 10_000), ("levels", 1_000)):
        x, y = mnist_shipped(kind)
        assert x.shape == (n, 1, 28, 28) and x.dtype == torch.float32 and y.dtype == torch.int64
        assert set(y.tolist()) == set(range(10)) and 0.08 < x.mean() < 0.18
    assert torch.equal((x * 255).round() / 255, x) and len(x.unique()) > 200


@pytest.mark.parametrize("kind", ["unit", "binary", "", None, 1, ["static"]])
def test_another_kind_is_refused(kind):
    with pytest.raises(ValueError, match="mnist_shipped: expected kind as one of static, levels, got"):
        mnist_shipped(kind)


@pytest.mark.parametrize(
    "spoil", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"PK" + b[2:90], None]
)
def test_a_damaged_file_is_named_with_a_way_out(tmp_path, spoil):
    path = tmp_path / "mnist.npz"
    if spoil:
        path.write_bytes(spoil(PLACE.read_bytes()))
    with pytest.raises(ValueError, match=r"mnist\.npz is (damaged|missing).*git checkout"):
        mnist_shipped(path=path)


def test_a_file_of_other_arrays_is_named(tmp_path):
    np.savez(tmp_path / "other.npz", static=np.zeros((2, 97), np.uint8), static_y=np.zeros(2, np.uint8))
    with pytest.raises(ValueError, match=r"other\.npz is damaged"):
        mnist_shipped(path=tmp_path / "other.npz")

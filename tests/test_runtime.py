"""Where things run and from which seed: devices that are here, the cores that are lent, every generator."""

import random

import numpy as np
import pytest
import torch

from course_utils import runtime


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(("started", "cores", "kept"), [(8, 1, 1), (1, 1, 1), (1, 64, 1)])
def test_torch_keeps_to_the_cores_that_are_lent(started, cores, kept, threads, monkeypatch):
    monkeypatch.setattr("joblib.cpu_count", lambda: cores)
    threads(started)
    assert runtime.device("cpu") == torch.device("cpu")
    assert torch.get_num_threads() == kept


def test_device_falls_back_with_one_line_and_unknown_names_are_refused(capsys, monkeypatch):
    monkeypatch.setattr(runtime, "works", lambda kind: kind == "cpu")
    assert runtime.device("cuda").type == "cpu"
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "cuda is not available" in said and "CPU" in said
    monkeypatch.setenv("COURSE_DEVICE", "mps")
    assert runtime.device().type == "cpu" and "mps" in capsys.readouterr().out
    monkeypatch.delenv("COURSE_DEVICE")
    assert runtime.device().type == "cpu" and capsys.readouterr().out == ""
    for bad in ("gpu", "cuda:x", "meta", "xla"):
        with pytest.raises(ValueError, match="cuda, mps, cpu"):
            runtime.device(bad)


def test_one_seed_sets_every_generator():
    def draw(seed):
        runtime.set_seed(seed)
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draw(5) == draw(5)
    assert all(a != b for a, b in zip(draw(5), draw(6), strict=True))

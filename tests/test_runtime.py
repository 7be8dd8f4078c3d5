"""Threads: no more than the cores that this process may use, and never more than there were."""

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

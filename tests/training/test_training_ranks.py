"""Two processes that train one model, on the CPU, as ``torchrun`` would start them."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import training_ranks
from training_models import same

from course_utils import storage
from course_utils.training import ranks

PROGRAM = Path(training_ranks.__file__)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """What the two have said, where they have written, and what; a hang is an error."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    told = {**os.environ, "TORCHELASTIC_RUN_ID": "a test", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    told |= {"WORLD_SIZE": "2", "COURSE_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    told["PYTHONPATH"] = os.pathsep.join([str(PROGRAM.parents[1]), str(PROGRAM.parent)])
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    program = [sys.executable, str(PROGRAM), str(folder)]
    ranked = [told | {"RANK": rank, "LOCAL_RANK": rank} for rank in "01"]
    started = [subprocess.Popen(program, env=env, **how) for env in ranked]
    try:
        said = [one.communicate(timeout=300)[0] for one in started]
    finally:
        for one in started:
            one.kill()
    assert [one.returncode for one in started] == [0, -9], said
    return "".join(said), folder, [storage.read(folder / f"{rank}.pt") for rank in range(2)]


@pytest.fixture(scope="module")
def found(ended):
    return ended[2]


def test_two_do_what_one_does_but_for_rounding(found):
    one = training_ranks.plain()
    for two in found:
        for a, b in zip(two["plain"]["weights"], one["weights"], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)
        assert two["plain"]["valid"] == pytest.approx(one["valid"], rel=1e-9)
        assert two["plain"]["train"] == pytest.approx(one["train"], rel=1e-9)
    assert same(found[0]["plain"]["weights"], found[1]["plain"]["weights"])


def test_the_batches_of_all_are_the_epoch_the_noise_is_their_own_and_the_first_is_heard(found):
    one, (a, b) = training_ranks.traced(), [each["traced"] for each in found]
    assert [x + y for x, y in zip(a["seen"], b["seen"], strict=True)] == one["seen"]
    assert [(len(x), len(y)) for x, y in zip(a["seen"], b["seen"], strict=True)] == 10 * [(9, 8)]
    assert a["noise"] == one["noise"] and not set(a["noise"]) & set(b["noise"])
    assert a["shown"] == one["shown"] and b["shown"] == []
    assert a["valid"] == b["valid"] == pytest.approx(one["valid"], rel=1e-4)  # that of the first decides


def test_all_keep_the_same_weights_by_the_same_held_out_losses(found):
    for run in ("uninterrupted", "game", "late"):
        a, b = (dict(each[run]) for each in found)
        assert same(a.pop("weights"), b.pop("weights")), run
        assert a == b, run
    assert all(each["late"]["stopped"] == "seconds" for each in found)


def test_an_interrupt_of_one_ends_both_and_the_run_goes_on_as_if_there_had_been_none(ended):
    said, folder, found = ended
    for each in found:
        first, second = each["resumed"]["first"], each["resumed"]["second"]
        assert first["stopped"] == "interrupted" and len(first["valid"]) == 2
        assert same(second["weights"], each["uninterrupted"]["weights"])
        assert (second["valid"], second["stopped"]) == (each["uninterrupted"]["valid"], "epochs")
    assert said.count("interrupted") == 1 and "epoch 2, its best" in said
    assert [path.name for path in folder.glob("noisy*")] == ["noisy0.pt"]


def test_errors_are_those_of_all(found):
    small, bad = ({each[name] for each in found} for name in ("too small", "diverged"))
    assert len(small) == 1 and "got batches of 1 for 2 processes" in small.pop()
    assert len(bad) == 1 and "the training loss became nan in epoch 2, batch 3" in bad.pop()


@pytest.mark.parametrize(("device", "gpus"), [("cuda", 1), ("cuda:0", 2), ("mps", 0)])
def test_each_process_needs_a_gpu_of_its_own(device, gpus, monkeypatch):
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ranks.runtime, "device", lambda: torch.device(device))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(ValueError, match=f"expected GPU 1 of CUDA.*got {device} of {gpus}"), ranks.joined():
        pass


def test_the_end_of_one_is_an_error_of_the_others_and_no_hang(ended):
    _, folder, _ = ended
    assert storage.read(folder / "killed.pt")["error"] == "RuntimeError"

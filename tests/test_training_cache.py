"""The cache: what was trained before is there at once, and never in the place of something else."""

import subprocess
import sys
from functools import partial

import pytest
import torch
from places import ROOT, TESTS
from torch import nn
from training_models import Noisy, noisy_data, noisy_model, same, weights

from course_utils import storage
from course_utils.training import fit, identity


def train(model, x=None, **settings):
    given = dict(epochs=2, batch_size=20, progress=False, device="cpu") | settings
    return fit(model, noisy_data() if x is None else x, **given)


def steps_of(model, x=None, **settings):
    """How many steps fit takes: none if the run comes from the cache."""
    steps = []
    model.net.register_forward_pre_hook(lambda net, args: steps.append(1) if net.training else None)
    history = train(model, x, **settings)
    assert history.cached == (not steps)
    return len(steps)


def test_a_hit_is_the_run_itself(tmp_path):
    first, second, plain = noisy_model(), noisy_model(), noisy_model()
    made, found = train(first, cache=tmp_path), train(second, cache=tmp_path)
    assert (made.cached, found.cached) == (False, True)
    assert same(weights(first), weights(second)) and not second.training
    assert repr(made) == repr(found) == repr(train(plain))
    assert made.as_dict() | {"cached": True} == found.as_dict()
    assert same(weights(first), weights(plain))
    assert len(list(tmp_path.iterdir())) == 1


def other_start():
    model = noisy_model()
    model.net[0].weight.data[0, 0] += 1e-6
    return model


def other_statistics():
    model = noisy_model()
    model.net[1].running_mean[0] = 1e-6
    return model


def other_dropout():
    model = noisy_model()
    model.net[3].p = 0.25
    return model


def other_mask():
    model = noisy_model()
    model.register_buffer("mask", torch.ones(2), persistent=False)
    return model


def frozen_part():
    model = noisy_model()
    model.net[0].bias.requires_grad_(False)
    return model


class OtherLoss(Noisy):
    def loss(self, x):
        return 2 * super().loss(x)


def other_code():
    model = noisy_model()
    model.__class__ = OtherLoss
    return model


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"model": make}
            for make in (other_start, other_statistics, other_dropout, other_mask, frozen_part, other_code)
        ),
        {"x": noisy_data() * 1.001},
        {"x": noisy_data().flip(0)},
        {"valid": 0.2},
        {"valid": noisy_data(9)},
        {"epochs": 3},
        {"batch_size": 21},
        {"lr": 2e-3},
        {"weight_decay": 0.1},
        {"schedule": "cosine"},
        {"clip": 2.0},
        {"patience": 5},
        {"seed": 1},
        {"seconds": 1000.0},
        {"amp": True},
    ],
    ids=lambda change: "-".join(getattr(value, "__name__", key) for key, value in change.items()),
)
def test_whatever_determines_a_run_is_in_the_key(change, tmp_path):
    train(noisy_model(), cache=tmp_path)
    settings = dict(change)
    model = settings.pop("model", noisy_model)()
    assert steps_of(model, cache=tmp_path, **settings) > 0
    assert len(list(tmp_path.iterdir())) == 2


def test_another_machine_makes_the_run_itself(tmp_path, monkeypatch):
    train(noisy_model(), cache=tmp_path)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    assert steps_of(noisy_model(), cache=tmp_path) > 0


def test_threads_versions_and_the_course_are_in_the_key(tmp_path, monkeypatch):
    here = identity.of_surroundings(torch.device("cpu"))
    assert {"course", "torch", "python", "device", "threads"} <= set(here)
    assert here == identity.of_surroundings(torch.device("cpu"))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    assert identity.of_surroundings(torch.device("cpu")) != here
    (tmp_path / "models").mkdir()
    (tmp_path / "explorers.py").write_text("0")
    monkeypatch.setattr(identity, "PACKAGE", tmp_path)
    digests = []
    for name in ("models/nade.py", "explorers.py", "checks.py", "checks.py"):
        (tmp_path / name).write_text(f"{name} {len(digests)}")
        digests.append(identity.of_surroundings(torch.device("cpu"))["course"])
    assert digests[0] == digests[1] and len(set(digests)) == 3


def test_the_key_is_the_same_in_another_process(tmp_path):
    """Nothing in it depends on addresses or on the order of hashing."""
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from training_models import noisy_model, FVSBN\nfrom course_utils.training import identity\n"
        "code = identity.of_model(noisy_model())['code']\n"
        "print(code, identity.spell(FVSBN), identity.spell({*'abcdefgh'}))"
    )
    command = [sys.executable, "-c", script, str(TESTS), str(ROOT)]
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    from training_models import FVSBN

    for _ in range(100):  # specialised byte code must not count
        noisy_model().loss(noisy_data())
    code = identity.of_model(noisy_model())["code"]
    assert there == f"{code} {identity.spell(FVSBN)} {identity.spell({*'hgfedcba'})}"


scale = 1.0


def scaled(x):
    return x * scale


def scaled_twice(x):
    return [scaled(y) for y in x]


def test_code_is_known_by_what_it_does(monkeypatch):
    before = identity.spell(scaled_twice)
    assert before == identity.spell(scaled_twice)
    monkeypatch.setitem(globals(), "scale", 2.0)
    assert identity.spell(scaled_twice) != before, "a constant that a function names through another one"
    pairs = [
        (lambda x: x + 1, lambda x: x + 2),
        (torch.relu, torch.tanh),
        (partial(scaled, 1), partial(scaled, 2)),
        (nn.Linear(2, 2), nn.Linear(2, 2)),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 1.0}),
        (torch.zeros(2), torch.zeros(2, dtype=torch.float64)),
    ]
    for a, b in pairs:
        assert identity.spell(a) != identity.spell(b)
    loop = [1]
    loop.append(loop)
    assert identity.spell(loop) == "[1, list]"


@pytest.mark.parametrize("damage", [lambda data: data[:-50], lambda data: b"not weights"])
def test_a_damaged_file_is_named_and_training_runs_again(damage, tmp_path, capsys):
    train(noisy_model(), cache=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert steps_of(noisy_model(), cache=tmp_path) > 0
    printed = capsys.readouterr().out
    assert path.name in printed and printed.count("\n") == 1
    assert steps_of(noisy_model(), cache=tmp_path) == 0


def test_an_unfinished_run_is_not_kept(tmp_path):
    model = noisy_model()

    def interrupt(net, args):
        raise KeyboardInterrupt

    model.net.register_forward_pre_hook(interrupt)
    assert train(model, cache=tmp_path).stopped == "interrupted"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("misfit", [{"net.3.weight": torch.zeros(7)}, {"net.9.weight": torch.zeros(7)}])
def test_a_file_that_does_not_fit_leaves_no_trace_in_the_model(misfit, tmp_path, capsys):
    made = train(noisy_model(), cache=tmp_path)
    (path,) = tmp_path.iterdir()
    kept = storage.read(path)
    doubled = {key: 2 * value for key, value in kept["weights"].items()}
    storage.write(path, kept | {"weights": doubled | misfit})
    again, plain = noisy_model(), noisy_model()
    assert repr(train(again, cache=tmp_path)) == repr(made) == repr(train(plain))
    assert same(weights(again), weights(plain))
    printed = capsys.readouterr().out
    assert path.name in printed and "does not fit" in printed and printed.count("\n") == 1


def test_a_run_that_cannot_be_kept_is_still_a_run(tmp_path, monkeypatch, capsys):
    def full(path, payload):
        raise OSError(28, "no room", str(path))

    monkeypatch.setattr(storage, "write", full)
    assert train(noisy_model(), cache=tmp_path).stopped == "epochs"
    printed = capsys.readouterr().out
    assert "no room" in printed and "this run is not kept" in printed and printed.count("\n") == 1

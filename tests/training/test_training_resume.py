"""Checkpoints: a run that was killed ends in the same weights, bit for bit, as one that never stopped."""

import sys

import pytest
import torch
from training_models import Clock, Killed, Noisy, noisy_data, noisy_model, same, weights

from course_utils import storage
from course_utils.training import checkpoint, fit, fitting

SETTINGS = dict(
    epochs=12, batch_size=20, lr=0.02, schedule="cosine", clip=1.0, weight_decay=0.01, average=0.7, patience=9
)


def train(model, x=None, **settings):
    given = SETTINGS | {"progress": False, "device": "cpu", "checkpoint_every": 0.0} | settings
    return fit(model, noisy_data() if x is None else x, **given)


def killed_after(epoch, path, **settings):
    """Train to the end of this epoch and die in the middle of the next."""

    def die(model, args):
        if model.training and die.epoch == epoch:
            raise Killed

    model = noisy_model()
    model.net.register_forward_pre_hook(die)

    def count(e, m):
        die.epoch = e

    with pytest.raises(Killed):
        train(model, checkpoint=path, on_epoch=count, **settings)


def outcome(history):
    return history.train, history.valid, history.lr, history.best_epoch, history.stopped


@pytest.fixture(scope="module")
def uninterrupted():
    model = noisy_model()
    return train(model), weights(model)


@pytest.mark.parametrize("epoch", [1, 7, 11])
def test_killed_and_resumed_is_uninterrupted(epoch, tmp_path, uninterrupted):
    killed_after(epoch, tmp_path / "run.pt")
    torch.manual_seed(123)
    model, looked = noisy_model(), []
    history = train(model, checkpoint=tmp_path / "run.pt", on_epoch=lambda e, m: looked.append(e))
    assert same(weights(model), uninterrupted[1])
    assert outcome(history) == outcome(uninterrupted[0])
    assert looked == list(range(epoch + 1, 13))


def test_no_run_waits_for_the_import_of_torchs_compiler(tmp_path, monkeypatch):
    """Ten seconds in a new installation, at the first step of a class."""
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # whoever imports it now gets an error
    killed_after(1, tmp_path / "run.pt")
    assert train(noisy_model(), checkpoint=tmp_path / "run.pt").epochs == 12


def twice(x):
    return 2 * x


class Starting(Noisy):
    """Starts from data, and notes from what."""

    def __init__(self):
        super().__init__()
        self.started = []

    def initialise(self, x):
        assert not torch.is_grad_enabled()
        self.started.append(x.clone())


def test_a_model_starts_from_the_first_batch_once_and_never_again_when_resumed(tmp_path):
    model, path = Starting(), tmp_path / "run.pt"
    train(model, checkpoint=path, epochs=2, transform=twice)
    (first,) = model.started
    assert len(first) <= 20 and all((row == 2 * noisy_data()).all(1).any() for row in first)
    again = Starting()
    train(again, checkpoint=path, epochs=2, transform=twice)
    assert not again.started


@pytest.mark.slow
def test_the_count_of_patience_goes_on(tmp_path):
    plain = train(noisy_model(), lr=0.3, patience=4, epochs=60, schedule="constant")
    assert plain.stopped == "patience" and plain.best_epoch > 1
    path = tmp_path / "run.pt"
    killed_after(plain.epochs - 1, path, lr=0.3, patience=4, epochs=60, schedule="constant")
    resumed = train(noisy_model(), checkpoint=path, lr=0.3, patience=4, epochs=60, schedule="constant")
    assert outcome(resumed) == outcome(plain)


def test_a_finished_run_is_not_run_again(tmp_path, uninterrupted):
    path = tmp_path / "deep" / "folder" / "run.pt"
    train(noisy_model(), checkpoint=path)
    model = Noisy()  # with other initial weights: those in the file count
    model.net.register_forward_pre_hook(lambda net, x: pytest.fail("trained again"))
    assert outcome(train(model, checkpoint=path)) == outcome(uninterrupted[0])
    assert same(weights(model), uninterrupted[1]) and not model.training


def test_interrupt_then_the_same_cell_again(tmp_path, uninterrupted):
    """The model that comes back from an interrupt is given to fit again, as when a cell is run twice."""
    model = noisy_model()

    def interrupt(epoch, model):
        if epoch == 8:
            raise KeyboardInterrupt

    path = tmp_path / "run.pt"
    assert train(model, checkpoint=path, on_epoch=interrupt).stopped == "interrupted"
    assert outcome(train(model, checkpoint=path)) == outcome(uninterrupted[0])
    assert same(weights(model), uninterrupted[1])


def test_budgets_of_time_add_up(tmp_path, uninterrupted, monkeypatch):
    """An epoch that a budget cut short counts for that call, and is trained again by the next."""
    histories = []
    while not histories or histories[-1].stopped == "seconds":
        model, clock = noisy_model(), Clock()
        monkeypatch.setattr(fitting, "time", clock)
        histories.append(train(model, checkpoint=tmp_path / "run.pt", seconds=22.0))
    assert [history.epochs for history in histories] == sorted({history.epochs for history in histories})
    assert len(histories) > 2
    assert outcome(histories[-1]) == outcome(uninterrupted[0]) and same(weights(model), uninterrupted[1])


def test_writings_are_apart(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(storage, "write", lambda path, payload: written.append(payload["state"]["history"]))
    monkeypatch.setattr(checkpoint, "time", Clock())  # read twice an epoch at most: two seconds
    train(noisy_model(), checkpoint=tmp_path / "run.pt", checkpoint_every=4.0)
    epochs = [len(history["valid"]) for history in written]
    assert 2 <= len(epochs) <= 5 and epochs[-1] == 12
    written.clear()
    train(noisy_model(), checkpoint=tmp_path / "run.pt", checkpoint_every=1e9)
    assert [len(history["valid"]) for history in written] == [12], "at the end in any case"


class Other(Noisy):
    pass


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (dict(lr=0.03), "lr was 0.02 and is 0.03"),
        (dict(seed=1), "seed was 0 and is 1"),
        (dict(epochs=13), "epochs was 12 and is 13"),
        (dict(schedule="constant"), "schedule was 'cosine' and is 'constant'"),
        (dict(x=noisy_data() * 1.001), "training data differs"),
        (dict(valid=noisy_data()[:9]), "held-out data differs"),
        (dict(model=noisy_model(hidden=7)), "hidden was 6 and is 7"),
        (dict(model=Other()), "model was Noisy and is Other"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_checkpoint_of_another_run_says_what_differs(change, named, tmp_path):
    path = tmp_path / "run.pt"
    train(noisy_model(), checkpoint=path)
    content = path.read_bytes()
    model = change.pop("model", noisy_model())
    before = weights(model)
    with pytest.raises(ValueError, match="belongs to another run") as caught:
        train(model, checkpoint=path, **change)
    assert named in str(caught.value) and "run.pt" in str(caught.value)
    assert same(before, weights(model)) and path.read_bytes() == content


def test_a_damaged_checkpoint_is_named(tmp_path):
    path = tmp_path / "run.pt"
    train(noisy_model(), checkpoint=path, epochs=1)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"run\.pt.*damaged.*Delete"):
        train(noisy_model(), checkpoint=path, epochs=1)


def test_another_file_is_no_checkpoint(tmp_path):
    storage.write(tmp_path / "run.pt", {"weights": torch.zeros(3)})
    with pytest.raises(ValueError, match=r"expected a checkpoint .*run\.pt"):
        train(noisy_model(), checkpoint=tmp_path / "run.pt")
    storage.write(tmp_path / "hollow.pt", {"kind": checkpoint.KIND})
    with pytest.raises(ValueError, match=r"expected a checkpoint .*hollow\.pt"):
        train(noisy_model(), checkpoint=tmp_path / "hollow.pt")

"""A checkpoint whose sums are right and whose contents are not: one error, and a model as it was."""

from collections.abc import Callable
from functools import partial
from math import inf, nan
from typing import Any

import pytest
import torch
from training_games import play, small_game
from training_models import noisy_data, noisy_model, same, weights

from course_utils import storage
from course_utils.training import fit

SETTINGS = dict(epochs=4, batch_size=20, lr=0.02, average=0.9, progress=False, device="cpu")


GONE = object()


def put(value: object, *path: object) -> Callable[[dict[str, Any]], object]:
    """Write a value, or what a function makes of the old one, into the file's contents at this place."""

    def corrupt(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value(content[path[-1]]) if callable(value) else value
        if value is GONE:
            del content[path[-1]]

    return corrupt


drop = partial(put, GONE)
WEIGHT, ADAM = ("state", "model", "net.0.weight"), ("state", "optimisers", 0, "adam")
CORRUPTIONS = {
    "kind": put("weights", "kind"),
    "no identity": drop("identity"),
    "no state": drop("state"),
    "identity of another type": put([1, 2], "identity"),
    "an identity of numbers": put(lambda named: {key: 1 for key in named}, "identity"),
    "state of another type": put([1, 2], "state"),
    "no model": drop("state", "model"),
    "no best": drop("state", "best"),
    "no optimisers": drop("state", "optimisers"),
    "no history": drop("state", "history"),
    "something too many": put(1, "state", "more"),
    "a weight is missing": drop(*WEIGHT),
    "a weight too many": put(torch.zeros(3), "state", "model", "more"),
    "a weight of another shape": put(lambda w: w.T.clone(), *WEIGHT),
    "a weight of another dtype": put(lambda w: w.double(), *WEIGHT),
    "a weight is a number": put(0.5, *WEIGHT),
    "a weight is nan": put(lambda w: w * nan, *WEIGHT),
    "a best weight is infinite": put(lambda w: w + inf, "state", "best", "net.0.weight"),
    "a best weight of another shape": put(lambda w: w[0], "state", "best", "net.0.weight"),
    "two optimisers": put(lambda found: found * 2, "state", "optimisers"),
    "an optimiser is a text": put("Adam", "state", "optimisers", 0),
    "moments are missing": drop(*ADAM, 0),
    "no moments at all": put({}, *ADAM),
    "moments of too many": put(lambda one: {**one, 99: one[0]}, *ADAM),
    "another optimiser's state": put({"momentum_buffer": torch.zeros(6, 4)}, *ADAM, 0),
    "a moment of another shape": put(torch.zeros(2), *ADAM, 0, "exp_avg"),
    "a moment is nan": put(lambda m: m * nan, *ADAM, 0, "exp_avg_sq"),
    "steps are a text": put("five", "state", "optimisers", 0, "steps"),
    "steps are negative": put(-5, "state", "optimisers", 0, "steps"),
    "an average is missing": put(lambda a: a[1:], "state", "optimisers", 0, "averages"),
    "an average is nan": put(lambda a: [m * nan for m in a], "state", "optimisers", 0, "averages"),
    "a curve is missing": drop("state", "history", "valid"),
    "a curve is shorter": put(lambda curve: curve[1:], "state", "history", "train"),
    "a curve of texts": put(lambda curve: ["a"] * len(curve), "state", "history", "lr"),
    "a held-out loss is nan": put(nan, "state", "history", "valid", 0),
    "the best epoch is to come": put(9, "state", "history", "best_epoch"),
    "stopped for no reason": put("tired", "state", "history", "stopped"),
}


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], dict[str, Any]]:
    """The contents of the file of a run that was stopped after its second epoch, afresh each time."""
    path = tmp_path_factory.mktemp("runs") / "run.pt"

    def stop(epoch: int, model: object) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    fit(noisy_model(), noisy_data(), checkpoint=path, checkpoint_every=0.0, on_epoch=stop, **SETTINGS)
    return lambda: storage.read(path)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_one_clear_value_error_and_a_model_as_it_was(corruption, content, tmp_path):
    found, path, model = content(), tmp_path / "run.pt", noisy_model()
    assert len(found["state"]["history"]["valid"]) in (1, 2), "an unfinished run"
    CORRUPTIONS[corruption](found)
    storage.write(path, found)
    before, as_written = weights(model), path.read_bytes()
    with pytest.raises(ValueError, match=r"^fit: .*run\.pt.*another path") as caught:
        fit(model, noisy_data(), checkpoint=path, **SETTINGS)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    assert same(before, weights(model)) and path.read_bytes() == as_written


@pytest.mark.slow
@pytest.mark.parametrize(
    "corrupt",
    [
        put(lambda one: one[:1], "state", "optimisers"),
        put(lambda one: one[::-1], "state", "optimisers"),
        put({"generator": ["a"] * 6}, "state", "history", "losses"),
        put(lambda net: {key: value + nan for key, value in net.items()}, "state", "model"),
        drop("state", "history", "answers"),
    ],
)
def test_the_same_of_a_game(corrupt, tmp_path):
    path, game = tmp_path / "run.pt", small_game()
    play(small_game(), checkpoint=path)
    found = storage.read(path)
    corrupt(found)
    storage.write(path, found)
    before = weights(game)
    with pytest.raises(ValueError, match=r"^fit: .*run\.pt.*another path"):
        play(game, checkpoint=path)
    assert same(before, weights(game))

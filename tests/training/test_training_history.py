"""What training tells: the history as a line and as a picture, and the bar."""

from functools import partial

from tqdm import tqdm
from training_models import noisy_data, noisy_model

from course_utils.training import History, fit, fitting


def test_repr_is_one_line_without_seconds():
    curves = {name: [1.2345] * 85 for name in ("train", "valid", "seconds", "lr")}
    best = {"best_epoch": 61, "best_valid": 17.314}
    history = History("NADE", {"patience": 20}, stopped="patience", **curves, **best)
    line = "NADE: 85 epochs, best 61, held-out loss 17.31 nats (stopped: no better for 20 epochs)"
    assert repr(history) == line
    assert "interrupted" in repr(History("NADE", stopped="interrupted"))


def test_history_draws_itself():
    history = fit(noisy_model(), noisy_data(), epochs=3, progress=False, device="cpu")
    curves = [line.get_ydata().tolist() for line in history.plot().get_lines()]
    assert history.train in curves and history.valid in curves and [history.best_valid] in curves


def test_the_bar_goes_to_the_end_and_nothing_is_printed(capsys, monkeypatch, recwarn):
    monkeypatch.setattr(fitting, "SECONDS_WITHOUT_BAR", 0.0)
    monkeypatch.setattr(fitting, "tqdm", partial(tqdm, mininterval=0.0))
    history = fit(noisy_model(), noisy_data(), epochs=60, batch_size=11, patience=60, device="cpu")
    out, bar = capsys.readouterr()
    assert out == "" and not recwarn.list
    assert "Noisy" in bar and "60.0/60 epochs" in bar and f"held-out {history.valid[-2]:.2f} nats" in bar
    assert bar.endswith("\r"), "the bar is wiped out in the end"
    assert fit(noisy_model(), noisy_data(), epochs=1, progress=False, device="cpu").epochs == 1
    assert capsys.readouterr() == ("", "")

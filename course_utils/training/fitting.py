"""``fit``: the training loop of the course for everything that has a loss."""

import os
import time
from collections.abc import Callable, Sequence
from math import inf

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils import runtime
from course_utils.checks import check_number
from course_utils.taxonomy import Direct
from course_utils.training import cache as caching
from course_utils.training import identity, streams
from course_utils.training.batches import Transform, move, split
from course_utils.training.checkpoint import Checkpoint
from course_utils.training.game_history import GameHistory
from course_utils.training.games import GameRun
from course_utils.training.history import History
from course_utils.training.run import Run
from course_utils.training.settings import choose

Data = Tensor | Sequence[Tensor]
Path = str | os.PathLike[str]
OnEpoch = Callable[[int, nn.Module], object]

BAR = "{l_bar}{bar}| {n:.1f}/{total_fmt} epochs [{elapsed}<{remaining}{postfix}]"
SECONDS_WITHOUT_BAR = 0.5


def fit(
    model: nn.Module,
    x: Data,
    *,
    valid: Data | float | None = None,
    transform: Transform | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    weight_decay: float | None = None,
    schedule: str | None = None,
    clip: float | None = None,
    average: float | None = None,
    patience: float | None = None,
    seconds: float | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    amp: bool = False,
    progress: bool = True,
    on_epoch: OnEpoch | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: float = 1.0,
    cache: Path | None = None,
) -> History | GameHistory:
    """Train a model: find the θ with the smallest mean loss on data, and keep the best on held-out data.

    Adam (Kingma & Ba 2015) steps along the gradient of ``model.loss(*batch)``. Training stops early when
    the held-out loss no longer falls. In the end the model is on the device, in eval mode, with the
    weights of its best epoch: also after an interrupt (Jupyter's stop button), an error or divergence.

    A game (a GAN) has no such loss: two players step in turn, each down its own (see ``GameRun``). Then
    nothing is stopped early, held-out data are only shown to the discriminator, and the model keeps the
    weights of its last epoch, the generator's as a running average.

    Args:
        model: a GAN, or anything with ``loss(*batch)`` → scalar in nats. Where it has ``held_out(*batch)``
            too, that is what early stopping watches: for a loss that is no measure, as in contrastive
            divergence. Where it has ``initialise(*batch)``, the first batch of all starts it.
        x: data (N, *event_shape), or a tuple of tensors with the same N such as (x, labels).
        valid: held-out data in the form of x, or the fraction of x to set apart (None: 0.1).
        transform: what makes ``loss``'s arguments of a batch, anew in every step: noise for dequantised or
            binarised pixels, say. Held-out data pass it too, with the same random numbers every time.
        epochs, batch_size, lr, weight_decay, schedule, clip, average, patience: see ``Settings``. None:
            what the model's ``fit_defaults`` say, else the defaults there.
        seconds: stop after this wall-clock time, in the middle of an epoch if need be.
        seed: decides split, order and all of torch's random numbers in the loss. The caller's own random
            numbers go on undisturbed. Same seed, device and threads: same weights.
        device: None: ``runtime.device()``.
        amp: mixed precision by autocast, bfloat16 or else float16. On CUDA only, ignored elsewhere.
        progress: show a bar.
        on_epoch: called with (epoch, model) before training (epoch 0) and after every epoch, the model in
            eval mode. What it draws at random does not change the training.
        checkpoint: a file to keep the state in. If it is there already, that run goes on and ends in the
            same weights, bit for bit, as if it had never stopped; ``on_epoch`` gets the epochs to come.
        checkpoint_every: seconds between two writings, at least.
        cache: a folder for finished runs. A run that determined the same things (weights, data, settings,
            code, versions, device, threads) is read from there and not made again.

    Raises:
        ValueError: an argument, the data or a file is not what it should be; the message says which.
        TrainingDiverged: a loss or gradient is not finite.

    >>> class Coin(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.logit = nn.Parameter(torch.zeros(()))
    ...     def loss(self, x):
    ...         return nn.functional.binary_cross_entropy_with_logits(self.logit.expand(x.shape), x)
    >>> coin, heads = Coin(), torch.tensor([1.0, 1.0, 1.0, 0.0]).repeat(50)
    >>> history = fit(coin, heads, valid=heads, lr=0.1, epochs=50, progress=False, device="cpu")
    >>> round(coin.logit.sigmoid().item(), 2)
    0.75
    """
    if transform is not None and not callable(transform):
        raise ValueError(f"fit: expected transform to be a function of a batch, got {transform!r}")
    _check(model, patience, seconds, progress, on_epoch, checkpoint, checkpoint_every, cache)
    deadline = time.perf_counter() + (inf if seconds is None else seconds)
    given = dict(epochs=epochs, batch_size=batch_size, lr=lr, weight_decay=weight_decay, seed=seed)
    given |= dict(schedule=schedule, clip=clip, average=average, patience=patience, amp=amp)
    settings = choose(model, given)
    place = runtime.device(device)
    data = split(x, valid, settings.seed)
    model.to(place)
    kind = GameRun if isinstance(model, Direct) else Run
    run = kind(model, settings, *(move(part, place, model, transform) for part in data), transform)
    file, kept = None, None
    if checkpoint is not None:
        file = Checkpoint(checkpoint, _identity(run), checkpoint_every)
        file.resume(run)
    if cache is not None:
        more = identity.of_surroundings(place) | {"weights": identity.of_weights(model)}
        kept = caching.place(cache, _identity(run) | more | {"seconds": str(seconds)})
        history = caching.load(kept, model, type(run.history))
        if history is not None:
            model.eval()
            return history
    with streams.borrowed(place), _bar(run, progress) as bar:
        _complete(run, deadline, bar, on_epoch, file)
    if kept is not None and run.history.stopped != "interrupted":
        caching.store(kept, run.best, run.history)
    return run.history


def _complete(
    run: Run, deadline: float, bar: tqdm, on_epoch: OnEpoch | None, file: Checkpoint | None
) -> None:
    """Train epoch after epoch until there is a reason to stop, and leave the best weights in the model."""
    try:
        if on_epoch is not None and run.history.epochs == 0:
            _call(on_epoch, run)
        while not run.history.stopped:
            completed = run.epoch(deadline, lambda done: bar.update(done - bar.n))
            _tell(bar, run)
            if on_epoch is not None:
                _call(on_epoch, run)
            late = time.perf_counter() > deadline
            run.history.stopped = run.reason_to_stop() if completed else ""
            if file is not None and completed:
                file.save(run, now=late or bool(run.history.stopped))
            run.history.stopped = run.history.stopped or ("seconds" if late else "")
        run.put_back()
    except KeyboardInterrupt:
        print(run.interrupted())
        run.put_back()
    except BaseException:
        run.put_back()
        raise


def _call(on_epoch: OnEpoch, run: Run) -> None:
    run.model.eval()
    streams.start(run.device, run.settings.seed, "callback", run.history.epochs)
    with run.descent.averaged():
        on_epoch(run.history.epochs, run.model)


def _bar(run: Run, progress: bool) -> tqdm:
    return tqdm(
        total=run.settings.epochs,
        initial=run.history.epochs,
        desc=run.history.model,
        bar_format=BAR,
        delay=SECONDS_WITHOUT_BAR,
        leave=False,
        disable=not progress,
    )


def _tell(bar: tqdm, run: Run) -> None:
    bar.set_postfix_str(run.history.latest(), refresh=False)


def _identity(run: Run) -> identity.Identity:
    settings = {key: repr(value) for key, value in run.settings.as_dict().items()}
    data = {"training data": run.train, "held-out data": run.valid}
    return (
        identity.of_model(run.model)
        | settings
        | {"transform": identity.spell(run.transform)}
        | {name: identity.of_tensors(part) for name, part in data.items()}
    )


def _check(
    model: nn.Module,
    patience: float | None,
    seconds: float | None,
    progress: bool,
    on_epoch: OnEpoch | None,
    checkpoint: Path | None,
    checkpoint_every: float,
    cache: Path | None,
) -> None:
    """Check what is neither data nor a setting: one ValueError for the first thing wrong."""
    name, game = type(model).__name__, isinstance(model, Direct)
    if not game and not (isinstance(model, nn.Module) and callable(getattr(model, "loss", None))):
        raise ValueError(f"fit: expected a model with a loss, such as NADE((1, 8, 8)), got {name}")
    if game and patience is not None:
        raise ValueError(
            f"fit: expected no patience for {name}, got {patience!r}: a game has no loss to watch"
        )
    if seconds is not None:
        check_number(seconds, "fit: seconds", low=0)
    check_number(checkpoint_every, "fit: checkpoint_every", low=0)
    if on_epoch is not None and not callable(on_epoch):
        raise ValueError(f"fit: expected on_epoch to be a function of (epoch, model), got {on_epoch!r}")
    for name, path in (("checkpoint", checkpoint), ("cache", cache)):
        if path is not None and not (isinstance(path, str | os.PathLike) and os.fspath(path)):
            raise ValueError(f"fit: expected {name} to be a path, got {path!r}")
    if cache is not None and os.path.exists(cache) and not os.path.isdir(cache):
        raise ValueError(f"fit: expected cache to be a folder, got the file {os.fspath(cache)!r}")
    if not isinstance(progress, bool):
        raise ValueError(f"fit: expected progress to be True or False, got {progress!r}")
    if cache is not None and (on_epoch is not None or checkpoint is not None):
        raise ValueError(
            "fit: expected cache without on_epoch (a cached run has no epochs to look at) and without "
            "checkpoint (which of the two files would answer?), got both"
        )
